/** The management applet as ykman uses it over PC/SC, with Latchkey's own identity and with a YubiKey 5's. */
import { expect, test } from "vitest";
import { describeNative, READER } from "./pcscd.ts";

const LOCK = "000102030405060708090a0b0c0d0e0f";
const packages = ["yubikey-manager"];

for (const identity of ["latchkey", "yubikey5"] as const) {
  const serve = ["--ephemeral", "--touch", "auto", "--identity", identity];

  describeNative(`ykman and a key that shows itself as ${identity}`, { packages, serve }, (suite) => {
    const ykman = (command: string) => suite.session.ok(`ykman --reader '${READER}' ${command}`);
    const tryYkman = (command: string) => suite.session.run(`ykman --reader '${READER}' ${command}`);

    test("sees its version, its serial number and its applications", async () => {
      const info = await ykman("info");
      expect(info).toMatch(/^Serial number: \d{8}$/m);
      expect(info).toMatch(/^Firmware version: 5\.7\.4$/m);
      expect(info).toMatch(/^FIDO2\s+Enabled/m);
      expect(info).toMatch(/^OATH\s+Enabled/m);
      // To ykman a reader that is not a YubiKey's is NFC.
      expect(info).toMatch(/^PIV\s+Enabled\s+Enabled/m);
      expect(info).not.toContain("lock code");
    });

    test("turns applications off and on", async () => {
      await ykman("config usb --disable OATH --force");
      expect(await ykman("config usb --list")).not.toContain("OATH");
      await ykman("config usb --enable OATH --force");
      expect(await ykman("config usb --list")).toContain("OATH");
      await ykman("config nfc --disable OATH --force");
      expect(await ykman("config nfc --list")).not.toContain("OATH");
      await ykman("config nfc --enable OATH --force");
      expect(await ykman("config usb --list")).toContain("OATH");
    });

    test("sets, needs and clears a lock code", async () => {
      await ykman(`config set-lock-code --new-lock-code ${LOCK}`);
      expect(await ykman("info")).toContain("protected by a lock code");
      const wrong = await tryYkman(`config usb --disable OATH --lock-code ${LOCK.replace("0f", "0e")} --force`);
      expect(wrong.code).not.toBe(0);
      expect(wrong.output).toContain("Failed to configure USB applications");
      await ykman(`config usb --disable OATH --lock-code ${LOCK} --force`);
      await ykman(`config set-lock-code --lock-code ${LOCK} --clear`);
      await ykman("config usb --enable OATH --force");
      expect(await ykman("info")).not.toContain("lock code");
    });
  });
}
