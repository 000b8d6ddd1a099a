import { describe, expect, test, vi } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import type { CborValue } from "../../src/cbor.ts";
import {
  bytesOf,
  Command,
  cborMap,
  credentialParameter,
  descriptor,
  encodeRequest,
  getAssertionParameters,
  makeCredentialParameters,
  parseReply,
  send,
  sha256,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import { Permission } from "../support/pin-client.ts";
import { bytes, Fido2Rig, PIN } from "./rig.ts";

describe("A credential", () => {
  const classical = [-7, -8, -9, -19, -35, -36, -47, -51, -52, -53];
  test.each(classical.flatMap((alg) => [[alg, false] as const, [alg, true] as const]))(
    "of algorithm %i, discoverable: %s, is made, attests for itself and signs",
    async (alg, rk) => {
      const rig = new Fido2Rig();
      const reply = await rig.make({ 4: [credentialParameter(alg)], 7: cborMap({ rk }) });
      const { credentialId, publicKey, authData } = verifyRegistration(reply);
      expect(publicKey.get(3)).toBe(alg);
      expect(authData.flags).toBe(0x41);
      expect(authData.aaguid).toBe("6ef40769a9a44bdebf398ff256953245");
      expect(credentialId.length).toBeLessThanOrEqual(100);
      expect(rig.platform.lines).toEqual([]);
      verifyAssertion(await rig.get({ 3: [descriptor(credentialId)] }), publicKey);
    },
  );

  test.each([-48, -49, -50])("of ML-DSA (%i) is made and signs when that is turned on", async (alg) => {
    const rig = new Fido2Rig({ pqc: true });
    for (const rk of [false, true]) {
      const { credentialId, publicKey } = verifyRegistration(
        await rig.make({ 4: [credentialParameter(alg)], 7: cborMap({ rk }) }),
      );
      expect(publicKey.get(3)).toBe(alg);
      expect(credentialId.length).toBeLessThanOrEqual(128);
      verifyAssertion(await rig.get({ 3: [descriptor(credentialId)] }), publicKey);
    }
  });

  test("of ML-DSA-87 goes without attestation where the signature would not fit the message", async () => {
    const rig = new Fido2Rig({ pqc: true, maxMsgSize: 7000 });
    const { status, map } = await rig.make({ 4: [credentialParameter(-50)] });
    expect([status, map.get(1), map.get(3)]).toEqual([0, "none", new Map()]);
  });

  test("of ML-DSA that was made while that was on is used while it is off", async () => {
    const rig = new Fido2Rig({ pqc: true });
    const { credentialId, publicKey } = await rig.register({ 4: [credentialParameter(-48)] });
    const later = new Fido2Authenticator(rig.platform);
    const reply = await send(later, Command.GET_ASSERTION, getAssertionParameters({ 3: [descriptor(credentialId)] }));
    verifyAssertion(reply, publicKey);
  });

  test("has the first algorithm of the client's that there is here", async () => {
    const rig = new Fido2Rig();
    const wishes = [-257, -48, -8, -7].map(credentialParameter);
    expect((await rig.register({ 4: wishes })).publicKey.get(3)).toBe(-8);
  });

  test("keeps names of up to 256 bytes, cut between characters", async () => {
    const rig = await Fido2Rig.createProtected({ uv: "auto" });
    const name = `${"x".repeat(255)}€`;
    const user = cborMap({ id: Buffer.of(1), name, displayName: "Ä".repeat(128), icon: "https://example.com/a.png" });
    await rig.register({ 3: user, 7: cborMap({ rk: true, uv: true }) });
    const stored = (await rig.get({ 5: cborMap({ uv: true }) })).map.get(4);
    expect(stored).toEqual(cborMap({ id: bytes(Buffer.of(1)), name: "x".repeat(255), displayName: "Ä".repeat(128) }));
  });

  test("for a user of the same relying party takes the older one's place", async () => {
    const rig = new Fido2Rig();
    const first = await rig.register({ 7: cborMap({ rk: true }) });
    const second = await rig.register({ 7: cborMap({ rk: true }) });
    expect(rig.authenticator.credentials.discoverableCount).toBe(1);
    expect(verifyAssertion(await rig.get(), second.publicKey).numberOfCredentials).toBeUndefined();
    expect((await rig.get({ 3: [descriptor(first.credentialId)] })).status).toBe(0x2e);
  });
});

describe("A malformed request is refused, and nothing is stored or asked", () => {
  const nowhere = cborMap({ id: "example.com" });
  test.each<readonly [string, Readonly<Record<number, CborValue>>, number]>([
    ["no clientDataHash", { 1: undefined }, 0x14],
    ["a clientDataHash of 31 bytes", { 1: Buffer.alloc(31) }, 0x03],
    ["a text as clientDataHash", { 1: "0123456789abcdef0123456789abcdef" }, 0x11],
    ["no rp", { 2: undefined }, 0x14],
    ["no rp.id", { 2: cborMap({ name: "Example" }) }, 0x11],
    ["an rp.id that is no text", { 2: cborMap({ id: 1 }) }, 0x11],
    ["an rp.name that is no text", { 2: cborMap({ id: "example.com", name: 1 }) }, 0x11],
    ["no user", { 3: undefined }, 0x14],
    ["no user.id", { 3: cborMap({ name: "alice" }) }, 0x11],
    ["a user.id of text", { 3: cborMap({ id: "user 1" }) }, 0x11],
    ["a user.id of 65 bytes", { 3: cborMap({ id: Buffer.alloc(65) }) }, 0x03],
    ["a user.id of no bytes", { 3: cborMap({ id: Buffer.alloc(0) }) }, 0x03],
    ["a displayName that is no text", { 3: cborMap({ id: Buffer.of(1), displayName: 1 }) }, 0x11],
    ["no pubKeyCredParams", { 4: undefined }, 0x14],
    ["pubKeyCredParams that are no array", { 4: nowhere }, 0x11],
    ["no algorithm at all", { 4: [] }, 0x26],
    ["no algorithm that there is here", { 4: [credentialParameter(-257)] }, 0x26],
    ["ML-DSA, which is off by default", { 4: [credentialParameter(-48)] }, 0x26],
    ["an element of another type alone", { 4: [cborMap({ alg: -7, type: "private-key" })] }, 0x26],
    [
      "an element without alg, after a good one",
      { 4: [credentialParameter(-7), cborMap({ type: "public-key" })] },
      0x14,
    ],
    ["an element without type", { 4: [credentialParameter(-7), cborMap({ alg: -7 })] }, 0x14],
    ["an alg that is a text", { 4: [cborMap({ alg: "-7", type: "public-key" })] }, 0x11],
    ["an element that is no map", { 4: [credentialParameter(-7), true] }, 0x11],
    ["an excludeList that is no array", { 5: nowhere }, 0x11],
    ["a descriptor without id", { 5: [cborMap({ type: "public-key" })] }, 0x11],
    ["a descriptor without type", { 5: [cborMap({ id: Buffer.of(1) })] }, 0x11],
    ["extensions that are no map", { 6: [] }, 0x11],
    ["options that are no map", { 7: true }, 0x11],
    ["rk that is no boolean", { 7: cborMap({ rk: 1 }) }, 0x11],
    ["up: false", { 7: cborMap({ up: false }) }, 0x2c],
    ["uv: true, where there is no verification", { 7: cborMap({ uv: true }) }, 0x2c],
    ["a pinUvAuthParam that is no byte string", { 8: 1 }, 0x11],
    ["a pinUvAuthParam without protocol", { 8: Buffer.alloc(16) }, 0x14],
    ["an unknown pinUvAuthProtocol", { 8: Buffer.alloc(16), 9: 3 }, 0x02],
    ["enterprise attestation, which is not enabled", { 10: 1 }, 0x02],
    ["enterpriseAttestation of text", { 10: "1" }, 0x11],
    ["attestationFormatsPreference that is no array", { 11: "packed" }, 0x11],
  ])("%s", async (_what, changes, status) => {
    const rig = new Fido2Rig();
    const before = rig.platform.store.snapshot();
    expect((await rig.make(changes)).status).toBe(status);
    expect(rig.platform.store.snapshot()).toEqual(before);
    expect(rig.platform.presence.prompts).toEqual([]);
  });

  test("what is not known is ignored: options, extensions and members", async () => {
    const rig = new Fido2Rig();
    const reply = await rig.make({ 6: cborMap({ unheardOf: 1 }), 7: cborMap({ unknown: "x" }), 99: "y" });
    expect(verifyRegistration(reply).authData.flags).toBe(0x41);
  });
});

test("A float is ignored where nothing is known, and of the wrong type where something is", async () => {
  const rig = new Fido2Rig();
  const request = encodeRequest(Command.MAKE_CREDENTIAL, makeCredentialParameters({ 100: 0 }));
  const unknown = Buffer.concat([request.subarray(0, -1), Buffer.of(0xf9, 0x3e, 0x00)]);
  verifyRegistration(parseReply(await rig.authenticator.process(unknown, rig.transport)));
  const known = Uint8Array.of(Command.MAKE_CREDENTIAL, 0xa1, 0x01, 0xf9, 0x3e, 0x00);
  expect([...(await rig.authenticator.process(known, rig.transport))]).toEqual([0x11]);
});

describe("The touch", () => {
  test.each([
    ["denied", 0x27],
    ["timeout", 0x2f],
    ["cancelled", 0x2d],
  ] as const)("that is %s leaves nothing behind", async (outcome, status) => {
    const rig = new Fido2Rig();
    rig.platform.presence.answer(outcome);
    const before = rig.platform.store.snapshot();
    expect((await rig.make({ 7: cborMap({ rk: true }) })).status).toBe(status);
    expect(rig.platform.store.snapshot()).toEqual(before);
  });

  test("can be withdrawn while it is waited for", async () => {
    const rig = new Fido2Rig();
    rig.platform.presence.answer("pending");
    const reply = rig.make();
    rig.transport.cancel();
    expect((await reply).status).toBe(0x2d);
    expect(rig.transport.keepalives).toEqual(["upneeded", "processing"]);
  });

  test("for an empty pinUvAuthParam selects the key: PIN_NOT_SET, or PIN_INVALID once one is set", async () => {
    const open = new Fido2Rig();
    expect((await open.make({ 8: Buffer.alloc(0), 9: 2 })).status).toBe(0x35);
    expect(open.platform.presence.prompts.length).toBe(1);
    const rig = await Fido2Rig.createProtected();
    expect((await rig.make({ 8: Buffer.alloc(0), 9: 2 })).status).toBe(0x31);
  });
});

test("A store that is full answers KEY_STORE_FULL, and keeps the credential that was to be replaced", async () => {
  const rig = new Fido2Rig();
  const { publicKey } = await rig.register({ 7: cborMap({ rk: true }) });
  const before = rig.platform.store.snapshot();
  rig.platform.store.failNextCommit("no-space");
  expect((await rig.make({ 7: cborMap({ rk: true }) })).status).toBe(0x28);
  expect(rig.platform.store.snapshot()).toEqual(before);
  verifyAssertion(await rig.get(), publicKey);
});

test("A key that has as many accounts as there can be takes no other, and replaces one of them", async () => {
  const rig = new Fido2Rig();
  await rig.registerResident(1);
  vi.spyOn(rig.authenticator.credentials, "discoverableRoom", "get").mockReturnValue(0);
  const another = cborMap({ id: Buffer.from("user 2"), name: "name 2" });
  expect((await rig.make({ 3: another, 7: cborMap({ rk: true }) })).status).toBe(0x28);
  await rig.registerResident(1);
  expect(rig.authenticator.credentials.discoverableCount).toBe(1);
  await rig.register({ 3: another });
});

test("A credential that cannot be written for another reason is not made: OTHER", async () => {
  const rig = new Fido2Rig();
  rig.platform.store.failNextCommit("io");
  expect((await rig.make({ 7: cborMap({ rk: true }) })).status).toBe(0x7f);
  expect(rig.authenticator.credentials.discoverableCount).toBe(0);
});

describe("excludeList", () => {
  test.each([false, true])("refuses a second credential on the same key, discoverable: %s", async (rk) => {
    const rig = new Fido2Rig();
    const { credentialId } = await rig.register({ 7: cborMap({ rk }) });
    const excluded = { 5: [descriptor(Buffer.alloc(66, 1)), descriptor(credentialId)] };
    expect((await rig.make(excluded)).status).toBe(0x19);
    expect(rig.platform.presence.prompts.length).toBe(2); // not before somebody touched
    rig.platform.presence.answer("denied");
    expect((await rig.make(excluded)).status).toBe(0x19);
    rig.platform.presence.answer("cancelled");
    expect((await rig.make(excluded)).status).toBe(0x2d);
  });

  test("does not count another relying party's credentials, other keys', or other types", async () => {
    const rig = new Fido2Rig();
    const { credentialId } = await rig.register({ 2: cborMap({ id: "example.org" }) });
    const own = (await rig.register()).credentialId;
    const foreign = verifyRegistration(await new Fido2Rig().make()).credentialId;
    const otherType = cborMap({ id: own, type: "password" });
    await rig.register({ 5: [descriptor(credentialId), descriptor(foreign), otherType] });
  });
});

describe("User verification", () => {
  test("is needed for a discoverable credential once a PIN is set, and for no other", async () => {
    const rig = await Fido2Rig.createProtected();
    expect((await rig.make({ 7: cborMap({ rk: true }) })).status).toBe(0x36);
    expect((await rig.register()).authData.flags).toBe(0x41);
  });

  test("by a token sets the UV bit, and serves one registration", async () => {
    const rig = await Fido2Rig.createProtected();
    const members = await rig.proveMake();
    const reply = await rig.make({ ...members, 7: cborMap({ rk: true }) });
    expect(verifyRegistration(reply).authData.flags).toBe(0x45);
    expect((await rig.make(members)).status).toBe(0x33);
  });

  test("by a token without the permission, for another relying party, or by a wrong proof: PIN_AUTH_INVALID", async () => {
    const rig = await Fido2Rig.createProtected();
    expect((await rig.make(await rig.proveMake(Permission.GA, "example.com"))).status).toBe(0x33);
    expect((await rig.make(await rig.proveMake(Permission.MC, "example.org"))).status).toBe(0x33);
    expect((await rig.make({ ...(await rig.proveMake()), 8: Buffer.alloc(32) })).status).toBe(0x33);
    expect((await rig.make({ ...(await rig.proveMake()), 9: 1 })).status).toBe(0x33);
  });

  test("by the key itself sets the UV bit, takes one prompt, and its refusal is OPERATION_DENIED", async () => {
    const rig = new Fido2Rig({ uv: "auto" });
    const uv = { 7: cborMap({ uv: true, rk: true }) };
    expect((await rig.register(uv)).authData.flags).toBe(0x45);
    expect(rig.platform.presence.prompts.length).toBe(1);
    rig.platform.presence.answer("denied");
    expect((await rig.make(uv)).status).toBe(0x27);
    rig.platform.presence.answer("timeout");
    expect((await rig.make(uv)).status).toBe(0x2f);
  });

  test("is always needed with alwaysUv: PUAT_REQUIRED without, PIN set or not", async () => {
    const rig = await Fido2Rig.createProtected();
    const client = rig.pinClient();
    await client.configure(0x02, undefined, await client.getToken(PIN, Permission.ACFG));
    expect((await rig.make()).status).toBe(0x36);
    expect((await rig.register(await rig.proveMake())).authData.flags).toBe(0x45);
    const open = new Fido2Rig();
    await open.pinClient().configure(0x02);
    expect((await open.make()).status).toBe(0x36);
  });
});

test("The rpIdHash and the counter of the authenticator data are what they should be", async () => {
  const rig = new Fido2Rig();
  const { authData } = await rig.register();
  expect(Buffer.from(authData.rpIdHash)).toEqual(sha256("example.com"));
  expect((await rig.register()).authData.signCount).toBeGreaterThan(authData.signCount);
});

test("Ids of credentials that are not discoverable differ, and open on no other key", async () => {
  const rig = new Fido2Rig();
  const [a, b] = [await rig.register(), await rig.register()];
  expect(a.credentialId).not.toEqual(b.credentialId);
  const other = new Fido2Rig();
  await other.make();
  expect((await other.get({ 3: [descriptor(a.credentialId)] })).status).toBe(0x2e);
  expect(bytesOf(a.publicKey.get(-2))).not.toEqual(bytesOf(b.publicKey.get(-2)));
});
