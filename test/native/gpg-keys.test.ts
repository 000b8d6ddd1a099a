/** Keys that gpg makes on the card, of every algorithm that GnuPG 2.2 knows, and what it does with them. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { repository } from "../vm/image.ts";
import { curves, FACTORY_PINS, Gpg } from "./gpg.ts";
import { describeNative } from "./pcscd.ts";

const PINENTRY = join(repository, "test/native/pinentry.py");

describeNative("gpg with keys made on the card", { packages: ["gnupg", "scdaemon", "python3"] }, (suite) => {
  let gpg: Gpg;

  beforeAll(async () => {
    gpg = new Gpg(suite.session, `${suite.session.directory}/gnupg`, { timeoutMs: 100_000 });
    await gpg.setUp(PINENTRY);
  });

  test.each(curves)("$sign and $encrypt sign, verify, encrypt and decrypt", async ({ number, sign, encrypt }) => {
    await gpg.setAlgorithm({ curve: number });
    await gpg.generate(sign);
    const status = await gpg.status();
    expect(status).toMatch(new RegExp(`^sec>  ${sign}/`, "m"));
    expect(status).toMatch(new RegExp(`^ssb>  ${encrypt}/`, "m"));
    expect(status).toMatch(/^Signature key \.\.\.\.: [0-9A-F ]{50}$/m);
    await gpg.expectToWork(sign);
  });

  test.each([2048, 4096])("RSA %i does, too", async (rsa) => {
    await gpg.setAlgorithm({ rsa });
    await gpg.generate(`rsa${rsa}`);
    expect(await gpg.status()).toMatch(new RegExp(`^sec>  rsa${rsa}/`, "m"));
    await gpg.expectToWork(`rsa${rsa}`);
  });

  test("the encryption key can be made outside, with a backup, and moved to the card", async () => {
    await gpg.type({ ...FACTORY_PINS, passphrase: "of the backup" });
    const output = await gpg.cardEdit(
      "admin",
      "generate",
      "y",
      "y",
      "0",
      "backup of the card",
      "backup@example.com",
      "",
    );
    expect(output).toMatch(/sk_[0-9A-F]{16}\.gpg/);
    expect(output).toMatch(/^\[GNUPG:\] KEY_CREATED B /m);
    await gpg.expectToWork("backup");
  });

  test("counts signatures, and asks for the PIN before each while it is forced", async () => {
    const count = async () => Number(/^Signature counter : (\d+)$/m.exec(await gpg.status())?.[1]);
    const before = await count();
    await gpg.expectToWork("backup");
    expect(await count()).toBe(before + 1);
    await gpg.release();
    await gpg.ok(`rm -f ${gpg.home}/dialogs`);
    await gpg.expectToWork("backup");
    await gpg.expectToWork("backup");
    // Two for two signatures, and one for what is deciphered.
    expect((await gpg.ok(`grep -c user ${gpg.home}/dialogs`)).trim()).toBe("3");
  });

  test("keeps the private data objects, and shows the protected ones after the PIN", async () => {
    await gpg.release();
    await gpg.ok(`printf one > ${gpg.home}/one && printf three > ${gpg.home}/three`);
    await gpg.cardEdit("admin", `privatedo 1 < ${gpg.home}/one`, `privatedo 3 < ${gpg.home}/three`);
    expect(await gpg.ok("gpg --card-status")).toMatch(/^Private DO 1 \.+: one$/m);
    expect(await gpg.ok("gpg-connect-agent 'scd getattr PRIVATE-DO-3' /bye")).toMatch(/^S PRIVATE-DO-3 three$/m);
  });
});
