import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { CoseAlgorithm } from "../../applets/fido2/cose-key.ts";
import { type Credential, CredProtect, plainTraits } from "../../applets/fido2/credential.ts";
import { encodeCredentialRecord, parseCredentialRecord } from "../../applets/fido2/credential-record.ts";
import { Credentials } from "../../applets/fido2/credentials.ts";
import { MAX_CRED_BLOB_LENGTH } from "../../applets/fido2/extensions/cred-blob.ts";
import { MAX_CREDENTIAL_ID_LENGTH, openCredentialId, sealCredentialId } from "../../applets/fido2/sealed-id.ts";
import { concat } from "../../src/bytes/concat.ts";
import { type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import { sealAesGcm } from "../../src/crypto/aes.ts";
import { createTestPlatform, type TestPlatform } from "../support/platform.ts";

const rp = { id: "example.com", name: undefined };
const rpIdHash = createHash("sha256").update(rp.id).digest();
const userOf = (n: number) => ({ id: Buffer.from(`user ${n}`), name: `name ${n}`, displayName: undefined });

async function save(credentials: Credentials, user: number, traits = plainTraits): Promise<Credential> {
  const { credential } = credentials.createDiscoverable(rp, userOf(user), CoseAlgorithm.ES256, traits);
  await credentials.save(credential);
  return credential;
}

function namesOf(found: readonly Credential[]) {
  return found.map(({ account }) => account?.user.name);
}

describe("Discoverable credentials", () => {
  test("are found after a restart as before, oldest first, with all they remember", async () => {
    const platform = createTestPlatform();
    const credentials = new Credentials(platform);
    const traits = {
      credProtect: CredProtect.UV_REQUIRED,
      credBlob: Uint8Array.of(1, 2),
      largeBlobKey: true,
      largeBlob: true,
      thirdPartyPayment: true,
    };
    for (const n of [3, 1, 2]) await save(credentials, n, n === 1 ? traits : plainTraits);
    const later = new Credentials(platform);
    expect(namesOf(later.findDiscoverable(rpIdHash))).toEqual(["name 3", "name 1", "name 2"]);
    expect(namesOf(later.findDiscoverable(rpIdHash, false))).toEqual(["name 3", "name 2"]);
    expect(later.findDiscoverable(rpIdHash)[1]?.traits).toEqual(traits);
    expect(later.discoverableCount).toBe(3);
    const again = await save(later, 3);
    expect(namesOf(later.findDiscoverable(rpIdHash))).toEqual(["name 1", "name 2", "name 3"]);
    expect(later.find(rpIdHash, again.id)).toBe(again);
  });

  test("can be renamed, and keep their age, key and derived secrets", async () => {
    const platform = createTestPlatform();
    const credentials = new Credentials(platform);
    const first = await save(credentials, 1);
    await save(credentials, 2);
    expect(await credentials.updateUser(first, { name: "renamed", displayName: "R" })).toBe(true);
    expect(await credentials.updateUser(first, { name: "again", displayName: "R" })).toBe(false); // another object now
    for (const view of [credentials, new Credentials(platform)]) {
      expect(namesOf(view.findDiscoverable(rpIdHash))).toEqual(["renamed", "name 2"]);
      const [renamed] = view.findDiscoverable(rpIdHash);
      expect(renamed?.deriveCredRandom(true)).toEqual(first.deriveCredRandom(true));
      expect(renamed?.encodePublicKey()).toEqual(first.encodePublicKey());
    }
  });

  test("can be deleted, one or the last of a relying party", async () => {
    const platform = createTestPlatform();
    const credentials = new Credentials(platform);
    const [first, second] = [await save(credentials, 1), await save(credentials, 2)];
    const held = credentials.findDiscoverable(rpIdHash);
    expect(await credentials.delete(first)).toBe(true);
    expect(await credentials.delete(first)).toBe(false);
    expect(held.length).toBe(2); // who holds a list keeps it
    expect(namesOf(credentials.findDiscoverable(rpIdHash))).toEqual(["name 2"]);
    await credentials.delete(second);
    expect([credentials.discoverableCount, credentials.listRelyingParties()]).toEqual([0, []]);
    expect([...platform.store.keys("fido2/credential/")]).toEqual([]);
  });

  test("change the store's state with each change, and with nothing else", async () => {
    const credentials = new Credentials(createTestPlatform());
    const states = [Buffer.from(credentials.storeState).toString("hex")];
    const look = () => states.push(Buffer.from(credentials.storeState).toString("hex"));
    const credential = await save(credentials, 1);
    look();
    await credentials.updateUser(credential, { name: "x", displayName: undefined });
    look();
    const [renamed] = credentials.findDiscoverable(rpIdHash);
    if (renamed !== undefined) await credentials.delete(renamed);
    look();
    expect(new Set(states).size).toBe(4);
    await credentials.createSealed(rpIdHash, CoseAlgorithm.ES256);
    expect(Buffer.from(credentials.storeState).toString("hex")).toBe(states.at(-1));
  });

  test("that fail to be stored change nothing", async () => {
    const platform = createTestPlatform();
    const credentials = new Credentials(platform);
    const credential = await save(credentials, 1);
    const before = platform.store.snapshot();
    for (const change of [
      () => save(credentials, 1),
      () => credentials.delete(credential),
      () => credentials.updateUser(credential, { name: "x", displayName: undefined }),
    ]) {
      platform.store.failNextCommit("io");
      await expect(change()).rejects.toThrow("made to fail");
      expect(platform.store.snapshot()).toEqual(before);
      expect(credentials.isStored(credential)).toBe(true);
    }
  });
});

describe("A record", () => {
  async function withRecord(change: (map: Map<CborValue, CborValue>) => void): Promise<TestPlatform> {
    const platform = createTestPlatform();
    const credential = await save(new Credentials(platform), 1);
    const key = `fido2/credential/${Buffer.from(credential.id).toString("hex")}`;
    const map = new Map(decodeCborMap(platform.store.get(key) ?? Buffer.alloc(0)));
    change(map);
    await platform.store.commit({ [key]: encodeCbor(map) });
    return platform;
  }

  test.each<readonly [string, number, CborValue]>([
    ["of another version", 1, 2],
    ["of an unknown algorithm", 8, -65535],
    ["without its private key", 9, undefined],
    ["with a user of another type", 4, "user"],
    ["with an unknown protection", 11, 4],
    ["with a flag that is none", 13, false],
  ])("%s is reported and left alone", async (_what, member, value) => {
    const platform = await withRecord((map) => map.set(member, value));
    const before = platform.store.snapshot();
    expect(new Credentials(platform).discoverableCount).toBe(0);
    expect(platform.lines.join()).toContain("cannot be read and is left alone");
    expect(platform.store.snapshot()).toEqual(before);
  });

  test("without the members of later versions is one of a plain credential", async () => {
    const credential = await save(new Credentials(createTestPlatform()), 1);
    if (credential.account === undefined) throw new Error("no account");
    const record = encodeCredentialRecord(credential, credential.account);
    expect(decodeCborMap(record).size).toBe(8);
    expect(parseCredentialRecord(credential.id, record).traits).toEqual(plainTraits);
  });
});

describe("A sealed id", () => {
  const key = Buffer.alloc(32, 1);
  const nonce = Buffer.alloc(12, 2);
  const privateKey = Buffer.alloc(32, 3);

  /** As an id is put together, but with any flags. */
  function sealWithFlags(algorithm: number, flags: number): Uint8Array {
    const head = Buffer.alloc(5);
    head.writeInt32BE(algorithm);
    head.writeUInt8(flags, 4);
    const sealed = sealAesGcm(key, nonce, concat(head, privateKey), concat(Buffer.of(1), rpIdHash));
    return concat(Buffer.of(1), nonce, sealed);
  }

  test("holds protection, payment and a blob", () => {
    for (const credProtect of [1, 2, 3] as const) {
      for (const thirdPartyPayment of [true, false]) {
        for (const credBlob of [undefined, new Uint8Array(0), new Uint8Array(128).fill(7)]) {
          const traits = { credProtect, thirdPartyPayment, credBlob };
          const id = sealCredentialId(key, nonce, rpIdHash, CoseAlgorithm.ES256, privateKey, traits);
          expect(id.length).toBe(credBlob === undefined ? 66 : 67 + credBlob.length);
          const opened = openCredentialId(key, rpIdHash, id);
          expect(opened?.traits).toEqual({ ...plainTraits, ...traits });
          expect(opened?.privateKey).toEqual(privateKey);
        }
      }
    }
  });

  test("of the first version, without flags, is one of a plain credential", () => {
    expect(openCredentialId(key, rpIdHash, sealWithFlags(-7, 0))?.traits).toEqual(plainTraits);
  });

  test("with flags or an algorithm that are not known is not opened", () => {
    for (const flags of [0x03, 0x10, 0x80]) {
      expect(openCredentialId(key, rpIdHash, sealWithFlags(-7, flags))).toBeUndefined();
    }
    expect(openCredentialId(key, rpIdHash, sealWithFlags(-65535, 0))).toBeUndefined();
  });

  test("is never longer than getInfo says", () => {
    const traits = { ...plainTraits, credBlob: new Uint8Array(MAX_CRED_BLOB_LENGTH) };
    const longest = sealCredentialId(key, nonce, rpIdHash, CoseAlgorithm.ES512, Buffer.alloc(66), traits);
    expect(longest.length).toBe(MAX_CREDENTIAL_ID_LENGTH);
    expect(MAX_CREDENTIAL_ID_LENGTH).toBeLessThanOrEqual(255);
  });
});
