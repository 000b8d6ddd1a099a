/**
 * PIV with OpenSC's own tools: piv-tool as card administrator, and what pkcs15-tool finds on the card. (piv-tool 0.23 cannot write down a public key
 * that it had generated, with OpenSSL 3, and stumbles over itself in the external authentication; the mutual one works.)
 */
import { expect, test } from "vitest";
import { describeNative, READER } from "./pcscd.ts";

const MANAGEMENT_KEY = "010203040506070801020304050607080102030405060708";

describeNative("piv-tool over vpcd", { packages: ["opensc", "yubikey-manager", "openssl"] }, (suite) => {
  const run = (script: string) => suite.session.ok(script);

  test("authenticates mutually and stores a certificate, which pkcs15-tool finds", async () => {
    const change = `access change-management-key -a TDES -m ${MANAGEMENT_KEY} -n ${MANAGEMENT_KEY}`;
    await run(`ykman --reader '${READER}' piv ${change}`);
    await run(`echo ${MANAGEMENT_KEY.replace(/..(?=.)/g, "$&:")} > key`);
    await run("openssl req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -subj /CN=owner 2>/dev/null");
    await suite.session.run("PIV_EXT_AUTH_KEY=key piv-tool -A M:9B:03 -C 9C -i own.pem"); // its status is not 0 then, either
    expect(await run("pkcs15-tool --list-certificates")).toMatch(/Certificate for Digital Signature/);
    await run("pkcs15-tool --read-certificate 02 2>/dev/null | openssl x509 | cmp - own.pem");
  });

  test("with another key it does not", async () => {
    await run(`echo ${"ab".repeat(24).replace(/..(?=.)/g, "$&:")} > other`);
    const { output } = await suite.session.run("PIV_EXT_AUTH_KEY=other piv-tool -A M:9B:03 -C 9D -i own.pem");
    expect(output).toMatch(/admin_mode failed/);
    expect(await run("pkcs15-tool --list-certificates")).not.toMatch(/Certificate for Key Management/);
  });
});
