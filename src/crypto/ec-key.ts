// Key pairs of the Weierstrass curves, and turning raw keys into what OpenSSL signs and agrees with. SEC 1 §2.3, §3.2
import { createECDH, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { EcCurve, KeyPair } from "./curves.ts";

export function generateEcKeyPair(curve: EcCurve): KeyPair {
  const ecdh = createECDH(curve.openssl);
  const publicKey = ecdh.generateKeys();
  return { privateKey: padScalar(curve, ecdh.getPrivateKey()), publicKey };
}

/** The uncompressed point of a scalar. Throws RangeError unless the scalar is in 1 … n − 1. */
export function deriveEcPublicKey(curve: EcCurve, privateKey: Uint8Array): Uint8Array {
  const ecdh = createECDH(curve.openssl);
  try {
    ecdh.setPrivateKey(privateKey);
  } catch (cause) {
    throw new RangeError(`not a private key of ${curve.name}`, { cause });
  }
  return ecdh.getPublicKey();
}

/** What OpenSSL signs with. The public key is derived when it is not at hand; a given one is trusted to belong. */
export function importEcPrivateKey(curve: EcCurve, privateKey: Uint8Array, publicKey?: Uint8Array): KeyObject {
  const d = Buffer.from(privateKey).toString("base64url");
  const key = { ...publicJwk(curve, publicKey ?? deriveEcPublicKey(curve, privateKey)), d };
  return createPrivateKey({ format: "jwk", key });
}

/** What OpenSSL verifies with. Throws RangeError for anything but an uncompressed point on the curve. */
export function importEcPublicKey(curve: EcCurve, publicKey: Uint8Array): KeyObject {
  try {
    return createPublicKey({ format: "jwk", key: publicJwk(curve, publicKey) });
  } catch (cause) {
    throw new RangeError(`not a public key of ${curve.name}`, { cause });
  }
}

/** The two coordinates of an uncompressed point. */
export function splitEcPoint(
  curve: EcCurve,
  publicKey: Uint8Array,
): { readonly x: Uint8Array; readonly y: Uint8Array } {
  if (publicKey.length !== 1 + 2 * curve.bytes || publicKey[0] !== 0x04) {
    throw new RangeError(`not an uncompressed point of ${curve.name}`);
  }
  return { x: publicKey.subarray(1, 1 + curve.bytes), y: publicKey.subarray(1 + curve.bytes) };
}

function publicJwk(curve: EcCurve, publicKey: Uint8Array) {
  const { x, y } = splitEcPoint(curve, publicKey);
  return {
    kty: "EC",
    crv: curve.name,
    x: Buffer.from(x).toString("base64url"),
    y: Buffer.from(y).toString("base64url"),
  };
}

/** OpenSSL leaves out a scalar's leading zeros. */
function padScalar(curve: EcCurve, scalar: Uint8Array): Uint8Array {
  if (scalar.length === curve.bytes) return scalar;
  const padded = new Uint8Array(curve.bytes);
  padded.set(scalar, curve.bytes - scalar.length);
  return padded;
}
