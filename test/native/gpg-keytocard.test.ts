/** Keys that gpg made elsewhere and moves to the card. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { repository } from "../vm/image.ts";
import { curves, Gpg } from "./gpg.ts";
import { describeNative } from "./pcscd.ts";

const PINENTRY = join(repository, "test/native/pinentry.py");

/** `suffixes`: how a subkey's algorithm says what an elliptic curve is for. */
const kinds = [
  ...curves.map(({ sign, encrypt }) => ({
    sign,
    encrypt,
    suffixes: sign === "ed25519" ? ["", ""] : ["/ecdh", "/ecdsa"],
  })),
  ...["rsa2048", "rsa3072", "rsa4096"].map((name) => ({ sign: name, encrypt: name, suffixes: ["", ""] })),
];

describeNative("gpg with keys moved to the card", { packages: ["gnupg", "scdaemon", "python3"] }, (suite) => {
  let gpg: Gpg;

  beforeAll(async () => {
    gpg = new Gpg(suite.session, `${suite.session.directory}/gnupg`, { timeoutMs: 100_000 });
    await gpg.setUp(PINENTRY);
  });

  test.each(kinds)("$sign and $encrypt", async ({ sign, encrypt, suffixes }) => {
    const user = `${sign}@example.com`;
    const batch = "gpg --batch --pinentry-mode loopback --passphrase ''";
    await gpg.ok(
      `${batch} --quick-generate-key 'mover <${user}>' ${sign} sign never
       fingerprint=$(gpg --with-colons --list-keys ${user} | sed -n 's/^fpr:*\\(.*\\):/\\1/p' | head -1)
       ${batch} --quick-add-key $fingerprint ${encrypt}${suffixes[0]} encr never
       ${batch} --quick-add-key $fingerprint ${sign}${suffixes[1]} auth never`,
    );
    // scdaemon changes the attributes by itself when a key of another curve comes, but not for an RSA key after one of a curve.
    const rsa = /^rsa(\d+)$/.exec(sign)?.[1];
    if (rsa !== undefined) await gpg.setAlgorithm({ rsa: Number(rsa) });
    const replaced = ["y"]; // whatever the slot had before
    const hasKeys = !/^Signature key \.+: \[none\]$/m.test(await gpg.status());
    const move = (slot: string) => ["keytocard", slot, ...(hasKeys ? replaced : [])];
    const [first, ...others] = move("1");
    await gpg.editKey(
      user,
      ...[first ?? "", "y", ...others],
      ...["key 1", ...move("2"), "key 1"],
      ...["key 2", ...move("3"), "save"],
    );
    const status = await gpg.status();
    expect(status).toMatch(new RegExp(`^Key attributes \\.\\.\\.: ${sign} ${encrypt} ${sign}$`, "m"));
    expect(status).toMatch(new RegExp(`^sec>  ${sign}/`, "m"));
    await gpg.expectToWork(`${sign}`);
  });
});
