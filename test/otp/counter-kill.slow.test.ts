// kill -9 at any moment: no code of HOTP is ever typed twice, whatever was being written.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { OtpApplet } from "../../applets/otp/applet.ts";
import { encodeSlotConfig } from "../../applets/otp/slot-config.ts";
import { computeHotp } from "../../applets/otp/ticket.ts";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";
import { keyFileSecret, storeDirectory } from "../support/store-directory.ts";
import { hotpConfig } from "./rig.ts";

const RUNS = 20;
const toucher = join(import.meta.dirname, "../../dist/test/children/otp-touches.js");
const path = join(storeDirectory(), "store");
const key = Buffer.from("12345678901234567890");

async function touchAndKill(): Promise<string[]> {
  const secret = keyFileSecret.kind === "key-file" ? toHex(keyFileSecret.key) : "";
  const child = spawn(process.execPath, [toucher, path, secret], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    if (output === "") setTimeout(() => child.kill("SIGKILL"), Math.random() * 30);
    output += data.toString();
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), 10_000);
  expect(await once(child, "close")).toEqual([null, "SIGKILL"]);
  clearTimeout(limit);
  return output.trimEnd().split("\n");
}

it(`A HOTP slot that is killed while it is touched goes on behind what it typed, ${RUNS} times of ${RUNS}`, async () => {
  const store = await FileKeyStore.create(path, [keyFileSecret]);
  const otp = new OtpApplet({ ...createTestPlatform(), store });
  await otp.execute(0x01, encodeSlotConfig(hotpConfig), createTestTransport());
  await store.close();
  let counter = -1;
  for (let run = 0; run < RUNS; run++) {
    const codes = await touchAndKill();
    expect(codes.length).toBeGreaterThan(0);
    for (const code of codes) {
      // A crash may use up one that was never typed.
      const next = [1, 2].find((step) => computeHotp(key, BigInt(counter + step), 6) === code);
      expect(next, `${code} after counter ${counter}`).toBeDefined();
      counter += next ?? 0;
    }
  }
});
