/** FIDO2 by libfido2's programs through hidraw: credentials and assertions that libfido2 itself verifies. */
import { beforeAll, describe, expect, test } from "vitest";
import { attachHid, kernelComplaints } from "./attach.ts";
import { getAssertion, makeCredential, tryGetAssertion, userIdOf } from "./fido2-tools.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

describeInGuest("libfido2", { packages: ["fido2-tools", "python3-fido2"] }, (vm) => {
  let hidraw: string;

  beforeAll(async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto"]);
    vm.keys.push(key);
    ({ hidraw } = await attachHid(vm.guest, key.port));
  });

  test("fido2-token -L lists the key", async () => {
    expect(await vm.guest.ok("fido2-token -L")).toMatch(new RegExp(`^${hidraw}: vendor=0x1209, product=0x0001`));
  });

  test("fido2-token -I describes it", async () => {
    const description = await vm.guest.ok(`fido2-token -I ${hidraw}`);
    expect(description).toMatch(/^proto: 0x02$/m);
    expect(description).toMatch(/^caps: .*\bcbor\b.*\bmsg\b/m);
    expect(description).toMatch(/^version strings: .*U2F_V2.*FIDO_2_0|^version strings: .*FIDO_2_0.*U2F_V2/m);
    expect(description).toMatch(/^aaguid: 6ef40769a9a44bdebf398ff256953245$/m);
    expect(description).toMatch(/^algorithms: es256 \(public-key\), eddsa \(public-key\)/m);
    expect(description).toMatch(/^options: .*\brk\b.*\bup\b/m);
    expect(description).toMatch(/^pin retries: undefined$/m); // as of a YubiKey without a PIN: there is nothing to try
  });

  describe.each(["es256", "eddsa"] as const)("with %s", (type) => {
    test("makes a credential and asserts it", async () => {
      const credential = await makeCredential(vm.guest, hidraw, { type });
      expect(Buffer.from(credential.id, "base64").length).toBeLessThanOrEqual(128);
      const { authenticatorData } = await getAssertion(vm.guest, hidraw, credential);
      expect((authenticatorData[32] ?? 0) & 1).toBe(1); // user present
    });

    test("finds a discoverable credential by the relying party alone, and names its user", async () => {
      const options = { type, resident: true, rpId: `${type}.example`, userName: `${type}-user` };
      const credential = await makeCredential(vm.guest, hidraw, options);
      const { userId } = await getAssertion(vm.guest, hidraw, credential, { resident: true });
      expect(userId).toBe(userIdOf(`${type}-user`));
      await getAssertion(vm.guest, hidraw, credential); // its id serves as well
    });
  });

  test("the signature counter never goes back", async () => {
    const credential = await makeCredential(vm.guest, hidraw);
    const first = await getAssertion(vm.guest, hidraw, credential);
    const second = await getAssertion(vm.guest, hidraw, credential);
    expect(second.authenticatorData.readUInt32BE(33)).toBeGreaterThan(first.authenticatorData.readUInt32BE(33));
  });

  test("a credential is of no use to another relying party, nor a changed id to anyone", async () => {
    const credential = await makeCredential(vm.guest, hidraw);
    const other = await tryGetAssertion(vm.guest, hidraw, credential, { rpId: "evil.example" });
    expect(other).toMatchObject({ code: 1, output: expect.stringMatching(/FIDO_ERR_NO_CREDENTIALS/) });
    const id = Buffer.from(credential.id, "base64");
    id[id.length - 1] = (id[id.length - 1] ?? 0) ^ 1;
    const changed = await tryGetAssertion(vm.guest, hidraw, credential, { id: id.toString("base64") });
    expect(changed).toMatchObject({ code: 1, output: expect.stringMatching(/FIDO_ERR_NO_CREDENTIALS/) });
  });

  test("gives every discoverable credential of a relying party, one after another", async () => {
    const rpId = "several.example";
    const users = ["ann", "ben", "cem"];
    let last = await makeCredential(vm.guest, hidraw, { resident: true, rpId, userName: "ann" });
    for (const userName of users.slice(1)) {
      last = await makeCredential(vm.guest, hidraw, { resident: true, rpId, userName });
    }
    const { code, output } = await tryGetAssertion(vm.guest, hidraw, last, { resident: true });
    expect(code).toBe(0);
    for (const userName of users) expect(output).toContain(userIdOf(userName));
  });

  test("python-fido2 is told that a credential is excluded already", async () => {
    const output = await vm.guest.ok(`/usr/bin/python3 /latchkey/test/vm/guest/exclude.py`, { timeoutMs: 60_000 });
    expect(output.trim()).toBe("CREDENTIAL_EXCLUDED");
  });

  test("leaves no complaint in the kernel's log", async () => {
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
