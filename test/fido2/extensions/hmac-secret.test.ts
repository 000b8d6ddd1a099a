import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { CborMap, CborValue } from "../../../src/cbor.ts";
import { bytesOf, cborMap, descriptor, verifyAssertion } from "../../support/fido-client.ts";
import type { Agreement, Version } from "../../support/pin-client.ts";
import { extensions, Fido2Rig } from "../rig.ts";

const salt1 = Buffer.alloc(32, 1);
const salt2 = Buffer.alloc(32, 2);

/** The extension's input; `changes` replaces members, and undefined removes one. */
function inputOf(agreed: Agreement, salts: Uint8Array, changes: Readonly<Record<number, CborValue>> = {}): CborMap {
  const saltEnc = agreed.encrypt(salts);
  const members = {
    1: agreed.keyAgreement,
    2: saltEnc,
    3: agreed.authenticate(saltEnc),
    4: agreed.version,
    ...changes,
  };
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return cborMap(entries.map(([key, value]) => [Number(key), value] as const));
}

/** Asks for the outputs of salts with an assertion: one or two of 32 bytes. */
async function evaluate(
  rig: Fido2Rig,
  { credentialId, publicKey }: { readonly credentialId: Uint8Array; readonly publicKey: CborMap },
  salts: readonly Uint8Array[],
  version: Version = 2,
  verified = false,
): Promise<Buffer[]> {
  const agreed = await rig.pinClient(version).agree();
  const proof = verified ? await rig.proveGet(undefined, undefined, version) : {};
  const input = extensions({ "hmac-secret": inputOf(agreed, Buffer.concat(salts)) });
  const { authData } = await rig.signIn(publicKey, { 3: [descriptor(credentialId)], 4: input, ...proof });
  const output = Buffer.from(agreed.decrypt(bytesOf(authData.extensions.get("hmac-secret"))));
  expect(output.length).toBe(32 * salts.length);
  return salts.map((_salt, i) => output.subarray(32 * i, 32 * i + 32));
}

describe.each([1, 2] as const)("hmac-secret by protocol %i", (version) => {
  test.each([false, true])("gives each salt its own output, the same each time, discoverable: %s", async (rk) => {
    const rig = await Fido2Rig.createProtected();
    const credential = await rig.register({ 7: cborMap({ rk }), ...(rk ? await rig.proveMake() : {}) });
    const [a, b] = await evaluate(rig, credential, [salt1, salt2], version);
    expect(await evaluate(rig, credential, [salt1], version)).toEqual([a]);
    expect(await evaluate(rig, credential, [salt2], version)).toEqual([b]);
    expect(a).not.toEqual(b);
    // It is an HMAC, and not the salt encrypted again or hashed alone.
    expect(a).not.toEqual(createHmac("sha256", Buffer.alloc(32)).update(salt1).digest());
  });

  test("gives another output once the user is verified", async () => {
    const rig = await Fido2Rig.createProtected();
    const credential = await rig.register();
    const plain = await evaluate(rig, credential, [salt1], version);
    const verified = await evaluate(rig, credential, [salt1], version, true);
    expect(verified).not.toEqual(plain);
    expect(await evaluate(rig, credential, [salt1], version, true)).toEqual(verified);
  });

  test("hmac-secret-mc gives at once what hmac-secret gives later", async () => {
    const rig = await Fido2Rig.createProtected();
    for (const verified of [false, true]) {
      const agreed = await rig.pinClient(version).agree();
      const input = extensions({
        "hmac-secret": true,
        "hmac-secret-mc": inputOf(agreed, Buffer.concat([salt1, salt2])),
      });
      const credential = await rig.register({ 6: input, ...(verified ? await rig.proveMake() : {}) });
      const outputs = credential.authData.extensions;
      expect(outputs.get("hmac-secret")).toBe(true);
      const made = agreed.decrypt(bytesOf(outputs.get("hmac-secret-mc")));
      expect(Buffer.concat(await evaluate(rig, credential, [salt1, salt2], version, verified))).toEqual(made);
    }
  });
});

test("The secret survives a power cycle, differs between credentials, and is told only with the key agreed on", async () => {
  const rig = new Fido2Rig();
  const [a, b] = [await rig.register(), await rig.register()];
  const before = await evaluate(rig, a, [salt1]);
  rig.authenticator.powerCycle();
  expect(await evaluate(rig, a, [salt1])).toEqual(before);
  expect(await evaluate(rig, b, [salt1])).not.toEqual(before);
});

test("A registration answers true, and nothing when it was not asked", async () => {
  const rig = new Fido2Rig();
  const asked = await rig.register({ 6: extensions({ "hmac-secret": true }) });
  expect(asked.authData.extensions).toEqual(extensions({ "hmac-secret": true }));
  const declined = await rig.register({ 6: extensions({ "hmac-secret": false }) });
  expect([declined.authData.extensions.size, declined.authData.flags]).toEqual([0, 0x41]);
});

test("Without pinUvAuthProtocol it is protocol one", async () => {
  const rig = new Fido2Rig();
  const { credentialId, publicKey } = await rig.register();
  const agreed = await rig.pinClient(1).agree();
  const input = extensions({ "hmac-secret": inputOf(agreed, salt1, { 4: undefined }) });
  const { authData } = await rig.signIn(publicKey, { 3: [descriptor(credentialId)], 4: input });
  expect(agreed.decrypt(bytesOf(authData.extensions.get("hmac-secret"))).length).toBe(32);
});

test("Each account of getNextAssertion has its own output, for the salts of the first request", async () => {
  const rig = new Fido2Rig();
  const older = await rig.registerResident(1);
  await rig.registerResident(2);
  const agreed = await rig.pinClient().agree();
  const first = await rig.get({ 4: extensions({ "hmac-secret": inputOf(agreed, salt1) }) });
  expect(first.status).toBe(0);
  const next = verifyAssertion(await rig.next(), older.publicKey);
  const output = agreed.decrypt(bytesOf(next.authData.extensions.get("hmac-secret")));
  expect(await evaluate(rig, older, [salt1])).toEqual([output]);
});

describe("A wrong input is refused", () => {
  test.each<readonly [string, Uint8Array, Readonly<Record<number, CborValue>>, number]>([
    ["half a salt", Buffer.alloc(16), {}, 0x02],
    ["one salt and a half", Buffer.alloc(48), {}, 0x02],
    ["three salts", Buffer.alloc(96), {}, 0x02],
    ["a saltAuth of something else", salt1, { 3: Buffer.alloc(32) }, 0x33],
    ["a saltAuth that is too short", salt1, { 3: Buffer.alloc(8) }, 0x33],
    ["an unknown protocol", salt1, { 4: 3 }, 0x02],
    ["no keyAgreement", salt1, { 1: undefined }, 0x14],
    ["no saltEnc", salt1, { 2: undefined }, 0x14],
    ["no saltAuth", salt1, { 3: undefined }, 0x14],
    ["a keyAgreement of text", salt1, { 1: "key" }, 0x11],
    ["a saltEnc that is no byte string", salt1, { 2: 7 }, 0x11],
    ["a saltAuth that is no byte string", salt1, { 3: false }, 0x11],
    ["a protocol that is no number", salt1, { 4: "two" }, 0x11],
  ])("%s, with an assertion and with a registration", async (_what, salts, changes, status) => {
    const rig = new Fido2Rig();
    await rig.registerResident(1);
    const agreed = await rig.pinClient().agree();
    const input = inputOf(agreed, salts, changes);
    const before = rig.platform.store.snapshot();
    expect((await rig.get({ 4: extensions({ "hmac-secret": input }) })).status).toBe(status);
    const registration = { 6: extensions({ "hmac-secret": true, "hmac-secret-mc": input }), 7: cborMap({ rk: true }) };
    expect((await rig.make(registration)).status).toBe(status);
    expect(rig.platform.store.snapshot()).toEqual(before);
  });

  test("a key that is not on the curve", async () => {
    const rig = new Fido2Rig();
    await rig.registerResident(1);
    const agreed = await rig.pinClient().agree();
    const bent = new Map(agreed.keyAgreement).set(-2, Buffer.alloc(32, 7));
    const input = inputOf(agreed, salt1, { 1: bent });
    expect((await rig.get({ 4: extensions({ "hmac-secret": input }) })).status).toBe(0x02);
  });

  test("hmac-secret that is no boolean, and hmac-secret-mc alone", async () => {
    const rig = new Fido2Rig();
    expect((await rig.make({ 6: extensions({ "hmac-secret": "true" }) })).status).toBe(0x11);
    const input = inputOf(await rig.pinClient().agree(), salt1);
    expect((await rig.make({ 6: extensions({ "hmac-secret-mc": input }) })).status).toBe(0x14);
    const declined = extensions({ "hmac-secret": false, "hmac-secret-mc": input });
    expect((await rig.make({ 6: declined })).status).toBe(0x14);
    expect(rig.platform.presence.prompts.length).toBe(0);
  });

  test("an assertion without a touch", async () => {
    const rig = new Fido2Rig();
    await rig.registerResident(1);
    const input = inputOf(await rig.pinClient().agree(), salt1);
    const request = { 4: extensions({ "hmac-secret": input }), 5: cborMap({ up: false }) };
    expect((await rig.get(request)).status).toBe(0x2b);
  });
});
