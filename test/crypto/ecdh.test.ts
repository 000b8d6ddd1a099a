import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import type { EcCurve } from "../../src/crypto/curves.ts";
import { deriveEcPublicKey, generateEcKeyPair } from "../../src/crypto/ec-key.ts";
import { computeEcdh } from "../../src/crypto/ecdh.ts";
import { readVectors } from "../support/vectors.ts";
import { curveOf, curves, noble } from "./curves.ts";

type Vector = Record<"privateKey" | "publicKey" | "peerPrivateKey" | "peerPublicKey" | "sharedSecret", string> & {
  readonly curve: EcCurve["name"];
};
const vectors = ["ecdh", "ecdh-brainpool"].flatMap((name) => readVectors<{ vectors: Vector[] }>(name).vectors);

const nobleEcdh = (curve: EcCurve, privateKey: Uint8Array, publicKey: Uint8Array) =>
  noble[curve.name].getSharedSecret(privateKey, publicKey, false).subarray(1, 1 + curve.bytes);

describe.each(vectors)("RFC 5903 and RFC 7027, $curve", (vector) => {
  const curve = curveOf(vector.curve);
  const { privateKey, publicKey, peerPrivateKey, peerPublicKey, sharedSecret } = vector;

  test("both sides agree, in both engines", () => {
    expect(toHex(computeEcdh(curve, fromHex(privateKey), fromHex(peerPublicKey)))).toBe(sharedSecret);
    expect(toHex(computeEcdh(curve, fromHex(peerPrivateKey), fromHex(publicKey)))).toBe(sharedSecret);
    expect(toHex(nobleEcdh(curve, fromHex(privateKey), fromHex(peerPublicKey)))).toBe(sharedSecret);
  });

  test("the public keys belong to the private ones", () => {
    expect(toHex(deriveEcPublicKey(curve, fromHex(privateKey)))).toBe(publicKey);
    expect(toHex(deriveEcPublicKey(curve, fromHex(peerPrivateKey)))).toBe(peerPublicKey);
  });
});

describe.each(curves)("$name", (curve) => {
  const [ours, theirs] = [generateEcKeyPair(curve), generateEcKeyPair(curve)];

  test("Generated pairs agree, in both engines", () => {
    const secret = computeEcdh(curve, ours.privateKey, theirs.publicKey);
    expect(secret).toHaveLength(curve.bytes);
    expect(toHex(computeEcdh(curve, theirs.privateKey, ours.publicKey))).toBe(toHex(secret));
    expect(toHex(nobleEcdh(curve, ours.privateKey, theirs.publicKey))).toBe(toHex(secret));
  });

  test("A point that is not on the curve, or is none, is refused", () => {
    const off = Uint8Array.from(theirs.publicKey);
    off[off.length - 1] = (off.at(-1) ?? 0) ^ 1;
    expect(() => computeEcdh(curve, ours.privateKey, off)).toThrow(RangeError);
    expect(() => computeEcdh(curve, ours.privateKey, new Uint8Array(1 + 2 * curve.bytes))).toThrow(RangeError);
    expect(() => computeEcdh(curve, ours.privateKey, Uint8Array.of(4))).toThrow(RangeError);
  });
});
