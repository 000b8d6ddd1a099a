/** The OpenPGP card as OpenSC sees it: openpgp-tool, and its keys through PKCS#15 and PKCS#11. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { repository } from "../vm/image.ts";
import { Gpg } from "./gpg.ts";
import { describeNative } from "./pcscd.ts";

const PINENTRY = join(repository, "test/native/pinentry.py");

/** OpenSC tries PIV first. */
const OPENPGP = "export OPENSC_DRIVER=openpgp";

describeNative("OpenSC with keys on the OpenPGP card", { packages: ["opensc", "gnupg", "scdaemon"] }, (suite) => {
  const ok = (script: string) => suite.session.ok(`${OPENPGP}\n${script}`);

  beforeAll(async () => {
    const gpg = new Gpg(suite.session, `${suite.session.directory}/gnupg`);
    await gpg.setUp(PINENTRY);
    await gpg.cardEdit("admin", "name", "Doe", "Joan", "lang", "en", "sex", "f");
    await gpg.generate("opensc");
    await gpg.release();
  });

  test("openpgp-tool shows the cardholder and the keys", async () => {
    const output = await ok("openpgp-tool --user-info --card-info --key-info");
    expect(output).toMatch(/^AID: +d2:76:00:01:24:01:03:04:ff:fe:/m);
    expect(output).toMatch(/^Name: +Doe Joan$/m);
    expect(output).toMatch(/^Sig Algorithm: +RSA2048$/m);
    expect(output).toMatch(/^Aut Fingerprint: [0-9a-f:]{59}$/m);
  });

  test("pkcs15-tool lists three PINs and three key pairs", async () => {
    const output = await ok("pkcs15-tool --dump");
    expect(output.match(/^PIN \[(User PIN|User PIN \(sig\)|Admin PIN)\]$/gm)).toHaveLength(3);
    expect(output.match(/^\tTries left {5}: 3$/gm)).toHaveLength(3);
    expect(output.match(/^(Private|Public) RSA Key \[(Signature|Encryption|Authentication) key\]$/gm)).toHaveLength(6);
  });

  test("pkcs11-tool lists the keys, and its own test signs and deciphers with them", async () => {
    expect(await ok("pkcs11-tool --list-objects")).toMatch(/label: +Authentication key/);
    const output = await ok("pkcs11-tool --login --pin 123456 --test");
    expect(output).toMatch(/SHA256-RSA-PKCS: OK/);
    expect(output).toMatch(/^No errors$/m);
  });

  test("a signature of the signature key by PKCS#11 is one that openssl verifies", async () => {
    const output = await ok(
      `cd $SESSION && echo a message > message
       pkcs11-tool --slot-index 1 --login --pin 123456 --sign --mechanism SHA256-RSA-PKCS --id 01 --input-file message --output-file signature
       pkcs11-tool --slot-index 1 --read-object --type pubkey --id 01 --output-file public.der
       openssl pkey -pubin -inform DER -in public.der -out public.pem
       openssl dgst -sha256 -verify public.pem -signature signature message`,
    );
    expect(output).toMatch(/^Verified OK$/m);
  });
});
