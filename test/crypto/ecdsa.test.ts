import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { type EcCurve, P256 } from "../../src/crypto/curves.ts";
import {
  deriveEcPublicKey,
  generateEcKeyPair,
  importEcPrivateKey,
  importEcPublicKey,
  splitEcPoint,
} from "../../src/crypto/ec-key.ts";
import { isEcdsaSignature, signEcdsa } from "../../src/crypto/ecdsa.ts";
import {
  encodeEcdsaSignature,
  isEcdsaDigestSignature,
  loadEcdsaDigest,
  signEcdsaDigest,
} from "../../src/crypto/ecdsa-digest.ts";
import type { HashName } from "../../src/crypto/hash.ts";
import { readVectors } from "../support/vectors.ts";
import { curveOf, curves, noble } from "./curves.ts";

const hashes: Record<EcCurve["name"], HashName> = {
  "P-256": "sha256",
  "P-384": "sha384",
  "P-521": "sha512",
  secp256k1: "sha256",
  brainpoolP256r1: "sha256",
  brainpoolP384r1: "sha384",
  brainpoolP512r1: "sha512",
};

interface Vector {
  readonly curve: EcCurve["name"];
  readonly hash: HashName;
  readonly privateKey: string;
  readonly x: string;
  readonly y: string;
  readonly message: string;
  readonly r: string;
  readonly s: string;
}
const { vectors } = readVectors<{ vectors: Vector[] }>("ecdsa");

beforeAll(loadEcdsaDigest);

const message = new TextEncoder().encode("a message");
const digestOf = (hash: HashName, text: Uint8Array) => createHash(hash).update(text).digest();
describe.each(vectors)("RFC 6979, $curve, $message", ({ curve: name, hash, privateKey, x, y, message: text, r, s }) => {
  const curve = curveOf(name);
  const scalar = fromHex(privateKey);
  const point = fromHex(`04${x}${y}`);
  const digest = digestOf(hash, Buffer.from(text));

  test("both engines derive the public key", () => {
    expect(toHex(deriveEcPublicKey(curve, scalar))).toBe(toHex(point));
    expect(toHex(noble[curve.name].getPublicKey(scalar, false))).toBe(toHex(point));
  });

  test("noble makes the signature over the digest", () => {
    expect(toHex(signEcdsaDigest(curve, scalar, digest))).toBe(r + s);
  });

  test("both engines accept it", () => {
    expect(isEcdsaDigestSignature(curve, point, digest, fromHex(r + s))).toBe(true);
    expect(isEcdsaSignature(curve, point, hash, Buffer.from(text), encodeEcdsaSignature(curve, fromHex(r + s)))).toBe(
      true,
    );
  });

  test("neither accepts it for another message", () => {
    expect(isEcdsaDigestSignature(curve, point, digestOf(hash, message), fromHex(r + s))).toBe(false);
    expect(isEcdsaSignature(curve, point, hash, message, encodeEcdsaSignature(curve, fromHex(r + s)))).toBe(false);
  });
});

describe.each(curves)("$name", (curve) => {
  const hash = hashes[curve.name];

  test("A generated key signs, with and without its public key at hand, and noble agrees", () => {
    const { privateKey, publicKey } = generateEcKeyPair(curve);
    expect(privateKey).toHaveLength(curve.bytes);
    expect(publicKey).toHaveLength(1 + 2 * curve.bytes);
    for (const key of [importEcPrivateKey(curve, privateKey, publicKey), importEcPrivateKey(curve, privateKey)]) {
      const signature = signEcdsa(key, hash, message);
      expect(isEcdsaSignature(curve, publicKey, hash, message, signature)).toBe(true);
      const options = { prehash: false, format: "der", lowS: false } as const;
      expect(noble[curve.name].verify(signature, digestOf(hash, message), publicKey, options)).toBe(true);
    }
  });

  test("A signature of noble's is accepted by OpenSSL", () => {
    const { privateKey, publicKey } = generateEcKeyPair(curve);
    const signature = signEcdsaDigest(curve, privateKey, digestOf(hash, message));
    expect(signature).toHaveLength(2 * curve.bytes);
    expect(isEcdsaSignature(curve, publicKey, hash, message, encodeEcdsaSignature(curve, signature))).toBe(true);
  });

  test("Scalars outside 1 … n − 1 are refused", () => {
    expect(() => deriveEcPublicKey(curve, new Uint8Array(curve.bytes))).toThrow(RangeError);
    expect(() => deriveEcPublicKey(curve, new Uint8Array(curve.bytes).fill(0xff))).toThrow(RangeError);
    expect(() => importEcPrivateKey(curve, new Uint8Array(curve.bytes))).toThrow(RangeError);
  });

  test("Points that are not on the curve, compressed or cut are refused", () => {
    const { publicKey } = generateEcKeyPair(curve);
    const off = Uint8Array.from(publicKey);
    off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
    expect(() => importEcPublicKey(curve, off)).toThrow(RangeError);
    expect(() => importEcPublicKey(curve, publicKey.subarray(1))).toThrow(RangeError);
    const compressed = concat(Uint8Array.of(0x02), publicKey.subarray(1, 1 + curve.bytes));
    expect(() => importEcPublicKey(curve, compressed)).toThrow(RangeError);
    expect(() => splitEcPoint(curve, new Uint8Array(0))).toThrow(RangeError);
  });

  test("A scalar with leading zeros keeps its length", () => {
    const one = new Uint8Array(curve.bytes);
    one[curve.bytes - 1] = 1;
    const generator = deriveEcPublicKey(curve, one);
    expect(toHex(generator)).toBe(toHex(noble[curve.name].getPublicKey(one, false)));
    const signature = signEcdsa(importEcPrivateKey(curve, one, generator), hash, message);
    expect(isEcdsaSignature(curve, generator, hash, message, signature)).toBe(true);
  });
});

test("Five hundred generated scalars all have the curve's length, whatever they begin with", () => {
  for (let i = 0; i < 500; i++) expect(generateEcKeyPair(P256).privateKey).toHaveLength(32);
});
