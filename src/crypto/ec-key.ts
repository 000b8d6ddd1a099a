// Key pairs of the Weierstrass curves, and turning raw keys into what OpenSSL signs and agrees with. SEC 1 §2.3, §3.2
import { createECDH, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { EcCurve, JoseEcCurve, KeyPair } from "./curves.ts";
import { derBitString, derExplicit, derInteger, derObjectIdentifier, derOctetString, derSequence } from "./der.ts";

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
  const point = publicKey ?? deriveEcPublicKey(curve, privateKey);
  if (!hasJwk(curve)) {
    return createPrivateKey({ format: "der", type: "sec1", key: Buffer.from(encodeSec1(curve, privateKey, point)) });
  }
  const d = Buffer.from(privateKey).toString("base64url");
  return createPrivateKey({ format: "jwk", key: { ...publicJwk(curve, point), d } });
}

/** What OpenSSL verifies with. Throws RangeError for anything but an uncompressed point on the curve. */
export function importEcPublicKey(curve: EcCurve, publicKey: Uint8Array): KeyObject {
  splitEcPoint(curve, publicKey);
  try {
    return hasJwk(curve)
      ? createPublicKey({ format: "jwk", key: publicJwk(curve, publicKey) })
      : createPublicKey({ format: "der", type: "spki", key: Buffer.from(encodeEcPublicKeyInfo(curve, publicKey)) });
  } catch (cause) {
    throw new RangeError(`not a public key of ${curve.name}`, { cause });
  }
}

/** The SubjectPublicKeyInfo of an uncompressed point. RFC 5480 §2 */
export function encodeEcPublicKeyInfo(curve: EcCurve, publicKey: Uint8Array): Uint8Array {
  const algorithm = derSequence(derObjectIdentifier("1.2.840.10045.2.1"), derObjectIdentifier(curve.oid));
  return derSequence(algorithm, derBitString(publicKey));
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

/** JOSE has no names for the brainpool curves, and so OpenSSL must be given their keys in DER. */
function hasJwk(curve: EcCurve): curve is JoseEcCurve {
  return !curve.name.startsWith("brainpool");
}

/** ECPrivateKey. RFC 5915 §3 */
function encodeSec1(curve: EcCurve, privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return derSequence(
    derInteger(Uint8Array.of(1)),
    derOctetString(privateKey),
    derExplicit(0, derObjectIdentifier(curve.oid)),
    derExplicit(1, derBitString(publicKey)),
  );
}

function publicJwk(curve: JoseEcCurve, publicKey: Uint8Array) {
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
