import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Parameters } from "../../applets/fido2/parameters.ts";
import { PinUvAuthProtocol } from "../../applets/fido2/pin-uv-auth-protocol.ts";
import { CtapStatus } from "../../applets/fido2/status.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import type { CborValue } from "../../src/cbor.ts";
import { bytesOf } from "../support/fido-client.ts";
import { Agreement } from "../support/pin-client.ts";
import { createTestPlatform } from "../support/platform.ts";

interface Vectors {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly peer: { readonly x: string; readonly y: string };
  readonly plaintext: string;
  readonly message: string;
  readonly token: string;
  readonly iv: string;
  readonly protocols: readonly {
    readonly version: 1 | 2;
    readonly ciphertext: string;
    readonly signature: string;
    readonly tokenSignature: string;
  }[];
}

const file = join(import.meta.dirname, "../vectors/pin-uv-auth-protocol.json");
const vectors = JSON.parse(readFileSync(file, "utf8")) as Vectors;
const message = fromHex(vectors.message);

function peerKey(changes: readonly (readonly [number, CborValue])[] = []): Parameters {
  const key = new Map<CborValue, CborValue>([
    [1, 2],
    [3, -25],
    [-1, 1],
    [-2, fromHex(vectors.peer.x)],
    [-3, fromHex(vectors.peer.y)],
  ]);
  for (const [label, value] of changes) {
    if (value === undefined) key.delete(label);
    else key.set(label, value);
  }
  return new Parameters(key);
}

describe.each(vectors.protocols)("Protocol $version", ({ version, ciphertext, signature, tokenSignature }) => {
  const platform = { ...createTestPlatform(), randomBytes: () => fromHex(vectors.iv) };
  const keyPair = { privateKey: fromHex(vectors.privateKey), publicKey: fromHex(vectors.publicKey) };
  const protocol = new PinUvAuthProtocol(version, platform, keyPair);

  test("tells its public key as a COSE_Key", () => {
    const key = protocol.encodePublicKey();
    expect([...key.keys()]).toEqual([1, 3, -1, -2, -3]);
    expect([key.get(1), key.get(3), key.get(-1)]).toEqual([2, -25, 1]);
    expect(`04${toHex(bytesOf(key.get(-2)))}${toHex(bytesOf(key.get(-3)))}`).toBe(vectors.publicKey);
  });

  test("encrypts and decrypts what others do", () => {
    const secret = protocol.decapsulate(peerKey());
    expect(toHex(secret.encrypt(fromHex(vectors.plaintext)))).toBe(ciphertext);
    expect(toHex(secret.decrypt(fromHex(ciphertext)) ?? new Uint8Array(0))).toBe(vectors.plaintext);
  });

  test("verifies what others sign, and nothing else", () => {
    const secret = protocol.decapsulate(peerKey());
    const signed = fromHex(signature);
    expect(secret.isAuthentic(message, signed)).toBe(true);
    expect(secret.isAuthentic(message, signed.subarray(1))).toBe(false);
    expect(secret.isAuthentic(message, new Uint8Array(0))).toBe(false);
    expect(secret.isAuthentic(message.subarray(1), signed)).toBe(false);
    const token = fromHex(vectors.token);
    expect(protocol.isAuthentic(token, message, fromHex(tokenSignature))).toBe(true);
    expect(protocol.isAuthentic(token, message, signed)).toBe(false);
  });

  test("has nothing to say to a ciphertext of an impossible length", () => {
    const secret = protocol.decapsulate(peerKey());
    expect(secret.decrypt(new Uint8Array(17))).toBeUndefined();
    if (version === 2) expect(secret.decrypt(new Uint8Array(0))).toBeUndefined();
  });

  test.each<[string, (readonly [number, CborValue])[], CtapStatus]>([
    ["a point off the curve", [[-3, fromHex(vectors.peer.x)]], CtapStatus.CTAP1_ERR_INVALID_PARAMETER],
    ["a short coordinate", [[-2, new Uint8Array(31)]], CtapStatus.CTAP1_ERR_INVALID_PARAMETER],
    ["another curve", [[-1, 2]], CtapStatus.CTAP1_ERR_INVALID_PARAMETER],
    ["another key type", [[1, 1]], CtapStatus.CTAP1_ERR_INVALID_PARAMETER],
    ["no coordinate", [[-2, undefined]], CtapStatus.CTAP2_ERR_MISSING_PARAMETER],
  ])("refuses %s", (_what, changes, status) => {
    expect(() => protocol.decapsulate(peerKey(changes))).toThrow(
      expect.objectContaining({ name: "CtapError", status }),
    );
  });

  test("makes a new key after regenerate", () => {
    const fresh = new PinUvAuthProtocol(version, createTestPlatform());
    const before = fresh.encodePublicKey();
    expect(fresh.encodePublicKey()).toEqual(before);
    fresh.regenerate();
    expect(fresh.encodePublicKey()).not.toEqual(before);
  });

  test("agrees with a platform of another making", () => {
    const own = new PinUvAuthProtocol(version, createTestPlatform());
    const agreed = new Agreement(version, own.encodePublicKey());
    const secret = own.decapsulate(new Parameters(agreed.keyAgreement));
    const plaintext = Uint8Array.from({ length: 64 }, (_, index) => index);
    expect(new Uint8Array(secret.decrypt(agreed.encrypt(plaintext)) ?? [])).toEqual(plaintext);
    expect(new Uint8Array(agreed.decrypt(secret.encrypt(plaintext)))).toEqual(plaintext);
    expect(secret.isAuthentic(message, agreed.authenticate(message))).toBe(true);
  });
});
