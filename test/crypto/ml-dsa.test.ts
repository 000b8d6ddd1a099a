import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  deriveMlDsaPublicKey,
  expandMlDsaSeed,
  generateMlDsaKeyPair,
  isMlDsaSignature,
  signMlDsa,
} from "../../src/crypto/ml-dsa.ts";

const message = Buffer.from("message");

test.each([
  ["ML-DSA-44", 1312, 2420],
  ["ML-DSA-65", 1952, 3309],
  ["ML-DSA-87", 2592, 4627],
] as const)("%s signs from its seed, with the sizes of FIPS 204", (name, publicKeyLength, signatureLength) => {
  const { privateKey, publicKey } = generateMlDsaKeyPair(name);
  expect([privateKey.length, publicKey.length]).toEqual([32, publicKeyLength]);
  expect(deriveMlDsaPublicKey(name, privateKey)).toEqual(publicKey);
  const signature = signMlDsa(name, expandMlDsaSeed(name, privateKey), message);
  expect(signature.length).toBe(signatureLength);
  expect(isMlDsaSignature(name, publicKey, message, signature)).toBe(true);
  expect(isMlDsaSignature(name, publicKey, Buffer.from("another"), signature)).toBe(false);
  expect(isMlDsaSignature(name, publicKey, message, signature.subarray(1))).toBe(false);
  expect(isMlDsaSignature(name, publicKey.subarray(1), message, signature)).toBe(false);
});

test("Two signatures of one message differ: signing is hedged", () => {
  const key = expandMlDsaSeed("ML-DSA-44", Buffer.alloc(32, 1));
  expect(signMlDsa("ML-DSA-44", key, message)).not.toEqual(signMlDsa("ML-DSA-44", key, message));
});

test("A seed gives the same key at every time", () => {
  const digest = (name: "ML-DSA-44" | "ML-DSA-65") =>
    createHash("sha256")
      .update(deriveMlDsaPublicKey(name, Buffer.alloc(32)))
      .digest("hex");
  expect(digest("ML-DSA-44")).toBe(digest("ML-DSA-44"));
  expect(digest("ML-DSA-44")).not.toBe(digest("ML-DSA-65"));
});

test("A seed of another length is refused", () => {
  expect(() => expandMlDsaSeed("ML-DSA-65", Buffer.alloc(31))).toThrow(RangeError);
  expect(() => deriveMlDsaPublicKey("ML-DSA-65", Buffer.alloc(33))).toThrow(RangeError);
});
