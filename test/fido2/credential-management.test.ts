import { beforeEach, describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CoseAlgorithm, schemeOf } from "../../applets/fido2/cose-key.ts";
import { Credential, plainTraits } from "../../applets/fido2/credential.ts";
import { encodeCredentialRecord } from "../../applets/fido2/credential-record.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { type CborMap, type CborValue, encodeCbor } from "../../src/cbor.ts";
import {
  bytesOf,
  Command,
  cborMap,
  descriptor,
  getAssertionParameters,
  makeCredentialParameters,
  send,
  sha256,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import { Permission, PinClient, type Token, type Version } from "../support/pin-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform } from "../support/platform.ts";
import { map, statusOf } from "./rig.ts";

const Sub = { METADATA: 1, RPS: 2, NEXT_RP: 3, CREDENTIALS: 4, NEXT_CREDENTIAL: 5, DELETE: 6, UPDATE: 7 } as const;

let platform: TestPlatform;
let authenticator: Fido2Authenticator;
let client: PinClient;

beforeEach(() => {
  platform = createTestPlatform();
  authenticator = new Fido2Authenticator(platform);
  client = new PinClient(authenticator);
});

const ofRp = (rpId: string) => map([1, sha256(rpId)]);
const hexOf = (value: CborValue) => toHex(encodeCbor(value));
const user = (id: string, names: Readonly<Record<string, string>> = {}) => cborMap({ id: Buffer.from(id), ...names });

/** Registers, before a PIN is set. */
async function register(rpId: string, userId: string, changes: Readonly<Record<number, CborValue>> = {}) {
  const parameters = makeCredentialParameters({
    2: cborMap({ id: rpId, name: `${rpId}'s name` }),
    3: user(userId, { name: `${userId}@${rpId}`, displayName: userId.toUpperCase() }),
    7: cborMap({ rk: true }),
    ...changes,
  });
  return verifyRegistration(await send(authenticator, Command.MAKE_CREDENTIAL, parameters));
}

/** Two relying parties: three credentials and one; and one that is not discoverable, which is not managed. */
async function furnish() {
  const alice = await register("example.com", "alice");
  const bob = await register("example.com", "bob", { 6: cborMap({ credProtect: 2, largeBlobKey: true }) });
  const carol = await register("example.com", "carol", { 4: [cborMap({ alg: -8, type: "public-key" })] });
  const dora = await register("other.example", "dora");
  await register("sealed.example", "nobody", { 7: cborMap({ rk: false }) });
  await client.setPin("1234");
  return { alice, bob, carol, dora };
}

async function list(token: Token, rpId: string): Promise<CborMap[]> {
  const first = await client.manage(Sub.CREDENTIALS, ofRp(rpId), token);
  const found = first.status === 0 ? [first.map] : [];
  while (found.length < ((first.map.get(9) as number | undefined) ?? 0)) {
    found.push((await client.manage(Sub.NEXT_CREDENTIAL)).map);
  }
  return found;
}

const namesOf = (found: readonly CborMap[]) =>
  found.map((credential) => Buffer.from(bytesOf((credential.get(6) as CborMap).get("id"))).toString());

describe.each<Version>([1, 2])("With a token of protocol %i", (version) => {
  beforeEach(() => {
    client = new PinClient(authenticator, version);
  });

  test("the credentials are counted and listed with all that is known of them", async () => {
    const { alice, bob } = await furnish();
    const token = await client.getToken("1234", Permission.CM);
    const metadata = (await client.manage(Sub.METADATA, undefined, token)).map;
    expect([metadata.get(1), metadata.get(2)]).toEqual([4, 49_996]);

    const first = (await client.manage(Sub.RPS, undefined, token)).map;
    expect(first.get(3)).toEqual(cborMap({ id: "example.com", name: "example.com's name" }));
    expect(Buffer.from(bytesOf(first.get(4)))).toEqual(sha256("example.com"));
    expect(first.get(5)).toBe(2);
    const second = (await client.manage(Sub.NEXT_RP)).map;
    expect([(second.get(3) as CborMap).get("id"), second.has(5)]).toEqual(["other.example", false]);
    expect(statusOf(await client.manage(Sub.NEXT_RP))).toBe("CTAP2_ERR_NOT_ALLOWED");

    const found = await list(token, "example.com");
    expect(namesOf(found)).toEqual(["alice", "bob", "carol"]);
    const [one, two] = found;
    expect(hexOf(one?.get(6))).toBe(hexOf(user("alice", { name: "alice@example.com", displayName: "ALICE" })));
    expect(hexOf(one?.get(7))).toBe(hexOf(descriptor(alice.credentialId)));
    expect(hexOf(one?.get(8))).toBe(hexOf(alice.publicKey));
    expect([one?.get(9), one?.get(10), one?.has(11), one?.get(12)]).toEqual([3, 1, false, false]);
    expect(hexOf(two?.get(8))).toBe(hexOf(bob.publicKey));
    expect([two?.has(9), two?.get(10), bytesOf(two?.get(11)).length]).toEqual([false, 2, 32]);
    expect(statusOf(await client.manage(Sub.NEXT_CREDENTIAL))).toBe("CTAP2_ERR_NOT_ALLOWED");
  });
});

test("A credential is deleted, and is gone after a restart, too", async () => {
  const { alice, dora } = await furnish();
  const token = await client.getToken("1234", Permission.CM);
  expect(statusOf(await client.manage(Sub.DELETE, map([2, descriptor(alice.credentialId)]), token))).toBe("CTAP2_OK");
  expect(statusOf(await client.manage(Sub.DELETE, map([2, descriptor(alice.credentialId)]), token))).toBe(
    "CTAP2_ERR_NO_CREDENTIALS",
  );
  expect(namesOf(await list(token, "example.com"))).toEqual(["bob", "carol"]);
  expect(statusOf(await client.manage(Sub.DELETE, map([2, descriptor(dora.credentialId)]), token))).toBe("CTAP2_OK");
  expect((await client.manage(Sub.RPS, undefined, token)).map.get(5)).toBe(1);

  authenticator = new Fido2Authenticator(platform);
  client = new PinClient(authenticator);
  const again = await client.getToken("1234", Permission.CM);
  expect(namesOf(await list(again, "example.com"))).toEqual(["bob", "carol"]);
  const signIn = getAssertionParameters({ 3: [descriptor(alice.credentialId)] });
  expect(statusOf(await send(authenticator, Command.GET_ASSERTION, signIn))).toBe("CTAP2_ERR_NO_CREDENTIALS");
});

test("A user is renamed, keeps their place, and still signs in", async () => {
  const { alice } = await furnish();
  const token = await client.getToken("1234", Permission.CM);
  const rename = (id: Uint8Array, renamed: CborMap) =>
    client.manage(Sub.UPDATE, map([2, descriptor(id)], [3, renamed]), token);
  expect(statusOf(await rename(alice.credentialId, user("alice", { name: "Alice L." })))).toBe("CTAP2_OK");
  const [first] = await list(token, "example.com");
  expect(hexOf(first?.get(6))).toBe(hexOf(user("alice", { name: "Alice L." })));
  // Empty names are no names.
  await rename(alice.credentialId, user("alice", { name: "", displayName: "A" }));
  const [second] = await list(token, "example.com");
  expect(hexOf(second?.get(6))).toBe(hexOf(user("alice", { displayName: "A" })));

  expect(statusOf(await rename(alice.credentialId, user("mallory")))).toBe("CTAP1_ERR_INVALID_PARAMETER");
  expect(statusOf(await rename(new Uint8Array(32), user("alice")))).toBe("CTAP2_ERR_NO_CREDENTIALS");
  const signing = getAssertionParameters({ 3: [descriptor(alice.credentialId)] });
  verifyAssertion(await send(authenticator, Command.GET_ASSERTION, signing), alice.publicKey);
});

test("A long name is cut between two characters", async () => {
  await register("example.com", "alice", { 3: user("alice", { name: "ä".repeat(300) }) });
  await client.setPin("1234");
  const token = await client.getToken("1234", Permission.CM);
  const [found] = await list(token, "example.com");
  expect(hexOf(found?.get(6))).toBe(hexOf(user("alice", { name: "ä".repeat(128) })));
});

test("A key without credentials has none to list", async () => {
  await client.setPin("1234");
  const token = await client.getToken("1234", Permission.CM);
  expect((await client.manage(Sub.METADATA, undefined, token)).map.get(1)).toBe(0);
  expect(statusOf(await client.manage(Sub.RPS, undefined, token))).toBe("CTAP2_ERR_NO_CREDENTIALS");
  expect(statusOf(await client.manage(Sub.CREDENTIALS, ofRp("example.com"), token))).toBe("CTAP2_ERR_NO_CREDENTIALS");
});

describe("Each subcommand", () => {
  const parameters: Record<number, CborMap | undefined> = {
    [Sub.METADATA]: undefined,
    [Sub.RPS]: undefined,
    [Sub.CREDENTIALS]: ofRp("example.com"),
    [Sub.DELETE]: map([2, descriptor(new Uint8Array(32))]),
    [Sub.UPDATE]: map([2, descriptor(new Uint8Array(32))], [3, user("alice")]),
  };
  const subCommands = Object.keys(parameters).map(Number);

  test.each(subCommands)("%i wants a proof by a token with the permission cm", async (subCommand) => {
    await furnish();
    const params = parameters[subCommand];
    const request = { 1: subCommand, 2: params };
    const before = platform.store.snapshot();
    expect(statusOf(await client.manage(subCommand, params))).toBe("CTAP2_ERR_PUAT_REQUIRED");
    const wrong = new Uint8Array(32);
    expect(statusOf(await client.command(0x0a, { ...request, 4: wrong }))).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(statusOf(await client.command(0x0a, { ...request, 3: 3, 4: wrong }))).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(statusOf(await client.command(0x0a, { ...request, 3: 2, 4: wrong }))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    const other = await client.getToken("1234", Permission.ACFG);
    expect(statusOf(await client.manage(subCommand, params, other))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    const legacy = (await client.requestLegacyToken("1234")).token;
    expect(statusOf(await client.manage(subCommand, params, legacy))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    expect(platform.store.snapshot()).toEqual(before);
  });

  test.each([Sub.CREDENTIALS, Sub.DELETE, Sub.UPDATE])("%i wants its parameters", async (subCommand) => {
    await furnish();
    const token = await client.getToken("1234", Permission.CM);
    expect(statusOf(await client.manage(subCommand, undefined, token))).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(statusOf(await client.manage(subCommand, map(), token))).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(statusOf(await client.manage(subCommand, map([1, 1], [2, 1], [3, 1]), token))).toBe(
      "CTAP2_ERR_CBOR_UNEXPECTED_TYPE",
    );
  });

  test.each([
    [Sub.DELETE, map([2, cborMap({ type: "public-key" })])],
    [Sub.DELETE, map([2, cborMap({ id: Buffer.of(1) })])],
    [Sub.UPDATE, map([2, descriptor(Buffer.of(1))], [3, cborMap({ name: "alice" })])],
  ])("%i wants a whole descriptor and a user with an id", async (subCommand, params) => {
    await furnish();
    const reply = await client.manage(subCommand, params, await client.getToken("1234", Permission.CM));
    expect(statusOf(reply)).toBe("CTAP2_ERR_CBOR_UNEXPECTED_TYPE");
  });

  test("that is not there is refused", async () => {
    for (const subCommand of [0, 8, 255]) {
      expect(statusOf(await client.manage(subCommand))).toBe("CTAP2_ERR_INVALID_SUBCOMMAND");
    }
    expect(statusOf(await client.command(0x0a, {}))).toBe("CTAP2_ERR_MISSING_PARAMETER");
  });
});

test("A token for one relying party reaches its credentials alone", async () => {
  const { alice, dora } = await furnish();
  const token = await client.getToken("1234", Permission.CM, "example.com");
  const refused = "CTAP2_ERR_PIN_AUTH_INVALID";
  expect(statusOf(await client.manage(Sub.METADATA, undefined, token))).toBe(refused);
  expect(statusOf(await client.manage(Sub.RPS, undefined, token))).toBe(refused);
  expect(statusOf(await client.manage(Sub.CREDENTIALS, ofRp("other.example"), token))).toBe(refused);
  expect(statusOf(await client.manage(Sub.DELETE, map([2, descriptor(dora.credentialId)]), token))).toBe(refused);
  expect(statusOf(await client.manage(Sub.DELETE, map([2, descriptor(Buffer.alloc(32))]), token))).toBe(refused);
  const renaming = map([2, descriptor(dora.credentialId)], [3, user("dora")]);
  expect(statusOf(await client.manage(Sub.UPDATE, renaming, token))).toBe(refused);
  expect(await list(token, "example.com")).toHaveLength(3);
  expect(statusOf(await client.manage(Sub.DELETE, map([2, descriptor(alice.credentialId)]), token))).toBe("CTAP2_OK");
});

test("Of two clients who delete or rename the same credential at once, the later is told that it is gone", async () => {
  const { alice, bob } = await furnish();
  const token = await client.getToken("1234", Permission.CM);
  const gone = ["CTAP2_ERR_NO_CREDENTIALS", "CTAP2_OK"];
  const remove = (id: Uint8Array) => client.manage(Sub.DELETE, map([2, descriptor(id)]), token);
  const deletions = await Promise.all([remove(alice.credentialId), remove(alice.credentialId)]);
  expect(deletions.map(statusOf).sort()).toEqual(gone);
  const renaming = map([2, descriptor(bob.credentialId)], [3, user("bob", { name: "robert" })]);
  const [deleted, renamed] = await Promise.all([remove(bob.credentialId), client.manage(Sub.UPDATE, renaming, token)]);
  expect([statusOf(renamed), statusOf(deleted)]).toEqual(gone);
});

test("A descriptor of another type than public-key names no credential", async () => {
  const { alice } = await furnish();
  const token = await client.getToken("1234", Permission.CM);
  const foreign = cborMap({ id: alice.credentialId, type: "private-key" });
  expect(statusOf(await client.manage(Sub.DELETE, map([2, foreign]), token))).toBe("CTAP2_ERR_NO_CREDENTIALS");
});

describe("A listing", () => {
  const nextOf = { [Sub.RPS]: Sub.NEXT_RP, [Sub.CREDENTIALS]: Sub.NEXT_CREDENTIAL } as const;
  test.each([Sub.RPS, Sub.CREDENTIALS])("begun by %i ends with any other command of its client", async (begin) => {
    await furnish();
    const token = await client.getToken("1234", Permission.CM);
    const start = () => client.manage(begin, begin === Sub.RPS ? undefined : ofRp("example.com"), token);
    const next = async () => statusOf(await client.manage(nextOf[begin]));
    expect(await next()).toBe("CTAP2_ERR_NOT_ALLOWED");
    await start();
    await send(authenticator, Command.GET_INFO, undefined, client.transport);
    expect(await next()).toBe("CTAP2_ERR_NOT_ALLOWED");
    await start();
    await client.manage(Sub.METADATA, undefined, token);
    expect(await next()).toBe("CTAP2_ERR_NOT_ALLOWED");
    const wrongNext = begin === Sub.RPS ? Sub.NEXT_CREDENTIAL : Sub.NEXT_RP;
    await start();
    expect(statusOf(await client.manage(wrongNext))).toBe("CTAP2_ERR_NOT_ALLOWED");
    expect(await next()).toBe("CTAP2_OK");
    await start();
    // Another client neither continues nor ends it.
    const stranger = createTestTransport(2);
    await send(authenticator, Command.GET_INFO, undefined, stranger);
    expect(statusOf(await new PinClient(authenticator, 2, stranger).manage(nextOf[begin]))).toBe(
      "CTAP2_ERR_NOT_ALLOWED",
    );
    expect(await next()).toBe("CTAP2_OK");
  });

  test("of relying parties goes on after that of one's credentials, and not the other way round", async () => {
    await furnish();
    const token = await client.getToken("1234", Permission.CM);
    const nextRp = async () => statusOf(await client.manage(Sub.NEXT_RP));
    const nextCredential = async () => statusOf(await client.manage(Sub.NEXT_CREDENTIAL));
    await client.manage(Sub.RPS, undefined, token);
    await client.manage(Sub.CREDENTIALS, ofRp("example.com"), token);
    expect([await nextCredential(), await nextRp()]).toEqual(["CTAP2_OK", "CTAP2_OK"]);
    await client.manage(Sub.CREDENTIALS, ofRp("example.com"), token);
    await client.manage(Sub.RPS, undefined, token);
    expect([await nextCredential(), await nextRp()]).toEqual(["CTAP2_ERR_NOT_ALLOWED", "CTAP2_OK"]);
  });

  test("ends when its token does", async () => {
    await furnish();
    const token = await client.getToken("1234", Permission.CM);
    await client.manage(Sub.RPS, undefined, token);
    platform.clock.advance(600_001);
    expect(statusOf(await client.manage(Sub.NEXT_RP))).toBe("CTAP2_ERR_NOT_ALLOWED");
    const another = await client.getToken("1234", Permission.CM);
    await client.manage(Sub.CREDENTIALS, ofRp("example.com"), another);
    await new PinClient(authenticator, 1, createTestTransport(2)).getToken("1234", Permission.CM);
    expect(statusOf(await client.manage(Sub.NEXT_CREDENTIAL))).toBe("CTAP2_ERR_NOT_ALLOWED");
  });

  test("passes over what another client deletes meanwhile", async () => {
    const { bob } = await furnish();
    const token = await client.getToken("1234", Permission.CM);
    await client.manage(Sub.CREDENTIALS, ofRp("example.com"), token);
    const stranger = new PinClient(authenticator, 2, createTestTransport(2));
    await stranger.manage(Sub.DELETE, map([2, descriptor(bob.credentialId)]), token);
    expect(namesOf([(await client.manage(Sub.NEXT_CREDENTIAL)).map])).toEqual(["carol"]);
    expect(statusOf(await client.manage(Sub.NEXT_CREDENTIAL))).toBe("CTAP2_ERR_NOT_ALLOWED");
  });
});

test("Ten thousand relying parties are listed as quickly, one by one, as ten", async () => {
  const algorithm = CoseAlgorithm.ES256;
  const { privateKey } = schemeOf(algorithm).generateKeyPair();
  const records: Record<string, Uint8Array> = {};
  for (let created = 1; created <= 10_000; created++) {
    const rp = { id: `rp${created}.example`, name: undefined };
    const account = { rp, user: { id: Uint8Array.of(1), name: "alice", displayName: undefined }, created };
    const id = Buffer.from(sha256(`id ${created}`));
    const fields = { id, rpIdHash: sha256(rp.id), algorithm, privateKey, traits: plainTraits, account };
    records[`fido2/credential/${id.toString("hex")}`] = encodeCredentialRecord(new Credential(fields), account);
  }
  await platform.store.commit(records);
  authenticator = new Fido2Authenticator(platform);
  client = new PinClient(authenticator);
  await client.setPin("1234");
  const token = await client.getToken("1234", Permission.CM);
  const startedAt = performance.now();
  expect((await client.manage(Sub.RPS, undefined, token)).map.get(5)).toBe(10_000);
  for (let i = 0; i < 1_000; i++) expect((await client.manage(Sub.NEXT_RP)).status).toBe(0);
  expect(await list(token, "rp9999.example")).toHaveLength(1);
  // A scan of ten thousand for each of a thousand would take many times that.
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test("The prototype command takes a token of getPinToken, which has no permissions", async () => {
  const { alice } = await furnish();
  const token = (await client.requestLegacyToken("1234")).token;
  const manage = (subCommand: number, params?: CborMap) => client.manage(subCommand, params, token, 0x41);
  expect((await manage(Sub.METADATA)).map.get(1)).toBe(4);
  expect((await manage(Sub.RPS)).map.get(5)).toBe(2);
  expect(statusOf(await client.manage(Sub.NEXT_RP, undefined, undefined, 0x41))).toBe("CTAP2_OK");
  expect(statusOf(await manage(Sub.DELETE, map([2, descriptor(alice.credentialId)])))).toBe("CTAP2_OK");
  expect((await manage(Sub.CREDENTIALS, ofRp("example.com"))).map.get(9)).toBe(2);
  const withPermission = await client.getToken("1234", Permission.CM);
  expect(statusOf(await client.manage(Sub.METADATA, undefined, withPermission, 0x41))).toBe("CTAP2_OK");
  const without = await client.getToken("1234", Permission.GA, "example.com");
  expect(statusOf(await client.manage(Sub.METADATA, undefined, without, 0x41))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
});

test("Nothing is changed by a store that fails", async () => {
  const { alice } = await furnish();
  const token = await client.getToken("1234", Permission.CM);
  platform.store.failNextCommit("io");
  expect(statusOf(await client.manage(Sub.DELETE, map([2, descriptor(alice.credentialId)]), token))).toBe(
    "CTAP1_ERR_OTHER",
  );
  const renaming = map([2, descriptor(alice.credentialId)], [3, user("alice", { name: "Eve" })]);
  platform.store.failNextCommit("no-space");
  expect(statusOf(await client.manage(Sub.UPDATE, renaming, token))).toBe("CTAP2_ERR_KEY_STORE_FULL");
  expect(namesOf(await list(token, "example.com"))).toEqual(["alice", "bob", "carol"]);
});
