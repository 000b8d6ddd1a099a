// Key pairs of the Weierstrass curves, and turning raw keys into what OpenSSL signs and agrees with. SEC 1 §2.3, §3.2
// P-256 goes through a JWK, the others through DER, whatever is faster: a JWK is read at once, but then OpenSSL multiplies
// its point by the order, which shows nothing more than being on the curve does, as all these have the cofactor 1. Median
// of a private key with its public key at hand, µs:
//
//           P-256   secp256k1   P-384   P-521   brainpool
//   JWK     70      242         452     980     has no names there
//   DER     115     107         111     110     112
import { createECDH, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { type EcCurve, type KeyPair, P256 } from "./curves.ts";
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
  if (curve !== P256) {
    return createPrivateKey({ format: "der", type: "sec1", key: Buffer.from(encodeSec1(curve, privateKey, point)) });
  }
  const d = Buffer.from(privateKey).toString("base64url");
  return createPrivateKey({ format: "jwk", key: { ...publicJwk(point), d } });
}

/** What OpenSSL verifies with. Throws RangeError for anything but an uncompressed point on the curve. */
export function importEcPublicKey(curve: EcCurve, publicKey: Uint8Array): KeyObject {
  splitEcPoint(curve, publicKey);
  try {
    return curve === P256
      ? createPublicKey({ format: "jwk", key: publicJwk(publicKey) })
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

/** ECPrivateKey. RFC 5915 §3 */
function encodeSec1(curve: EcCurve, privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return derSequence(
    derInteger(Uint8Array.of(1)),
    derOctetString(privateKey),
    derExplicit(0, derObjectIdentifier(curve.oid)),
    derExplicit(1, derBitString(publicKey)),
  );
}

function publicJwk(publicKey: Uint8Array) {
  const { x, y } = splitEcPoint(P256, publicKey);
  return {
    kty: "EC",
    crv: P256.name,
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
