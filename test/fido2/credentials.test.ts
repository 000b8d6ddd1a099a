import { describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CoseAlgorithm, Credentials } from "../../applets/fido2/credentials.ts";
import { CtapStatus } from "../../applets/fido2/status.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import { P256 } from "../../src/crypto/curves.ts";
import { deriveEcPublicKey } from "../../src/crypto/ec-key.ts";
import { isEcdsaSignature } from "../../src/crypto/ecdsa.ts";
import {
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
import { createTestPlatform } from "../support/platform.ts";

const rpIdHash = sha256("example.com");
const message = Uint8Array.of(1, 2, 3);

describe("A sealed credential id", () => {
  async function setUp() {
    const platform = createTestPlatform();
    const credentials = new Credentials(platform);
    const { credential, publicKey } = await credentials.createSealed(rpIdHash, CoseAlgorithm.ES256);
    return { platform, credentials, id: credential.id, publicKey };
  }

  test("opens for its relying party, as often as asked", async () => {
    const { credentials, id, publicKey } = await setUp();
    for (let i = 0; i < 2; i++) {
      const signature = credentials.find(rpIdHash, id)?.sign(message) ?? new Uint8Array(0);
      expect(isEcdsaSignature(P256, publicKey, "sha256", message, signature)).toBe(true);
    }
  });

  test("opens for no other relying party, whether or not it was opened before", async () => {
    const { credentials, id } = await setUp();
    const other = sha256("other.example");
    expect(credentials.find(other, id)).toBeUndefined();
    expect(credentials.find(rpIdHash, id)).toBeDefined();
    expect(credentials.find(other, id)).toBeUndefined();
  });

  test("opens in no other store", async () => {
    const { id } = await setUp();
    const { credentials } = await setUp();
    expect(credentials.find(rpIdHash, id)).toBeUndefined();
    expect(new Credentials(createTestPlatform()).find(rpIdHash, id)).toBeUndefined();
  });

  test("does not open after any bit of it changed, or cut or lengthened", async () => {
    const { credentials, id } = await setUp();
    for (let bit = 0; bit < id.length * 8; bit++) {
      const changed = Uint8Array.from(id);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(credentials.find(rpIdHash, changed)).toBeUndefined();
    }
    for (let length = 0; length < id.length; length++) {
      expect(credentials.find(rpIdHash, id.subarray(0, length))).toBeUndefined();
    }
    expect(credentials.find(rpIdHash, Uint8Array.of(...id, 0))).toBeUndefined();
  });

  test("does not show the private key", async () => {
    const { credentials, id } = await setUp();
    const { privateKey } = credentials.find(rpIdHash, id) ?? { privateKey: new Uint8Array(1) };
    expect(toHex(id)).not.toContain(toHex(privateKey));
  });

  test("opens in the next process over the same store", async () => {
    const { platform, id } = await setUp();
    expect(new Credentials(platform).find(rpIdHash, id)).toBeDefined();
  });

  test("More ids than are kept ready all stay usable", async () => {
    const credentials = new Credentials(createTestPlatform());
    const ids: Uint8Array[] = [];
    for (let i = 0; i < 300; i++) {
      ids.push((await credentials.createSealed(rpIdHash, CoseAlgorithm.ES256)).credential.id);
    }
    for (const id of [...ids, ...ids]) expect(credentials.find(rpIdHash, id)).toBeDefined();
  });
});

/** Sealed with a secret of 32 bytes 5a and a nonce of zeros, for example.com, ES256. */
const SEALED_BY_0_1 =
  "010000000000000000000000001e0efe2202100efc79e7fab1dc6912fc4677def8a28f07e11c6837384e6773a2f522a7308b" +
  "29845472084c8f99716f9dd5016dd398";
const RECORD_BY_0_1 =
  "a90101026b6578616d706c652e636f6d04467573657220310565616c6963650668416c69636520c3a9075820a379a6f6eeaf" +
  "b9a55e378c118034e2751e682fab9f2d30ab13d2125586ce19470826095820c9afa9d845ba75166b5c215767b1d6934e50c3" +
  "db36e89b127b8a622b120f67210a07";

describe("What version 0.1 wrote", () => {
  const privateKey = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
  const publicKey = deriveEcPublicKey(P256, fromHex(privateKey));

  test("a sealed id is still opened", async () => {
    const platform = createTestPlatform();
    await platform.store.commit({ "fido2/sealing-secret": new Uint8Array(32).fill(0x5a) });
    const id = fromHex(SEALED_BY_0_1);
    const signature = new Credentials(platform).find(rpIdHash, id)?.sign(message) ?? new Uint8Array(0);
    expect(isEcdsaSignature(P256, publicKey, "sha256", message, signature)).toBe(true);
  });

  test("a record is still read", async () => {
    const platform = createTestPlatform();
    const id = "11".repeat(32);
    await platform.store.commit({ [`fido2/credential/${id}`]: fromHex(RECORD_BY_0_1) });
    const credentials = new Credentials(platform);
    const [credential] = credentials.findDiscoverable(rpIdHash);
    expect(platform.lines).toEqual([]);
    expect(credential).toBe(credentials.find(rpIdHash, fromHex(id)));
    expect(credential?.account).toEqual({
      rp: { id: "example.com", name: undefined },
      user: { id: expect.anything(), name: "alice", displayName: "Alice é" },
      created: 7,
    });
    expect(toHex(credential?.account?.user.id ?? new Uint8Array(0))).toBe("757365722031");
    const signature = credential?.sign(message) ?? new Uint8Array(0);
    expect(isEcdsaSignature(P256, publicKey, "sha256", message, signature)).toBe(true);
  });
});

describe("The records of discoverable credentials", () => {
  async function setUp() {
    const platform = createTestPlatform();
    const authenticator = new Fido2Authenticator(platform);
    const parameters = makeCredentialParameters({ 7: cborMap({ rk: true }) });
    const registration = verifyRegistration(await send(authenticator, Command.MAKE_CREDENTIAL, parameters));
    const key = `fido2/credential/${toHex(registration.credentialId)}`;
    return { platform, registration, key };
  }

  test("stand under the credential's id, and are read by the next process", async () => {
    const { platform, registration, key } = await setUp();
    expect([...platform.store.keys("fido2/credential/")]).toEqual([key]);
    const restarted = new Fido2Authenticator(platform);
    verifyAssertion(await send(restarted, Command.GET_ASSERTION, getAssertionParameters()), registration.publicKey);
    const parameters = getAssertionParameters({ 3: [descriptor(registration.credentialId)] });
    verifyAssertion(await send(restarted, Command.GET_ASSERTION, parameters), registration.publicKey);
  });

  test.each([
    ["not CBOR", () => Uint8Array.of(0xff)],
    ["not a map", () => encodeCbor([1])],
    ["without its key", (map: Map<number, unknown>) => new Map([...map].filter(([member]) => member !== 9))],
    ["of a later version", (map: Map<number, unknown>) => map.set(1, 2)],
    ["of an algorithm that is not known", (map: Map<number, unknown>) => map.set(8, -65_000)],
    ["with a name of another type", (map: Map<number, unknown>) => map.set(5, 5)],
  ])("that are %s are reported, left alone, and do not keep the others from being used", async (_what, spoil) => {
    const { platform, registration, key } = await setUp();
    const record = platform.store.get(key) ?? new Uint8Array(0);
    const spoilt = spoil(new Map(decodeCborMap(record)) as Map<number, unknown>);
    const bytes = spoilt instanceof Map ? encodeCbor(spoilt as never) : spoilt;
    const spoiltKey = `fido2/credential/${"ab".repeat(32)}`;
    await platform.store.commit({ [spoiltKey]: bytes, "fido2/credential/not hexadecimal": record });

    const restarted = new Fido2Authenticator(platform);
    expect(platform.lines.filter((line) => line.startsWith("error"))).toHaveLength(2);
    verifyAssertion(await send(restarted, Command.GET_ASSERTION, getAssertionParameters()), registration.publicKey);
    expect(platform.store.get(spoiltKey)).toBeDefined();
  });
});

test("A discoverable credential that was not stored does not exist", async () => {
  const credentials = new Credentials(createTestPlatform());
  const user = { id: Uint8Array.of(1), name: undefined, displayName: undefined };
  const rp = { id: "example.com", name: undefined };
  const { credential } = credentials.createDiscoverable(rp, user, CoseAlgorithm.ES256);
  expect(credentials.find(rpIdHash, credential.id)).toBeUndefined();
  expect(credentials.isStored(credential)).toBe(false);
  await credentials.save(credential);
  expect(credentials.find(rpIdHash, credential.id)).toBe(credential);
  expect(credentials.isStored(credential)).toBe(true);
});

test("Only discoverable credentials are stored", async () => {
  const credentials = new Credentials(createTestPlatform());
  const { credential } = await credentials.createSealed(rpIdHash, CoseAlgorithm.EDDSA);
  await expect(credentials.save(credential)).rejects.toThrow(TypeError);
});

test("A list of credentials that someone holds does not change under them", async () => {
  const credentials = new Credentials(createTestPlatform());
  const save = async (user: number) => {
    const account = { id: Uint8Array.of(user), name: undefined, displayName: undefined };
    const { credential } = credentials.createDiscoverable({ id: "example.com", name: undefined }, account, -7);
    await credentials.save(credential);
    return credential;
  };
  const first = await save(1);
  const held = credentials.findDiscoverable(rpIdHash);
  const second = await save(2);
  await save(1);
  expect(held).toEqual([first]);
  expect(credentials.findDiscoverable(rpIdHash)[0]).toBe(second);
});

test("With five hundred accounts at one relying party, the newest is found like the only one", async () => {
  const platform = createTestPlatform();
  const authenticator = new Fido2Authenticator(platform);
  const record = async (i: number) => {
    const user = cborMap({ id: Buffer.from(`user ${i}`) });
    const parameters = makeCredentialParameters({ 3: user, 7: cborMap({ rk: true }) });
    return send(authenticator, Command.MAKE_CREDENTIAL, parameters);
  };
  for (let i = 0; i < 499; i++) await record(i);
  const { publicKey } = verifyRegistration(await record(499));
  const assertion = verifyAssertion(
    await send(authenticator, Command.GET_ASSERTION, getAssertionParameters()),
    publicKey,
  );
  expect(assertion.numberOfCredentials).toBe(500);
  expect((await send(authenticator, Command.GET_NEXT_ASSERTION)).status).toBe(CtapStatus.CTAP2_OK);
});
