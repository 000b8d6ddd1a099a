/** What `gpg --card-edit` does to the card besides making keys: the cardholder, PINs, KDF, factory reset. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { repository } from "../vm/image.ts";
import { curves, FACTORY_PINS, Gpg } from "./gpg.ts";
import { describeNative } from "./pcscd.ts";

const PINENTRY = join(repository, "test/native/pinentry.py");

describeNative("gpg --card-edit", { packages: ["gnupg", "scdaemon", "python3"] }, (suite) => {
  let gpg: Gpg;

  beforeAll(async () => {
    gpg = new Gpg(suite.session, `${suite.session.directory}/gnupg`);
    await gpg.setUp(PINENTRY);
  });

  const factoryReset = async () => {
    expect(await gpg.cardEdit("admin", "factory-reset", "y", "yes")).toMatch(/cardedit.factory-reset.really/);
    await gpg.release();
    await gpg.type(FACTORY_PINS);
  };

  test("shows a new card", async () => {
    const status = await gpg.status();
    expect(status).toMatch(/^Application ID \.\.\.: D276000124010304FFFE[0-9]{8}0000$/m);
    expect(status).toMatch(/^Version \.+: 3\.4$/m);
    expect(status).toMatch(/^Key attributes \.\.\.: rsa2048 rsa2048 rsa2048$/m);
    expect(status).toMatch(/^Max\. PIN lengths \.: 127 127 127$/m);
    expect(status).toMatch(/^PIN retry counter : 3 0 3$/m);
    expect(status).toMatch(/^Signature key \.+: \[none\]$/m);
  });

  test("sets the cardholder's data and whether a signature wants the PIN", async () => {
    const lines = [
      "name",
      "Doe",
      "Joan",
      "lang",
      "deen",
      "sex",
      "f",
      "url",
      "https://example.com/key",
      "login",
      "joan",
    ];
    await gpg.cardEdit("admin", ...lines, "forcesig");
    const status = await gpg.status();
    expect(status).toMatch(/^Name of cardholder: Joan Doe$/m);
    expect(status).toMatch(/^Language prefs \.\.\.: deen$/m);
    expect(status).toMatch(/^Salutation \.+: Ms\.$/m);
    expect(status).toMatch(/^URL of public key : https:\/\/example\.com\/key$/m);
    expect(status).toMatch(/^Login data \.+: joan$/m);
    expect(status).toMatch(/^Signature PIN \.+: not forced$/m);
  });

  test("keeps the fingerprints of CA keys, and a certificate", async () => {
    const fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
    await gpg.cardEdit("admin", "cafpr 2", fingerprint);
    expect(await gpg.status()).toMatch(/^CA fingerprint 2 \.+: ?0123 4567 89AB CDEF 0123 {2}4567/m);
    await gpg.ok(`head -c 1500 /dev/urandom > ${gpg.home}/certificate`);
    await gpg.cardEdit("admin", `writecert 3 < ${gpg.home}/certificate`, `readcert 3 > ${gpg.home}/read`);
    await gpg.ok(`cmp ${gpg.home}/certificate ${gpg.home}/read`);
  });

  test("changes both PINs, sets a reset code, and unblocks with it and with the admin PIN", async () => {
    await gpg.type({ ...FACTORY_PINS, "new-user": "654321" });
    await gpg.cardEdit("passwd");
    await gpg.type({ user: "654321", admin: "12345678", "new-admin": "87654321" });
    await gpg.cardEdit("admin", "passwd", "3", "q");
    await gpg.release();
    await gpg.type({ user: "654321", admin: "87654321", "new-reset": "reset-code", "new-user": "by-admin" });
    await gpg.cardEdit("admin", "passwd", "4", "2", "q");
    await gpg.release();
    await gpg.type({ reset: "reset-code", "new-user": "by-reset-code" });
    await gpg.cardEdit("unblock");
    await gpg.type({ user: "by-reset-code" });
    await gpg.cardEdit("verify");
    expect(await gpg.status()).toMatch(/^PIN retry counter : 3 3 3$/m);
    await factoryReset();
  });

  test("recovers a card whose PINs are all blocked by a factory reset", async () => {
    await gpg.type({ user: "wrong-pin", admin: "wrong-admin-pin" });
    for (let miss = 0; miss < 3; miss++) {
      await gpg.cardEditRefused("verify");
      await gpg.cardEditRefused("admin", "sex", "m");
    }
    expect(await gpg.status()).toMatch(/^PIN retry counter : 0 0 0$/m);
    await factoryReset();
    expect(await gpg.status()).toMatch(/^PIN retry counter : 3 0 3$/m);
    await gpg.cardEdit("verify", "admin", "sex", "m");
  });

  test.each([
    ["kdf-setup", "on"],
    ["kdf-setup single", "single"],
  ])("%s hashes the PINs from then on", async (command, setting) => {
    await gpg.cardEdit("admin", command);
    expect(await gpg.status()).toMatch(new RegExp(`^KDF setting \\.+: ${setting}$`, "m"));
    await gpg.release();
    await gpg.cardEdit("verify", "admin", "sex", "f");
    await gpg.type({ ...FACTORY_PINS, "new-user": "hashed-pin" });
    await gpg.cardEdit("passwd");
    await gpg.release();
    await gpg.type({ user: "hashed-pin" });
    await gpg.cardEdit("verify");
    await gpg.release();
    await gpg.type({ user: "wrong-pin" });
    await gpg.cardEditRefused("verify");
    await factoryReset();
    expect(await gpg.status()).toMatch(/^KDF setting \.+: off$/m);
  });

  describe("key-attr", () => {
    test.each(curves)("sets $sign", async ({ number, sign, encrypt }) => {
      await gpg.setAlgorithm({ curve: number });
      expect(await gpg.status()).toMatch(new RegExp(`^Key attributes \\.\\.\\.: ${sign} ${encrypt} ${sign}$`, "m"));
    });

    test.each([3072, 4096, 2048])("sets RSA %i", async (rsa) => {
      await gpg.setAlgorithm({ rsa });
      expect(await gpg.status()).toMatch(new RegExp(`^Key attributes \\.\\.\\.: rsa${rsa} rsa${rsa} rsa${rsa}$`, "m"));
    });
  });
});
