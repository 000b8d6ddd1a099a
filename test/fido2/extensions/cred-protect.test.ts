import { describe, expect, test } from "vitest";
import { U2fApplet } from "../../../applets/u2f/applet.ts";
import { parseCommandApdu } from "../../../src/iso7816/apdu.ts";
import { cborMap, descriptor, sha256, verifyAssertion } from "../../support/fido-client.ts";
import { extensions, Fido2Rig } from "../rig.ts";

/** A protected key with one credential of that level. */
async function withLevel(level: number, rk: boolean) {
  const rig = await Fido2Rig.createProtected();
  const members = rk ? await rig.proveMake() : {};
  const request = { 6: extensions({ credProtect: level }), ...members };
  const credential = rk ? await rig.registerResident(1, request) : await rig.register(request);
  expect(credential.authData.extensions).toEqual(extensions({ credProtect: level }));
  return { rig, credential, list: { 3: [descriptor(credential.credentialId)] } };
}

describe("credProtect", () => {
  // Whether the credential is found: without a list, by its id, and as a reason not to make another.
  test.each([
    [1, true, true, true],
    [2, false, true, true],
    [3, false, false, false],
  ])(
    "level %i: an unverified client finds it alone %s, by id %s, excluded %s",
    async (level, alone, byId, excluded) => {
      for (const rk of [true, false]) {
        const { rig, list, credential } = await withLevel(level, rk);
        expect((await rig.get()).status).toBe(alone && rk ? 0 : 0x2e);
        expect((await rig.get(list)).status).toBe(byId ? 0 : 0x2e);
        expect((await rig.get({ ...list, 5: cborMap({ up: false }) })).status).toBe(byId ? 0 : 0x2e);
        expect((await rig.make({ 5: list[3] })).status).toBe(excluded ? 0x19 : 0);
        await rig.signIn(credential.publicKey, { ...list, ...(await rig.proveGet()) });
        if (rk) await rig.signIn(credential.publicKey, await rig.proveGet());
        expect((await rig.make({ 5: list[3], ...(await rig.proveMake()) })).status).toBe(0x19);
      }
    },
  );

  test("counts only the accounts that show themselves, and shows no others one after another", async () => {
    const rig = await Fido2Rig.createProtected();
    const open = await rig.registerResident(1, await rig.proveMake());
    await rig.registerResident(2, { 6: extensions({ credProtect: 3 }), ...(await rig.proveMake()) });
    const other = await rig.registerResident(3, { 6: extensions({ credProtect: 1 }), ...(await rig.proveMake()) });
    expect((await rig.signIn(other.publicKey)).numberOfCredentials).toBe(2);
    verifyAssertion(await rig.next(), open.publicKey);
    expect((await rig.next()).status).toBe(0x30);
    expect((await rig.signIn(other.publicKey, await rig.proveGet())).numberOfCredentials).toBe(3);
  });

  test("survives a restart", async () => {
    for (const rk of [true, false]) {
      const { rig, list } = await withLevel(3, rk);
      rig.authenticator.powerCycle();
      expect((await rig.get(list)).status).toBe(0x2e);
    }
  });

  test.each([
    [0, 0x02],
    [4, 0x02],
    [-1, 0x02],
    ["2", 0x11],
  ])("of %s is refused", async (level, status) => {
    const rig = new Fido2Rig();
    expect((await rig.make({ 6: extensions({ credProtect: level }) })).status).toBe(status);
    expect(rig.platform.presence.prompts.length).toBe(0);
  });

  test("of level 3 keeps U2F away from a credential, and lower levels do not", async () => {
    for (const [level, works] of [
      [2, true],
      [3, false],
    ] as const) {
      const { rig, credential } = await withLevel(level, false);
      const u2f = new U2fApplet(rig.platform, rig.authenticator.credentials);
      const { credentialId } = credential;
      const data = Buffer.concat([
        Buffer.alloc(32),
        sha256("example.com"),
        Buffer.of(credentialId.length),
        credentialId,
      ]);
      const apdu = Buffer.concat([Buffer.of(0, 2, 3, 0, 0, 0, data.length), data, Buffer.of(0, 0)]);
      const reply = u2f.process(parseCommandApdu(apdu), rig.transport);
      if (works) expect((await reply)[0]).toBe(1);
      else await expect(reply).rejects.toMatchObject({ statusWord: 0x6a80 });
    }
  });
});
