import { describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../../applets/fido2/authenticator.ts";
import type { CborValue } from "../../../src/cbor.ts";
import {
  bytesOf,
  Command,
  cborMap,
  credentialParameter,
  descriptor,
  getAssertionParameters,
  send,
  verifyAssertion,
} from "../../support/fido-client.ts";
import { bytes, extensions, Fido2Rig } from "../rig.ts";

const rk = { 7: cborMap({ rk: true }) };

describe("credBlob", () => {
  test("comes back with an assertion, and an empty one where there is none", async () => {
    const rig = new Fido2Rig();
    const blob = Buffer.alloc(128, 5);
    const { publicKey, authData } = await rig.register({ ...rk, 6: extensions({ credBlob: blob }) });
    expect(authData.extensions).toEqual(extensions({ credBlob: true }));
    const read = { 4: extensions({ credBlob: true }) };
    expect((await rig.signIn(publicKey, read)).authData.extensions).toEqual(extensions({ credBlob: bytes(blob) }));
    const without = await rig.register();
    const assertion = await rig.signIn(without.publicKey, { ...read, 3: [descriptor(without.credentialId)] });
    expect(assertion.authData.extensions).toEqual(extensions({ credBlob: new Uint8Array(0) }));
    expect((await rig.signIn(publicKey, { 4: extensions({ credBlob: false }) })).authData.flags).toBe(0x01);
  });

  test("of a credential that is not discoverable is in its id, for a new authenticator and for U2F's one-byte length", async () => {
    const rig = new Fido2Rig();
    const blob = Buffer.alloc(128, 5);
    const made = await rig.register({ 4: [credentialParameter(-36)], 6: extensions({ credBlob: blob }) });
    expect(made.authData.extensions).toEqual(extensions({ credBlob: true }));
    expect(made.credentialId.length).toBe(229);
    const later = new Fido2Authenticator(rig.platform);
    const members = { 3: [descriptor(made.credentialId)], 4: extensions({ credBlob: true }) };
    const assertion = verifyAssertion(
      await send(later, Command.GET_ASSERTION, getAssertionParameters(members)),
      made.publicKey,
    );
    expect(assertion.authData.extensions).toEqual(extensions({ credBlob: bytes(blob) }));
  });

  test("that is too long is answered with false", async () => {
    const rig = new Fido2Rig();
    const long = await rig.register({ ...rk, 6: extensions({ credBlob: Buffer.alloc(129) }) });
    expect(long.authData.extensions).toEqual(extensions({ credBlob: false }));
    const sealed = await rig.register({ 6: extensions({ credBlob: Buffer.alloc(129) }) });
    expect(sealed.authData.extensions).toEqual(extensions({ credBlob: false }));
  });

  test("of another type is refused", async () => {
    const rig = new Fido2Rig();
    expect((await rig.make({ 6: extensions({ credBlob: "blob" }) })).status).toBe(0x11);
    expect((await rig.get({ 4: extensions({ credBlob: 1 }) })).status).toBe(0x11);
  });
});

describe("largeBlobKey", () => {
  const asked = extensions({ largeBlobKey: true });

  test("is the same with the registration and with assertions, and another for each credential", async () => {
    const rig = new Fido2Rig();
    const made = await rig.make({ ...rk, 6: asked });
    const key = bytesOf(made.map.get(5));
    expect(key.length).toBe(32);
    expect((await rig.get({ 4: asked })).map.get(7)).toEqual(key);
    expect((await rig.get()).map.has(7)).toBe(false);
    const other = await rig.make({ ...rk, 3: cborMap({ id: Buffer.of(2) }), 6: asked });
    expect(other.map.get(5)).not.toEqual(key);
  });

  test("is not there for a credential that was made without", async () => {
    const rig = new Fido2Rig();
    const { map } = await rig.make(rk);
    expect(map.has(5)).toBe(false);
    const assertion = await rig.get({ 4: asked });
    expect([assertion.status, assertion.map.has(7)]).toEqual([0, false]);
  });

  test("is asked for by true alone, for discoverable credentials alone", async () => {
    const rig = new Fido2Rig();
    await rig.register(rk);
    expect((await rig.make({ 6: asked })).status).toBe(0x2c);
    expect((await rig.make({ ...rk, 6: extensions({ largeBlobKey: false }) })).status).toBe(0x2c);
    expect((await rig.make({ ...rk, 6: extensions({ largeBlobKey: "true" }) })).status).toBe(0x11);
    expect((await rig.get({ 4: extensions({ largeBlobKey: false }) })).status).toBe(0x2c);
    expect((await rig.get({ 4: extensions({ largeBlobKey: 1 }) })).status).toBe(0x11);
    expect(rig.authenticator.credentials.discoverableCount).toBe(1);
  });

  test("is unknown to a key with the largeBlob extension", async () => {
    const rig = new Fido2Rig({ largeBlob: "extension" });
    expect((await rig.make({ ...rk, 6: asked })).map.has(5)).toBe(false);
  });
});

describe("largeBlob, the extension", () => {
  const support = (wish: string) => ({ 6: extensions({ largeBlob: cborMap({ support: wish }) }) });
  const read = extensions({ largeBlob: cborMap({ read: true }) });
  const write = (blob: Uint8Array) => extensions({ largeBlob: cborMap({ write: blob, originalSize: 1000 }) });
  const written = (is: boolean) => extensions({ largeBlob: cborMap({ written: is }) });

  async function withCredential(options: Parameters<Fido2Rig["register"]>[0] = {}) {
    const rig = new Fido2Rig({ largeBlob: "extension", pqc: true });
    const reply = await rig.make({ ...rk, ...support("preferred"), ...options });
    expect(reply.map.get(6)).toEqual(extensions({ largeBlob: cborMap({ supported: true }) }));
    const { credentialId, publicKey } = rig.verify(reply);
    return { rig, publicKey, list: { 3: [descriptor(credentialId)] } };
  }

  test("keeps a blob: written by the id of its credential, read by anybody who may sign in", async () => {
    const { rig, list, publicKey } = await withCredential();
    const blob = Buffer.alloc(4096, 3);
    expect((await rig.get({ ...list, 4: read })).map.has(8)).toBe(false);
    expect((await rig.get({ ...list, 4: write(blob) })).map.get(8)).toEqual(written(true));
    const found = extensions({ largeBlob: cborMap({ blob: bytes(blob), originalSize: 1000 }) });
    expect((await rig.get({ 4: read })).map.get(8)).toEqual(found);
    rig.authenticator.powerCycle();
    expect((await rig.get({ ...list, 4: read })).map.get(8)).toEqual(found);
    await rig.signIn(publicKey, { 4: read });
    expect((await rig.get({ ...list, 4: extensions({ largeBlob: cborMap({ read: false }) }) })).map.has(8)).toBe(false);
  });

  test("goes with its credential", async () => {
    const { rig, list } = await withCredential();
    await rig.get({ ...list, 4: write(Buffer.of(1)) });
    expect(Object.keys(rig.platform.store.snapshot()).some((key) => key.startsWith("fido2/large-blob/"))).toBe(true);
    await rig.register({ ...rk, ...support("required") });
    expect((await rig.get({ 4: read })).map.has(8)).toBe(false);
    expect(Object.keys(rig.platform.store.snapshot()).some((key) => key.startsWith("fido2/large-blob/"))).toBe(false);
  });

  test("is not written without a list, without a touch, too long, or where it was not asked for", async () => {
    const { rig, list } = await withCredential();
    const blob = Buffer.alloc(10);
    const refused = [
      { 4: write(blob) },
      { ...list, 4: write(blob), 5: cborMap({ up: false }) },
      { ...list, 4: write(Buffer.alloc(4097)) },
    ];
    for (const request of refused) expect((await rig.get(request)).map.get(8)).toEqual(written(false));
    const plain = await rig.register({ ...rk, 3: cborMap({ id: Buffer.of(9) }) });
    const request = { 3: [descriptor(plain.credentialId)], 4: write(blob) };
    expect((await rig.get(request)).map.get(8)).toEqual(written(false));
  });

  test("and a signature of ML-DSA fit one message together", async () => {
    const { rig, list } = await withCredential({ 4: [cborMap({ alg: -50, type: "public-key" })] });
    expect((await rig.get({ ...list, 4: write(Buffer.alloc(2049)) })).map.get(8)).toEqual(written(false));
    expect((await rig.get({ ...list, 4: write(Buffer.alloc(2048)) })).map.get(8)).toEqual(written(true));
    expect((await rig.get({ ...list, 4: read })).map.has(8)).toBe(true);
  });

  test("needs verification to be written once a PIN is set", async () => {
    const rig = await Fido2Rig.createProtected({ largeBlob: "extension" });
    const { credentialId } = await rig.register({ ...rk, ...support("required"), ...(await rig.proveMake()) });
    const request = { 3: [descriptor(credentialId)], 4: write(Buffer.of(1)) };
    expect((await rig.get(request)).map.get(8)).toEqual(written(false));
    expect((await rig.get({ ...request, ...(await rig.proveGet()) })).map.get(8)).toEqual(written(true));
  });

  test("is for discoverable credentials: where it is required for another, that is refused", async () => {
    const rig = new Fido2Rig({ largeBlob: "extension" });
    expect((await rig.make(support("required"))).status).toBe(0x2b);
    const { map } = await rig.make(support("preferred"));
    expect(map.get(6)).toEqual(extensions({ largeBlob: cborMap({ supported: false }) }));
  });

  test.each<readonly [string, CborValue]>([
    ["nothing", cborMap({})],
    ["something else", cborMap({ wrong: "123" })],
    ["read and write", cborMap({ read: true, write: Buffer.of(1), originalSize: 1 })],
    ["read of text", cborMap({ read: "true" })],
    ["write of text", cborMap({ write: "123", originalSize: "123" })],
    ["write without its size", cborMap({ write: Buffer.of(1) })],
    ["a size below zero", cborMap({ write: Buffer.of(1), originalSize: -1 })],
    ["support of text that is neither", cborMap({ support: "maybe" })],
    ["support that is no text", cborMap({ support: true })],
  ])("refuses %s as INVALID_CBOR", async (_what, input) => {
    const { rig } = await withCredential();
    expect((await rig.get({ 4: extensions({ largeBlob: input }) })).status).toBe(0x12);
    expect((await rig.make({ ...rk, 6: extensions({ largeBlob: input }) })).status).toBe(0x12);
  });

  test("is unknown to a key with authenticatorLargeBlobs", async () => {
    const rig = new Fido2Rig();
    expect((await rig.make({ ...rk, ...support("preferred") })).map.has(6)).toBe(false);
  });

  test("that cannot be stored fails the assertion: KEY_STORE_FULL", async () => {
    const { rig, list } = await withCredential();
    rig.platform.store.failNextCommit("no-space");
    expect((await rig.get({ ...list, 4: write(Buffer.of(1)) })).status).toBe(0x28);
    expect((await rig.get({ ...list, 4: read })).map.has(8)).toBe(false);
  });
});
