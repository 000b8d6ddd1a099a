import { beforeAll, describe, expect, test } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import type { EcCurve } from "../../src/crypto/curves.ts";
import { DerReader } from "../../src/crypto/der-reader.ts";
import { deriveEcPublicKey, generateEcKeyPair } from "../../src/crypto/ec-key.ts";
import { isEcdsaSignature } from "../../src/crypto/ecdsa.ts";
import {
  encodeEcdsaSignature,
  isEcdsaDigestSignature,
  loadEcdsaDigest,
  signEcdsaDigest,
} from "../../src/crypto/ecdsa-digest.ts";
import { type HashName, hash } from "../../src/crypto/hash.ts";
import { readVectors } from "../support/vectors.ts";
import { curveOf, curves } from "./curves.ts";

const hashes = ["sha1", "sha224", "sha256", "sha384", "sha512"] as const;

interface Case {
  readonly curve: EcCurve["name"];
  readonly hash: HashName;
  readonly message: string;
  readonly publicKey: string;
}
interface Vectors {
  readonly signed: { vectors: (Case & Record<"privateKey" | "signature", string>)[] };
  readonly brainpool: { vectors: (Case & { readonly signatureDer: string })[] };
}
const { signed, brainpool } = readVectors<Vectors>("ecdsa-digest");

beforeAll(loadEcdsaDigest);

test.each(signed.vectors)("A NIST signature of $curve over $hash is accepted by both engines", (vector) => {
  const curve = curveOf(vector.curve);
  const [message, publicKey, raw] = [fromHex(vector.message), fromHex(vector.publicKey), fromHex(vector.signature)];
  expect(toHex(deriveEcPublicKey(curve, fromHex(vector.privateKey)))).toBe(vector.publicKey);
  const digest = hash(vector.hash, message);
  expect(isEcdsaDigestSignature(curve, publicKey, digest, raw)).toBe(true);
  expect(isEcdsaSignature(curve, publicKey, vector.hash, message, encodeEcdsaSignature(curve, raw))).toBe(true);
  digest[0] = (digest[0] ?? 0) ^ 1;
  expect(isEcdsaDigestSignature(curve, publicKey, digest, raw)).toBe(false);
});

test.each(brainpool.vectors)("Wycheproof's signature of $curve over $message is accepted by both engines", (vector) => {
  const curve = curveOf(vector.curve);
  const [message, publicKey, der] = [fromHex(vector.message), fromHex(vector.publicKey), fromHex(vector.signatureDer)];
  expect(isEcdsaSignature(curve, publicKey, vector.hash, message, der)).toBe(true);
  const reader = new DerReader(der).sequence();
  const pad = (value: Uint8Array) => concat(new Uint8Array(curve.bytes - value.length), value);
  const raw = concat(pad(reader.unsignedInteger()), pad(reader.unsignedInteger()));
  expect(isEcdsaDigestSignature(curve, publicKey, hash(vector.hash, message), raw)).toBe(true);
  expect(toHex(encodeEcdsaSignature(curve, raw))).toBe(vector.signatureDer);
});

describe.each(curves)("$name", (curve) => {
  const { privateKey, publicKey } = generateEcKeyPair(curve);
  const message = new TextEncoder().encode("a message");

  test.each(hashes)("OpenSSL accepts a signature over a digest of %s, longer or shorter than the order", (name) => {
    const raw = signEcdsaDigest(curve, privateKey, hash(name, message));
    expect(raw).toHaveLength(2 * curve.bytes);
    expect(isEcdsaSignature(curve, publicKey, name, message, encodeEcdsaSignature(curve, raw))).toBe(true);
  });

  test("Of a long digest the first bits count, and a short one is a number", () => {
    const long = new Uint8Array(100).map((_, index) => index + 1);
    const sign = (digest: Uint8Array) => toHex(signEcdsaDigest(curve, privateKey, digest));
    expect(sign(long)).toBe(sign(long.subarray(0, curve.bytes)));
    expect(sign(long)).not.toBe(sign(long.subarray(0, curve.bytes - 1)));
    expect(sign(Uint8Array.of(5))).toBe(sign(Uint8Array.of(0, 0, 5)));
  });

  test("A signature of another length, of zeros or of another key is refused without throwing", () => {
    const digest = hash("sha256", message);
    const raw = signEcdsaDigest(curve, privateKey, digest);
    const isSignature = (signature: Uint8Array, key = publicKey) =>
      isEcdsaDigestSignature(curve, key, digest, signature);
    expect(isSignature(raw)).toBe(true);
    expect(isSignature(raw.subarray(1))).toBe(false);
    expect(isSignature(new Uint8Array(raw.length))).toBe(false);
    expect(isSignature(raw, generateEcKeyPair(curve).publicKey)).toBe(false);
    expect(isSignature(raw, publicKey.subarray(1))).toBe(false);
  });
});
