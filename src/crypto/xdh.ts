// Diffie-Hellman on the Montgomery curves, X25519 and X448, by OpenSSL. RFC 7748 §5, §6; the key encodings RFC 8410 §7
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { KeyPair, XCurve } from "./curves.ts";

/** OneAsymmetricKey up to the scalar: version 0, the curve's OID, and the heads of two nested octet strings. */
const PKCS8_PREFIX = {
  x25519: Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20),
  x448: Uint8Array.of(0x30, 0x46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6f, 4, 0x3a, 4, 0x38),
} as const;

export function generateXdhKeyPair(curve: XCurve): KeyPair {
  // The encodings are made by the generating job itself: see the warning about exporting in curves.ts.
  const publicKeyEncoding = { type: "spki", format: "der" } as const;
  const privateKeyEncoding = { type: "pkcs8", format: "der" } as const;
  // One call per curve, because @types/node has one overload per key type.
  const pair =
    curve.keyType === "x25519"
      ? generateKeyPairSync("x25519", { publicKeyEncoding, privateKeyEncoding })
      : generateKeyPairSync("x448", { publicKeyEncoding, privateKeyEncoding });
  // Both encodings end with the raw key. RFC 8410 §4, §7
  return { privateKey: pair.privateKey.subarray(-curve.bytes), publicKey: pair.publicKey.subarray(-curve.bytes) };
}

/** The u coordinate that belongs to a scalar, which is clamped first. Throws RangeError for one of another length. */
export function deriveXdhPublicKey(curve: XCurve, privateKey: Uint8Array): Uint8Array {
  const publicKey = createPublicKey(importXdhPrivateKey(curve, privateKey)).export({ format: "jwk" });
  return Buffer.from(publicKey.x ?? "", "base64url");
}

/** What OpenSSL agrees with. A given public key is trusted to belong, and saves the reading of DER. */
export function importXdhPrivateKey(curve: XCurve, privateKey: Uint8Array, publicKey?: Uint8Array): KeyObject {
  if (privateKey.length !== curve.bytes) throw new RangeError(`not a private key of ${curve.name}`);
  if (publicKey === undefined) {
    const key = Buffer.concat([PKCS8_PREFIX[curve.keyType], privateKey]);
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  }
  const d = Buffer.from(privateKey).toString("base64url");
  return createPrivateKey({ format: "jwk", key: { ...publicJwk(curve, publicKey), d } });
}

/**
 * The shared secret, `curve.bytes` long. `key` as importXdhPrivateKey makes it. Throws RangeError for a peer's public key
 * of another length or of low order, with which every private key gives zero: OpenSSL checks it, as RFC 7748 §6 allows.
 */
export function computeXdh(curve: XCurve, key: KeyObject, peerPublicKey: Uint8Array): Uint8Array {
  const publicKey = createPublicKey({ format: "jwk", key: publicJwk(curve, peerPublicKey) });
  try {
    return diffieHellman({ privateKey: key, publicKey });
  } catch (cause) {
    throw new RangeError(`a public key of low order of ${curve.name}`, { cause });
  }
}

function publicJwk(curve: XCurve, publicKey: Uint8Array) {
  if (publicKey.length !== curve.bytes) throw new RangeError(`not a public key of ${curve.name}`);
  return { kty: "OKP", crv: curve.name, x: Buffer.from(publicKey).toString("base64url") };
}
