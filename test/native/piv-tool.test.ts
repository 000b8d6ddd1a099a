/**
 * PIV with yubico-piv-tool 2.2, which knows a Triple DES management key, RSA 1024 and 2048, P-256 and P-384. What it signs by itself (selfsign and
 * request) fails in its own library before the card is asked anything, with OpenSSL 3 and whatever card (yubico-piv-tool issue 388; 2.7.3, by hand,
 * did both with this card in every algorithm): ykman (piv-ykman.test.ts) makes such certificates here.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { describeNative, READER } from "./pcscd.ts";

const MANAGEMENT_KEY = "010203040506070801020304050607080102030405060708";
const OTHER_KEY = "0a0b0c0d0e0f1011121314151617181920212223242526ff";

describeNative(
  "yubico-piv-tool over vpcd",
  { packages: ["yubico-piv-tool", "yubikey-manager", "openssl"] },
  (suite) => {
    const run = (script: string) => suite.session.ok(script, { timeoutMs: 60_000 });
    const tool = (words: string) => run(`yubico-piv-tool -r '${READER}' ${words}`);
    const fails = async (words: string) => {
      const { code, output } = await suite.session.run(`yubico-piv-tool -r '${READER}' ${words}`);
      expect(code, output).not.toBe(0);
      return output;
    };

    beforeAll(async () => {
      expect(await tool("-a version")).toMatch(/Application version 5\.7\.4 found/);
      const change = `access change-management-key -a TDES -m ${MANAGEMENT_KEY} -n ${MANAGEMENT_KEY}`;
      await run(`ykman --reader '${READER}' piv ${change}`);
      await run("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=authority 2>/dev/null");
    });

    /** Issues a certificate for a public key, as an authority that has seen the card. */
    const certify = (slot: string) =>
      run(
        `openssl req -new -key ca.key -subj /CN=owner -out any.csr &&
       openssl x509 -req -in any.csr -CA ca.pem -CAkey ca.key -CAcreateserial -force_pubkey ${slot}.pub -out ${slot}.pem 2>/dev/null`,
      );

    describe.each([
      ["RSA1024", "9a"],
      ["RSA2048", "9c"],
      ["ECCP256", "9d"],
      ["ECCP384", "9e"],
    ])("%s in slot %s", (algorithm, slot) => {
      test("is generated, gets a certificate, signs, deciphers and is attested", async () => {
        expect(await tool(`-a generate -A ${algorithm} -s ${slot} -o ${slot}.pub`)).toMatch(/Successfully generated/);
        await certify(slot);
        await tool(`-a import-certificate -s ${slot} -i ${slot}.pem`);
        await tool(
          `-a read-certificate -s ${slot} -o read.pem && openssl x509 -in ${slot}.pem -outform DER | openssl x509 -inform DER | cmp - read.pem`,
        );
        expect(await tool(`-a verify-pin -P 123456 -a test-signature -s ${slot} -i ${slot}.pem`)).toMatch(/Successful/);
        expect(await tool(`-a verify-pin -P 123456 -a test-decipher -s ${slot} -i ${slot}.pem`)).toMatch(/[Ss]uccess/);
        await tool(`-a attest -s ${slot} -o attestation.pem`);
        await tool("-a read-certificate -s f9 -o authority.pem");
        expect(await run("openssl verify -CAfile authority.pem attestation.pem")).toMatch(/: OK$/m);
      });

      test.each([
        ["selfsign-certificate", "pem", (file: string) => `openssl verify -check_ss_sig -CAfile ${file} ${file}`],
        ["request-certificate", "csr", (file: string) => `openssl req -in ${file} -verify -noout`],
      ])("%s: OpenSSL verifies it, or the tool gave up before it asked the card", async (action, extension, verify) => {
        const file = `${slot}.${action}.${extension}`;
        const words = `-v2 -a verify-pin -P 123456 -a ${action} -s ${slot} -S /CN=owner/ -i ${slot}.pub -o ${file}`;
        const { code, output } = await suite.session.run(`yubico-piv-tool -r '${READER}' ${words} 2>&1`);
        if (code === 0) {
          expect(await run(`${verify(file)} 2>&1`)).toMatch(/OK/);
          return;
        }
        const [, since = ""] = output.split(`Now processing for action '${action}'.`);
        expect(since).toMatch(/Failed signing/);
        expect(since).not.toMatch(/^[<>] /m);
      });

      test("signs a file", async () => {
        const hash = algorithm === "ECCP384" ? "SHA384" : "SHA256";
        await run("echo Latchkey > file");
        await tool(`-a verify-pin -P 123456 --sign -s ${slot} -A ${algorithm} -H ${hash} -i file -o file.sig`);
        const digest = hash.toLowerCase();
        expect(await run(`openssl dgst -${digest} -verify ${slot}.pub -signature file.sig file`)).toMatch(
          /Verified OK/,
        );
      });

      test("is imported", async () => {
        const options = algorithm.startsWith("RSA")
          ? `rsa:${algorithm.slice(3)}`
          : `ec -pkeyopt ec_paramgen_curve:P-${algorithm.slice(4)}`;
        await run(`openssl req -x509 -newkey ${options} -nodes -keyout own.key -out own.pem -subj /CN=own 2>/dev/null`);
        expect(await tool(`-a import-key -A ${algorithm} -s ${slot} -i own.key`)).toMatch(/Successfully imported/);
        await tool(`-a import-certificate -s ${slot} -i own.pem`);
        expect(await tool(`-a verify-pin -P 123456 -a test-signature -s ${slot} -i own.pem`)).toMatch(/Successful/);
        await fails(`-a attest -s ${slot} -o attestation.pem`);
      });
    });

    test("shows the status", async () => {
      await tool("-a set-chuid -a set-ccc");
      const status = await tool("-a status");
      expect(status.match(/^Slot 9[acde]:/gm)).toHaveLength(4);
      expect(status).toMatch(/^CHUID:\s+30/m);
      expect(status).toMatch(/^PIN tries left:\s+3$/m);
    });

    test("writes, reads and deletes", async () => {
      await run("printf 0102030405 > object.hex");
      await tool("-a write-object --id 0x5fff10 -f hex -i object.hex");
      expect(await tool("-a read-object --id 0x5fff10 -f hex")).toMatch(/0102030405/);
      await tool("-a delete-certificate -s 9a");
      await fails("-a read-certificate -s 9a");
    });

    test("changes PIN, PUK, their tries and the management key", async () => {
      await tool("-a change-pin -P 123456 -N 654321");
      expect(await fails("-a verify-pin -P 123456")).toMatch(/2 tries left/);
      await tool("-a change-puk -P 12345678 -N 87654321");
      await tool("-a unblock-pin -P 87654321 -N 123456");
      await tool("-a verify-pin -P 123456 -a pin-retries --pin-retries 4 --puk-retries 5");
      expect(await tool("-a status")).toMatch(/^PIN tries left:\s+4$/m);
      await tool(`-a set-mgm-key -n ${OTHER_KEY}`);
      await fails("-a generate -A ECCP256 -s 9a");
      await tool(`-a generate -A ECCP256 -s 9a -k${OTHER_KEY} -o 9a.pub`);
    });

    test("resets it only once PIN and PUK are blocked", async () => {
      await fails("-a reset");
      for (let i = 0; i < 4; i++) await fails("-a verify-pin -P 000000");
      for (let i = 0; i < 5; i++) await fails("-a change-puk -P 00000000 -N 12345678");
      await tool("-a reset");
      const status = await tool("-a status");
      expect(status).toMatch(/^PIN tries left:\s+3$/m);
      expect(status).not.toMatch(/^Slot/m);
    });
  },
);
