import { x448 } from "@noble/curves/ed448.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { X448, X25519, type XCurve } from "../../src/crypto/curves.ts";
import { computeXdh, deriveXdhPublicKey, generateXdhKeyPair, importXdhPrivateKey } from "../../src/crypto/xdh.ts";
import { readVectors } from "../support/vectors.ts";

interface Vectors {
  readonly agreement: {
    vectors: (Record<"privateKey" | "peerPublicKey" | "sharedSecret", string> & { curve: XCurve["name"] })[];
  };
  readonly lowOrder: { vectors: { curve: XCurve["name"]; publicKey: string }[] };
}
const { agreement, lowOrder } = readVectors<Vectors>("xdh");
const curves = { X25519, X448 } as const;
const noble = { X25519: x25519, X448: x448 } as const;

test.each(agreement.vectors)("RFC 7748 §5.2, $curve with $peerPublicKey, in both engines", (vector) => {
  const curve = curves[vector.curve];
  const [privateKey, peerPublicKey] = [fromHex(vector.privateKey), fromHex(vector.peerPublicKey)];
  const key = importXdhPrivateKey(curve, privateKey);
  expect(toHex(computeXdh(curve, key, peerPublicKey))).toBe(vector.sharedSecret);
  expect(toHex(noble[vector.curve].getSharedSecret(privateKey, peerPublicKey))).toBe(vector.sharedSecret);
});

test.each(lowOrder.vectors)(
  "A public key of low order is refused: $curve, $publicKey",
  ({ curve: name, publicKey }) => {
    const key = importXdhPrivateKey(curves[name], generateXdhKeyPair(curves[name]).privateKey);
    expect(() => computeXdh(curves[name], key, fromHex(publicKey))).toThrow(RangeError);
  },
);

describe.each(Object.values(curves))("$name", (curve) => {
  const [ours, theirs] = [generateXdhKeyPair(curve), generateXdhKeyPair(curve)];

  test("A generated pair belongs together, as noble derives it", () => {
    expect(ours.privateKey).toHaveLength(curve.bytes);
    expect(toHex(deriveXdhPublicKey(curve, ours.privateKey))).toBe(toHex(ours.publicKey));
    expect(toHex(noble[curve.name].getPublicKey(ours.privateKey))).toBe(toHex(ours.publicKey));
  });

  test("Both sides agree, with and without their public keys at hand", () => {
    const secret = computeXdh(curve, importXdhPrivateKey(curve, ours.privateKey), theirs.publicKey);
    const other = computeXdh(curve, importXdhPrivateKey(curve, theirs.privateKey, theirs.publicKey), ours.publicKey);
    expect(secret).toHaveLength(curve.bytes);
    expect(toHex(other)).toBe(toHex(secret));
  });

  test("Keys of another length are refused", () => {
    const short = new Uint8Array(curve.bytes - 1).fill(9);
    expect(() => importXdhPrivateKey(curve, short)).toThrow(RangeError);
    expect(() => deriveXdhPublicKey(curve, short)).toThrow(RangeError);
    expect(() => computeXdh(curve, importXdhPrivateKey(curve, ours.privateKey), short)).toThrow(RangeError);
  });
});
