import { ed448 } from "@noble/curves/ed448.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { ED448, ED25519, type EdCurve } from "../../src/crypto/curves.ts";
import {
  deriveEdPublicKey,
  generateEdKeyPair,
  importEdPrivateKey,
  isEddsaSignature,
  signEddsa,
} from "../../src/crypto/eddsa.ts";
import { readVectors } from "../support/vectors.ts";

interface Vector {
  readonly curve: EdCurve["name"];
  readonly privateKey: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}
const { vectors } = readVectors<{ vectors: Vector[] }>("eddsa");
const curves = { Ed25519: ED25519, Ed448: ED448 } as const;
const noble = { Ed25519: ed25519, Ed448: ed448 } as const;

describe.each(vectors)("RFC 8032, $curve, message $message", (vector) => {
  const curve = curves[vector.curve];
  const seed = fromHex(vector.privateKey);
  const publicKey = fromHex(vector.publicKey);
  const message = fromHex(vector.message);

  test("both engines make the signature, with and without the public key at hand", () => {
    expect(toHex(signEddsa(importEdPrivateKey(curve, seed, publicKey), message))).toBe(vector.signature);
    expect(toHex(signEddsa(importEdPrivateKey(curve, seed), message))).toBe(vector.signature);
    expect(toHex(noble[vector.curve].sign(message, seed))).toBe(vector.signature);
  });

  test("both engines derive the public key", () => {
    expect(toHex(deriveEdPublicKey(curve, seed))).toBe(vector.publicKey);
    expect(toHex(noble[vector.curve].getPublicKey(seed))).toBe(vector.publicKey);
  });

  test("both engines accept it, and neither accepts it for another message", () => {
    const signature = fromHex(vector.signature);
    expect(isEddsaSignature(curve, publicKey, message, signature)).toBe(true);
    expect(noble[vector.curve].verify(signature, message, publicKey)).toBe(true);
    expect(isEddsaSignature(curve, publicKey, Uint8Array.of(1, 2), signature)).toBe(false);
  });
});

describe.each(Object.values(curves))("$name", (curve) => {
  test("A generated pair belongs together, as noble derives it", () => {
    const { privateKey, publicKey } = generateEdKeyPair(curve);
    expect(privateKey).toHaveLength(curve.bytes);
    expect(toHex(noble[curve.name].getPublicKey(privateKey))).toBe(toHex(publicKey));
    const message = Uint8Array.of(1);
    const signature = signEddsa(importEdPrivateKey(curve, privateKey, publicKey), message);
    expect(isEddsaSignature(curve, publicKey, message, signature)).toBe(true);
  });

  test("Keys of another length are refused", () => {
    expect(() => importEdPrivateKey(curve, new Uint8Array(curve.bytes - 1))).toThrow(RangeError);
    expect(() => isEddsaSignature(curve, new Uint8Array(5), new Uint8Array(1), new Uint8Array(64))).toThrow(RangeError);
  });
});
