/** The management applet as ykman uses it over PC/SC, with Latchkey's own identity and with a YubiKey 5's. */
import { expect, test } from "vitest";
import { describeNative } from "./pcscd.ts";
import { runYkman } from "./ykman.ts";

const LOCK = "000102030405060708090a0b0c0d0e0f";
const packages = ["yubikey-manager"];

for (const identity of ["latchkey", "yubikey5"] as const) {
  const serve = ["--ephemeral", "--touch", "auto", "--identity", identity];

  describeNative(`ykman and a key that shows itself as ${identity}`, { packages, serve }, (suite) => {
    const ykman = (...commands: readonly string[]) => runYkman(suite.session, "", ...commands);

    test("sees its version, its serial number and its applications", async () => {
      const [info] = await ykman("info");
      expect(info).toMatch(/^Serial number: \d{8}$/m);
      expect(info).toMatch(/^Firmware version: 5\.7\.4$/m);
      expect(info).toMatch(/^FIDO2\s+Enabled/m);
      expect(info).toMatch(/^OATH\s+Enabled/m);
      // To ykman a reader that is not a YubiKey's is NFC.
      expect(info).toMatch(/^PIV\s+Enabled\s+Enabled/m);
      expect(info).not.toContain("lock code");
    });

    test("turns applications off and on", async () => {
      const said = await ykman(
        "config usb --disable OATH --force",
        "config usb --list",
        "config usb --enable OATH --force",
        "config usb --list",
        "config nfc --disable OATH --force",
        "config nfc --list",
        "config nfc --enable OATH --force",
        "config usb --list",
      );
      expect([1, 3, 5, 7].map((at) => said[at]?.includes("OATH"))).toEqual([false, true, false, true]);
    });

    test("sets, needs and clears a lock code", async () => {
      const said = await ykman(
        `config set-lock-code --new-lock-code ${LOCK}`,
        "info",
        `! config usb --disable OATH --lock-code ${LOCK.replace("0f", "0e")} --force`,
        `config usb --disable OATH --lock-code ${LOCK} --force`,
        `config set-lock-code --lock-code ${LOCK} --clear`,
        "config usb --enable OATH --force",
        "info",
      );
      expect(said[1]).toContain("protected by a lock code");
      expect(said[2]).toContain("Failed to configure USB applications");
      expect(said[6]).not.toContain("lock code");
    });
  });
}
