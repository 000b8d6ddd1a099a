import { p256 } from "@noble/curves/nist.js";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { P256 } from "../../src/crypto/curves.ts";
import { deriveEcPublicKey } from "../../src/crypto/ec-key.ts";
import { computeEcdh } from "../../src/crypto/ecdh.ts";
import { readVectors } from "../support/vectors.ts";

type Vector = Record<"privateKey" | "publicKey" | "peerPrivateKey" | "peerPublicKey" | "sharedSecret", string>;
const { vectors } = readVectors<{ vectors: Vector[] }>("ecdh");

describe.each(vectors)("RFC 5903, P-256", ({ privateKey, publicKey, peerPrivateKey, peerPublicKey, sharedSecret }) => {
  test("both sides agree, in both engines", () => {
    expect(toHex(computeEcdh(P256, fromHex(privateKey), fromHex(peerPublicKey)))).toBe(sharedSecret);
    expect(toHex(computeEcdh(P256, fromHex(peerPrivateKey), fromHex(publicKey)))).toBe(sharedSecret);
    const point = p256.getSharedSecret(fromHex(privateKey), fromHex(peerPublicKey), false);
    expect(toHex(point.subarray(1, 33))).toBe(sharedSecret);
  });

  test("the public keys belong to the private ones", () => {
    expect(toHex(deriveEcPublicKey(P256, fromHex(privateKey)))).toBe(publicKey);
    expect(toHex(deriveEcPublicKey(P256, fromHex(peerPrivateKey)))).toBe(peerPublicKey);
  });

  test("a point that is not on the curve is refused", () => {
    const off = fromHex(peerPublicKey);
    off[64] = (off[64] ?? 0) ^ 1;
    expect(() => computeEcdh(P256, fromHex(privateKey), off)).toThrow(RangeError);
    expect(() => computeEcdh(P256, fromHex(privateKey), new Uint8Array(65))).toThrow(RangeError);
    expect(() => computeEcdh(P256, fromHex(privateKey), Uint8Array.of(4))).toThrow(RangeError);
  });
});
