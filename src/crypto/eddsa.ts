// EdDSA by OpenSSL: Ed25519 and Ed448 without context or prehash. RFC 8032 §5
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import type { EdCurve, KeyPair } from "./curves.ts";

/** OneAsymmetricKey up to the seed: version 0, the curve's OID, and the heads of two nested octet strings. RFC 8410 §7 */
const PKCS8_PREFIX = {
  ed25519: Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20),
  ed448: Uint8Array.of(0x30, 0x47, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x71, 4, 0x3b, 4, 0x39),
} as const;

export function generateEdKeyPair(curve: EdCurve): KeyPair {
  // The encodings are made by the generating job itself: see the warning about exporting in curves.ts.
  const publicKeyEncoding = { type: "spki", format: "der" } as const;
  const privateKeyEncoding = { type: "pkcs8", format: "der" } as const;
  // One call per curve, because @types/node has one overload per key type.
  const pair =
    curve.keyType === "ed25519"
      ? generateKeyPairSync("ed25519", { publicKeyEncoding, privateKeyEncoding })
      : generateKeyPairSync("ed448", { publicKeyEncoding, privateKeyEncoding });
  // Both encodings end with the raw key. RFC 8410 §4, §7
  return { privateKey: pair.privateKey.subarray(-curve.bytes), publicKey: pair.publicKey.subarray(-curve.bytes) };
}

/** RFC 8032's encoding of the public key of a seed. Throws RangeError for a seed of another length. */
export function deriveEdPublicKey(curve: EdCurve, privateKey: Uint8Array): Uint8Array {
  const publicKey = createPublicKey(importEdPrivateKey(curve, privateKey)).export({ format: "jwk" });
  return Buffer.from(publicKey.x ?? "", "base64url");
}

/** What OpenSSL signs with. A given public key is trusted to belong, and saves 0.3 ms. */
export function importEdPrivateKey(curve: EdCurve, privateKey: Uint8Array, publicKey?: Uint8Array): KeyObject {
  if (privateKey.length !== curve.bytes) throw new RangeError(`not a private key of ${curve.name}`);
  if (publicKey === undefined) {
    const key = Buffer.concat([PKCS8_PREFIX[curve.keyType], privateKey]);
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  }
  const x = Buffer.from(publicKey).toString("base64url");
  const d = Buffer.from(privateKey).toString("base64url");
  return createPrivateKey({ format: "jwk", key: { kty: "OKP", crv: curve.name, x, d } });
}

/** `key` as importEdPrivateKey makes it. 64 bytes (Ed25519) or 114 (Ed448); the same for the same message. */
export function signEddsa(key: KeyObject, message: Uint8Array): Uint8Array {
  return sign(null, message, key);
}

/** Throws RangeError when the public key has the wrong length. */
export function isEddsaSignature(
  curve: EdCurve,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== curve.bytes) throw new RangeError(`not a public key of ${curve.name}`);
  const x = Buffer.from(publicKey).toString("base64url");
  const key = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: curve.name, x } });
  return verify(null, message, key, signature);
}
