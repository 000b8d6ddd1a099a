/** User interaction flags: gpg waits for the touch, and fails properly without one. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { repository } from "../vm/image.ts";
import { Gpg } from "./gpg.ts";
import { describeNative, READER } from "./pcscd.ts";

const PINENTRY = join(repository, "test/native/pinentry.py");
const packages = ["gnupg", "scdaemon", "python3", "yubikey-manager"];

describeNative("gpg with keys that want a touch", { packages, serve: ["--ephemeral", "--touch", "ask"] }, (suite) => {
  let gpg: Gpg;

  beforeAll(async () => {
    gpg = new Gpg(suite.session, `${suite.session.directory}/gnupg`, { timeoutMs: 60_000 });
    await gpg.setUp(PINENTRY);
    await gpg.setAlgorithm({ curve: 1 });
    await gpg.generate("touch");
    await gpg.ok(
      `cd ${gpg.home} && echo a message > message && gpg --batch --trust-model always -r touch@example.com --output message.enc --encrypt message`,
    );
  });

  const sign = "gpg --batch --yes --quiet --local-user touch@example.com --output message.sig --detach-sign message";
  const decrypt = "gpg --batch --quiet --decrypt message.enc";

  /** Runs gpg, and answers the touch that it waits for. */
  const withTouch = (script: string, answer: string) =>
    gpg.run(
      `cd ${gpg.home}\nlatchkey touch --wait 20 ${answer} > touched 2>&1 &\n${script}\ncode=$?\nwait\ncat touched\nexit $code`,
    );

  test("latchkey openpgp set-touch makes a signature wait for one", async () => {
    expect(await gpg.ok("latchkey openpgp set-touch sig on")).toMatch(
      /^The touch policy of the signature key is on\.$/m,
    );
    expect(await gpg.ok("latchkey openpgp info")).toMatch(
      /^ {2}signature key: Ed25519, generated, [0-9A-F]{40}, touch on$/m,
    );
    const { code, output } = await withTouch(sign, "");
    expect(output).toMatch(/OpenPGP: sign/);
    expect(code).toBe(0);
    await gpg.ok(`cd ${gpg.home} && gpg --verify message.sig message`);
  });

  test("a refused touch is an error to gpg, which is not about the PIN, and leaves its tries alone", async () => {
    const { code, output } = await withTouch(sign, "--deny");
    expect(code).not.toBe(0);
    expect(output).toMatch(/gpg: signing failed: (Card error|Timeout)/);
    expect(await gpg.status()).toMatch(/^PIN retry counter : 3 0 3$/m);
  });

  test("ykman openpgp keys set-touch sets it, too; cached, one touch is enough for a while", async () => {
    await gpg.release();
    await gpg.ok(`ykman --reader '${READER}' openpgp keys set-touch enc cached --admin-pin 12345678 --force`);
    const first = await withTouch(decrypt, "");
    expect(first.output).toMatch(/^a message$/m);
    expect(first.output).toMatch(/OpenPGP: decrypt/);
    expect(await gpg.ok(`cd ${gpg.home}\n${decrypt}`)).toMatch(/^a message$/m);
  });

  test("a fixed policy can be changed by nobody but a reset", async () => {
    expect((await gpg.run("latchkey openpgp set-touch sig fixed")).output).toMatch(/say --yes/);
    await gpg.ok("latchkey openpgp set-touch sig fixed --yes");
    const { code, output } = await gpg.run("latchkey openpgp set-touch sig off");
    expect([code, output]).toEqual([1, expect.stringMatching(/is fixed: only a reset takes it away/)]);
    await gpg.ok("latchkey openpgp reset --yes");
    expect(await gpg.ok("latchkey openpgp info")).toMatch(/signature key: none \(RSA 2048\), touch off/);
    await gpg.release();
    expect(await gpg.status()).toMatch(/^Signature key \.+: \[none\]$/m);
  });
});
