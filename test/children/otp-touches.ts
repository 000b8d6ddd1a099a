// A process made to be killed: touches a HOTP slot again and again, and says each code as it types it.
import { writeSync } from "node:fs";
import { OtpApplet } from "../../applets/otp/applet.ts";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { typedText } from "../otp/rig.ts";
import { createTestPlatform } from "../support/platform.ts";

const [path = "", key = ""] = process.argv.slice(2);
const store = await FileKeyStore.open(path, { kind: "key-file", key: fromHex(key) });
const otp = new OtpApplet({ ...createTestPlatform(), store });
for (;;) {
  await otp.touch(1, {
    async type(codes) {
      writeSync(1, `${typedText(codes)}\n`);
      return "typed";
    },
  });
}
