/** PIV with Debian's ykman (4.0.9): keys, certificates, PINs and objects, each certificate and signature verified by OpenSSL. */
import { beforeAll, describe, expect, test } from "vitest";
import { describeNative, READER } from "./pcscd.ts";

const MANAGEMENT_KEY = "010203040506070801020304050607080102030405060708";
const packages = ["yubikey-manager", "openssl"];

describeNative("ykman piv over vpcd", { packages }, (suite) => {
  const run = (script: string) => suite.session.ok(script, { timeoutMs: 60_000 });
  const piv = (words: string) => run(`ykman --reader '${READER}' piv ${words}`);
  const fails = async (words: string) => {
    const { code, output } = await suite.session.run(`ykman --reader '${READER}' piv ${words}`);
    expect(code, output).not.toBe(0);
    return output;
  };

  test("shows a new application", async () => {
    const info = await piv("info");
    expect(info).toMatch(/^PIV version: 5\.7\.4$/m);
    expect(info).toMatch(/^PIN tries remaining: 3\/3$/m);
    expect(info).toMatch(/^Management key algorithm: AES192$/m);
    expect(info).toMatch(/^CHUID:\s+No data available/m);
  });

  describe.each([
    ["RSA1024", "9a"],
    ["RSA2048", "9c"],
    ["ECCP256", "9d"],
    ["ECCP384", "9e"],
    ["ECCP256", "82"],
  ])("%s in slot %s", (algorithm, slot) => {
    test("is generated, certified, requested for and attested", async () => {
      await piv(`keys generate -m ${MANAGEMENT_KEY} -a ${algorithm} ${slot} ${slot}.pub`);
      await piv(`certificates generate -m ${MANAGEMENT_KEY} -P 123456 -s CN=owner ${slot} ${slot}.pub`);
      await piv(`certificates export ${slot} ${slot}.pem`);
      expect(await run(`openssl verify -check_ss_sig -CAfile ${slot}.pem ${slot}.pem`)).toMatch(/: OK$/m);
      await run(`openssl x509 -in ${slot}.pem -noout -pubkey | cmp - ${slot}.pub`);

      await piv(`certificates request -P 123456 -s CN=owner ${slot} ${slot}.pub ${slot}.csr`);
      expect(await run(`openssl req -in ${slot}.csr -verify -noout`)).toMatch(/verify OK/);

      await piv(`keys attest ${slot} ${slot}.attestation`);
      await piv("certificates export f9 authority.pem");
      expect(await run(`openssl verify -CAfile authority.pem ${slot}.attestation`)).toMatch(/: OK$/m);
      await run(`openssl x509 -in ${slot}.attestation -noout -pubkey | cmp - ${slot}.pub`);
    });
  });

  test("shows the keys that were made", async () => {
    const info = await piv("info");
    expect(info.match(/^Slot (9A|9C|9D|9E):/gim)).toHaveLength(4);
    expect(info).toMatch(/Subject DN:\s+CN=owner/);
  });

  test("imports keys and certificates, which cannot be attested", async () => {
    await run("openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.pem -subj /CN=imported 2>/dev/null");
    await run("openssl ecparam -name secp384r1 -genkey -noout -out ec.key");
    await piv(`keys import -m ${MANAGEMENT_KEY} 9a rsa.key`);
    await piv(`certificates import -m ${MANAGEMENT_KEY} -P 123456 --verify 9a rsa.pem`);
    await piv("certificates export 9a exported.pem");
    expect(await run("openssl x509 -in exported.pem -noout -subject")).toMatch(/CN = imported/);
    expect(await fails("keys attest 9a imported.attestation")).toMatch(/error|6a80|not/i);
    await piv(`keys import -m ${MANAGEMENT_KEY} 9d ec.key`);
    expect(await fails(`certificates import -m ${MANAGEMENT_KEY} -P 123456 --verify 9d rsa.pem`)).toMatch(
      /not tied to the private key/,
    );
    await piv(`certificates delete -m ${MANAGEMENT_KEY} 9a`);
    await fails("certificates export 9a exported.pem");
  });

  test("writes and reads objects", async () => {
    await piv(`objects generate -m ${MANAGEMENT_KEY} chuid`);
    await piv(`objects generate -m ${MANAGEMENT_KEY} ccc`);
    expect(await piv("info")).toMatch(/^CHUID:\s+30/m);
    await run("head -c 3000 /dev/urandom > object");
    await piv(`objects import -m ${MANAGEMENT_KEY} 0x5fc10c object`);
    await piv("objects export 0x5fc10c exported && cmp object exported");
    await fails("objects export 0x5fc109 printed < /dev/null");
  });

  test("changes PIN, PUK and retries, and unblocks the PIN", async () => {
    await piv("access change-pin -P 123456 -n 654321");
    expect(await fails("access change-pin -P 123456 -n 654321")).toMatch(/2 tries left/);
    await piv("access change-puk -p 12345678 -n 87654321");
    await piv("access unblock-pin -p 87654321 -n 123456");
    await piv(`access set-retries -f -m ${MANAGEMENT_KEY} -P 123456 5 6`);
    expect(await piv("info")).toMatch(/^PIN tries remaining: 5\/5$/m);
  });

  test("keeps a random management key on the card, behind the PIN", async () => {
    await piv(`access change-management-key -m ${MANAGEMENT_KEY} -P 123456 --generate --protect -a AES256`);
    expect(await piv("info")).toMatch(/protected by PIN/);
    await piv("keys generate -P 123456 -a ECCP256 9a pub.pem");
  });

  test("resets it", async () => {
    await piv("reset -f");
    const info = await piv("info");
    expect(info).toMatch(/^PIN tries remaining: 3\/3$/m);
    expect(info).not.toMatch(/^Slot/m);
  });
});

describeNative(
  "ykman piv on a key that asks for touches",
  { packages, serve: ["--ephemeral", "--touch", "deny"] },
  (suite) => {
    beforeAll(async () => {
      const generate = `keys generate -m ${MANAGEMENT_KEY} -a ECCP256 --touch-policy ALWAYS 9a pub.pem`;
      await suite.session.ok(`ykman --reader '${READER}' piv ${generate}`);
    });

    test("does without when none is given", async () => {
      const request = `certificates request -P 123456 -s CN=owner 9a pub.pem csr.pem`;
      const { code, output } = await suite.session.run(`ykman --reader '${READER}' piv ${request}`);
      expect(code, output).not.toBe(0);
    });
  },
);
