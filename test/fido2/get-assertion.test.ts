import { describe, expect, test } from "vitest";
import { AuthenticatorDataFlags as Flag } from "../../applets/fido2/authenticator-data.ts";
import {
  Command,
  cborMap,
  descriptor,
  makeCredentialParameters,
  send,
  verifyAssertion,
} from "../support/fido-client.ts";
import { type Members, Permission } from "../support/pin-client.ts";
import { createTestTransport } from "../support/platform.ts";
import { bytes, Fido2Rig, PIN } from "./rig.ts";

const silent = { 5: cborMap({ up: false }) };

describe("A malformed request is refused, and nobody is asked", () => {
  test.each<readonly [string, Members, number]>([
    ["no rpId", { 1: undefined }, 0x14],
    ["an rpId that is no text", { 1: Buffer.from("example.com") }, 0x11],
    ["no clientDataHash", { 2: undefined }, 0x14],
    ["a clientDataHash of 33 bytes", { 2: Buffer.alloc(33) }, 0x03],
    ["a clientDataHash of text", { 2: "x" }, 0x11],
    ["an allowList that is no array", { 3: cborMap({}) }, 0x11],
    ["a descriptor that is no map", { 3: [Buffer.of(1)] }, 0x11],
    ["a descriptor without id", { 3: [cborMap({ type: "public-key" })] }, 0x11],
    ["a descriptor without type", { 3: [cborMap({ id: Buffer.of(1) })] }, 0x11],
    ["a descriptor with an id of text", { 3: [cborMap({ id: "x", type: "public-key" })] }, 0x11],
    ["extensions that are no map", { 4: true }, 0x11],
    ["options that are no map", { 5: 1 }, 0x11],
    ["up that is no boolean", { 5: cborMap({ up: "yes" }) }, 0x11],
    ["rk: true", { 5: cborMap({ rk: true }) }, 0x2b],
    ["rk: false", { 5: cborMap({ rk: false }) }, 0x2b],
    ["uv: true, where there is no verification", { 5: cborMap({ uv: true }) }, 0x2c],
    ["a pinUvAuthParam without protocol", { 6: Buffer.alloc(32) }, 0x14],
    ["an unknown pinUvAuthProtocol", { 6: Buffer.alloc(32), 7: 9 }, 0x02],
    ["no credential for the relying party", { 1: "example.org" }, 0x2e],
    ["no credential from the list", { 3: [descriptor(Buffer.alloc(66, 1))] }, 0x2e],
    ["a list of another type alone", { 3: [cborMap({ id: Buffer.alloc(32), type: "password" })] }, 0x2e],
  ])("%s", async (_what, changes, status) => {
    const rig = new Fido2Rig();
    await rig.registerResident(1);
    const before = rig.platform.store.snapshot();
    expect((await rig.get(changes)).status).toBe(status);
    expect(rig.platform.store.snapshot()).toEqual(before);
    expect(rig.platform.presence.prompts.length).toBe(1);
  });
});

describe("Without an allowList", () => {
  test("the newest account answers first, and says how many there are; without verification only by its handle", async () => {
    const rig = new Fido2Rig();
    const made = [await rig.registerResident(1), await rig.registerResident(2), await rig.registerResident(3)];
    const [first, second, third] = [await rig.get(), await rig.next(), await rig.next()];
    const answers = [first, second, third].map((reply, i) =>
      verifyAssertion(reply, made[2 - i]?.publicKey ?? cborMap({})),
    );
    expect(answers.map(({ numberOfCredentials }) => numberOfCredentials)).toEqual([3, undefined, undefined]);
    expect(answers.map(({ user }) => user)).toEqual([3, 2, 1].map((n) => cborMap({ id: bytes(`user ${n}`) })));
    expect((await rig.next()).status).toBe(0x30);
  });

  test("an account that is made again is the newest", async () => {
    const rig = new Fido2Rig();
    await rig.registerResident(1);
    await rig.registerResident(2);
    const { publicKey } = await rig.registerResident(1);
    expect((await rig.signIn(publicKey)).numberOfCredentials).toBe(2);
  });

  test("one account alone has no number, and verification reveals its names", async () => {
    const rig = await Fido2Rig.createProtected();
    const { publicKey } = await rig.registerResident(1, await rig.proveMake());
    const plain = await rig.signIn(publicKey);
    expect([plain.numberOfCredentials, plain.user]).toEqual([undefined, cborMap({ id: bytes("user 1") })]);
    const verified = await rig.signIn(publicKey, await rig.proveGet());
    expect(verified.authData.flags).toBe(Flag.UP | Flag.UV);
    expect(verified.user).toEqual(cborMap({ id: bytes("user 1"), name: "name 1", displayName: "Name 1" }));
  });

  test("an empty list counts as none", async () => {
    const rig = new Fido2Rig();
    const { publicKey } = await rig.registerResident(1);
    await rig.signIn(publicKey, { 3: [] });
  });

  test("credentials that are not discoverable are not found", async () => {
    const rig = new Fido2Rig();
    await rig.register();
    expect((await rig.get()).status).toBe(0x2e);
  });
});

describe("With an allowList", () => {
  test("the first that is known answers, discoverable or not, and there is no number", async () => {
    const rig = new Fido2Rig();
    const sealed = await rig.register();
    const resident = await rig.registerResident(1);
    const unknown = descriptor(Buffer.alloc(66, 1));
    const ids = [unknown, descriptor(sealed.credentialId), descriptor(resident.credentialId)];
    const assertion = await rig.signIn(sealed.publicKey, { 3: ids });
    expect([assertion.numberOfCredentials, assertion.user]).toEqual([undefined, undefined]);
    expect(assertion.credentialId).toEqual(sealed.credentialId);
    const reversed = await rig.signIn(resident.publicKey, { 3: [...ids].reverse() });
    expect(reversed.user).toEqual(cborMap({ id: bytes("user 1") }));
    expect((await rig.next()).status).toBe(0x30);
  });

  test("an id is nobody else's: another relying party gets NO_CREDENTIALS", async () => {
    const rig = new Fido2Rig();
    for (const { credentialId } of [await rig.register(), await rig.registerResident(1)]) {
      expect((await rig.get({ 1: "example.org", 3: [descriptor(credentialId)] })).status).toBe(0x2e);
    }
  });

  test("one flipped bit anywhere in a sealed id makes it unknown", async () => {
    const rig = new Fido2Rig();
    const { credentialId } = await rig.register();
    for (let at = 0; at < credentialId.length; at++) {
      const changed = Uint8Array.from(credentialId);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      expect((await rig.get({ 3: [descriptor(changed)] })).status).toBe(0x2e);
    }
  });
});

describe("The touch", () => {
  test("can be done without: the UP bit is then clear, and nobody is asked", async () => {
    const rig = new Fido2Rig();
    const { publicKey } = await rig.registerResident(1);
    const { authData } = await rig.signIn(publicKey, silent);
    expect(authData.flags).toBe(0);
    expect(rig.platform.presence.prompts.length).toBe(1);
  });

  test.each([
    ["denied", 0x27],
    ["timeout", 0x2f],
    ["cancelled", 0x2d],
  ] as const)("that is %s ends it", async (outcome, status) => {
    const rig = new Fido2Rig();
    await rig.registerResident(1);
    rig.platform.presence.answer(outcome);
    expect((await rig.get()).status).toBe(status);
    expect((await rig.next()).status).toBe(0x30);
  });

  test("for an empty pinUvAuthParam selects the key", async () => {
    expect((await new Fido2Rig().get({ 6: Buffer.alloc(0), 7: 1 })).status).toBe(0x35);
    expect((await (await Fido2Rig.createProtected()).get({ 6: Buffer.alloc(0), 7: 1 })).status).toBe(0x31);
  });

  test("names the account when there is one alone", async () => {
    const rig = new Fido2Rig();
    const { publicKey } = await rig.registerResident(7);
    await rig.signIn(publicKey);
    expect(rig.platform.presence.prompts.at(-1)).toMatchObject({ subject: "example.com", account: "name 7" });
  });
});

describe("User verification", () => {
  test("by a token serves one assertion, and fails for another permission, relying party or proof", async () => {
    const rig = await Fido2Rig.createProtected();
    const { credentialId, publicKey } = await rig.register();
    const list = { 3: [descriptor(credentialId)] };
    const proof = await rig.proveGet();
    await rig.signIn(publicKey, { ...list, ...proof });
    expect((await rig.get({ ...list, ...proof })).status).toBe(0x33);
    expect((await rig.get({ ...list, ...(await rig.proveGet(Permission.MC)) })).status).toBe(0x33);
    expect((await rig.get({ ...list, ...(await rig.proveGet(Permission.GA, "example.org")) })).status).toBe(0x33);
    expect((await rig.get({ ...list, ...(await rig.proveGet()), 2: Buffer.alloc(32) })).status).toBe(0x33);
  });

  test("without a touch keeps the token for the assertion with one", async () => {
    const rig = await Fido2Rig.createProtected();
    const { credentialId, publicKey } = await rig.register();
    const proof = { 3: [descriptor(credentialId)], ...(await rig.proveGet()) };
    expect((await rig.signIn(publicKey, { ...proof, ...silent })).authData.flags).toBe(Flag.UV);
    expect((await rig.signIn(publicKey, proof)).authData.flags).toBe(Flag.UP | Flag.UV);
  });

  test("by the key itself counts as a touch, even where none was asked for", async () => {
    const rig = new Fido2Rig({ uv: "auto" });
    const { credentialId, publicKey } = await rig.register();
    const options = cborMap({ uv: true, up: false });
    const { authData } = await rig.signIn(publicKey, { 3: [descriptor(credentialId)], 5: options });
    expect(authData.flags).toBe(Flag.UP | Flag.UV);
    rig.platform.presence.answer("denied");
    expect((await rig.get({ 3: [descriptor(credentialId)], 5: options })).status).toBe(0x27);
  });

  test("is always needed with alwaysUv, but for an assertion without a touch", async () => {
    const rig = await Fido2Rig.createProtected();
    const { credentialId, publicKey } = await rig.register();
    const client = rig.pinClient();
    await client.configure(0x02, undefined, await client.getToken(PIN, Permission.ACFG));
    const list = { 3: [descriptor(credentialId)] };
    expect((await rig.get(list)).status).toBe(0x36);
    await rig.signIn(publicKey, { ...list, ...silent });
    await rig.signIn(publicKey, { ...list, ...(await rig.proveGet()) });
  });
});

describe("getNextAssertion", () => {
  async function withTwo() {
    const rig = new Fido2Rig();
    const older = await rig.registerResident(1);
    await rig.registerResident(2);
    expect((await rig.get()).status).toBe(0);
    return { rig, older };
  }

  test("without an assertion before it is NOT_ALLOWED, and takes no parameters", async () => {
    const rig = new Fido2Rig();
    expect((await rig.next()).status).toBe(0x30);
    expect((await rig.send(Command.GET_NEXT_ASSERTION, cborMap({}))).status).toBe(0x03);
  });

  test("goes on for 30 seconds after the last answer, and no longer", async () => {
    const { rig, older } = await withTwo();
    rig.platform.clock.advance(30_000);
    verifyAssertion(await rig.next(), older.publicKey);
    const late = (await withTwo()).rig;
    late.platform.clock.advance(30_001);
    expect((await late.next()).status).toBe(0x30);
  });

  test("keeps the flags of the first answer, and asks nobody", async () => {
    const rig = await Fido2Rig.createProtected();
    const older = await rig.registerResident(1, await rig.proveMake());
    await rig.registerResident(2, await rig.proveMake());
    await rig.get(await rig.proveGet());
    const prompts = rig.platform.presence.prompts.length;
    const next = verifyAssertion(await rig.next(), older.publicKey);
    expect(next.authData.flags).toBe(Flag.UP | Flag.UV);
    expect(next.user?.get("name")).toBe("name 1");
    expect(rig.platform.presence.prompts.length).toBe(prompts);
  });

  test("belongs to the client who began, and any other command of that client ends it", async () => {
    const { rig, older } = await withTwo();
    const other = createTestTransport(2);
    expect((await send(rig.authenticator, Command.GET_NEXT_ASSERTION, undefined, other)).status).toBe(0x30);
    await send(rig.authenticator, Command.GET_INFO, undefined, other);
    verifyAssertion(await rig.next(), older.publicKey);
    const interrupted = (await withTwo()).rig;
    await interrupted.send(Command.GET_INFO);
    expect((await interrupted.next()).status).toBe(0x30);
  });

  test("does not sign with a credential that was replaced meanwhile", async () => {
    const { rig } = await withTwo();
    const account = cborMap({ id: Buffer.from("user 1"), name: "again" });
    const other = createTestTransport(2);
    const again = makeCredentialParameters({ 3: account, 7: cborMap({ rk: true }) });
    expect((await send(rig.authenticator, Command.MAKE_CREDENTIAL, again, other)).status).toBe(0);
    expect((await rig.next()).status).toBe(0x30);
  });

  test("ends with a power cycle", async () => {
    const { rig } = await withTwo();
    rig.authenticator.powerCycle();
    expect((await rig.next()).status).toBe(0x30);
  });
});
