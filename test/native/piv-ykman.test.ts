/** PIV with Debian's ykman (4.0.9): keys, certificates, PINs and objects, each certificate and signature verified by OpenSSL. */
import { beforeAll, describe, expect, test } from "vitest";
import { describeNative, READER } from "./pcscd.ts";
import { runYkman } from "./ykman.ts";

const MANAGEMENT_KEY = "010203040506070801020304050607080102030405060708";
const packages = ["yubikey-manager", "openssl"];

describeNative("ykman piv over vpcd", { packages }, (suite) => {
  const run = (script: string) => suite.session.ok(script, { timeoutMs: 60_000 });
  /** What the last of the commands said. */
  const piv = async (...commands: readonly string[]) =>
    (await runYkman(suite.session, "piv", ...commands)).at(-1) ?? "";

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
      await piv(
        `keys generate -m ${MANAGEMENT_KEY} -a ${algorithm} ${slot} ${slot}.pub`,
        `certificates generate -m ${MANAGEMENT_KEY} -P 123456 -s CN=owner ${slot} ${slot}.pub`,
        `certificates export ${slot} ${slot}.pem`,
        `certificates request -P 123456 -s CN=owner ${slot} ${slot}.pub ${slot}.csr`,
        `keys attest ${slot} ${slot}.attestation`,
        "certificates export f9 authority.pem",
      );
      expect(await run(`openssl verify -check_ss_sig -CAfile ${slot}.pem ${slot}.pem`)).toMatch(/: OK$/m);
      await run(`openssl x509 -in ${slot}.pem -noout -pubkey | cmp - ${slot}.pub`);
      expect(await run(`openssl req -in ${slot}.csr -verify -noout`)).toMatch(/verify OK/);
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
    const said = await runYkman(
      suite.session,
      "piv",
      `keys import -m ${MANAGEMENT_KEY} 9a rsa.key`,
      `certificates import -m ${MANAGEMENT_KEY} -P 123456 --verify 9a rsa.pem`,
      "certificates export 9a exported.pem",
      "! keys attest 9a imported.attestation",
      `keys import -m ${MANAGEMENT_KEY} 9d ec.key`,
      `! certificates import -m ${MANAGEMENT_KEY} -P 123456 --verify 9d rsa.pem`,
      `certificates delete -m ${MANAGEMENT_KEY} 9a`,
      "! certificates export 9a deleted.pem",
    );
    expect(await run("openssl x509 -in exported.pem -noout -subject")).toMatch(/CN = imported/);
    expect(said[3]).toMatch(/error|6a80|not/i);
    expect(said[5]).toMatch(/not tied to the private key/);
  });

  test("writes and reads objects", async () => {
    await run("head -c 3000 /dev/urandom > object");
    const info = await piv(
      `objects generate -m ${MANAGEMENT_KEY} chuid`,
      `objects generate -m ${MANAGEMENT_KEY} ccc`,
      `objects import -m ${MANAGEMENT_KEY} 0x5fc10c object`,
      "objects export 0x5fc10c exported",
      "info",
    );
    expect(info).toMatch(/^CHUID:\s+30/m);
    await run("cmp object exported");
    // It asks for the PIN, and there is nobody.
    const printed = `ykman --reader '${READER}' piv objects export 0x5fc109 printed < /dev/null`;
    expect((await suite.session.run(printed)).code).not.toBe(0);
  });

  test("changes PIN, PUK and retries, and unblocks the PIN", async () => {
    const said = await runYkman(
      suite.session,
      "piv",
      "access change-pin -P 123456 -n 654321",
      "! access change-pin -P 123456 -n 654321",
      "access change-puk -p 12345678 -n 87654321",
      "access unblock-pin -p 87654321 -n 123456",
      `access set-retries -f -m ${MANAGEMENT_KEY} -P 123456 5 6`,
      "info",
    );
    expect(said[1]).toMatch(/2 tries left/);
    expect(said[5]).toMatch(/^PIN tries remaining: 5\/5$/m);
  });

  test("keeps a random management key on the card, behind the PIN", async () => {
    const protect = `access change-management-key -m ${MANAGEMENT_KEY} -P 123456 --generate --protect -a AES256`;
    expect(await piv(protect, "info")).toMatch(/protected by PIN/);
    await piv("keys generate -P 123456 -a ECCP256 9a pub.pem");
  });

  test("resets it", async () => {
    const info = await piv("reset -f", "info");
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
