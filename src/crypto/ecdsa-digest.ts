// ECDSA over a digest that was made elsewhere, as smart cards are handed it. FIPS 186-5 §6.4.1. By @noble/curves, with
// the deterministic nonces of RFC 6979. A file of its own, so that only who needs it loads that library.
//
// Node 20 cannot: `sign(null, …)` with an EC key hashes with SHA-256 all the same, every name that `createSign` takes is
// a hash, WebCrypto wants one too, and `privateEncrypt`, which is EVP_PKEY_sign underneath, first sets an RSA padding
// and so fails for EC keys. Median of 300 signatures on one core of 2.1 GHz, and what the first on a curve costs more, for
// the multiples of the base point that noble then remembers:
//
//                     P-256   P-384   P-521   secp256k1   brainpool 256 / 384 / 512
//   signature, ms     0.50    1.0     1.8     0.51        0.60 / 1.0 / 1.6
//   first, ms         30      50      80      23          27 / 40 / 65
//
// A wider table for P-256 (8 bits instead of 6) saves 0.08 ms of each and costs 45 ms more at first: not worth it.
import { brainpoolP256r1, brainpoolP384r1, brainpoolP512r1 } from "@noble/curves/misc.js";
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { EcCurve } from "./curves.ts";
import { derInteger, derSequence } from "./der.ts";

const nobleCurves = {
  "P-256": p256,
  "P-384": p384,
  "P-521": p521,
  secp256k1,
  brainpoolP256r1,
  brainpoolP384r1,
  brainpoolP512r1,
} as const;

const options = { prehash: false, lowS: false, format: "compact" } as const;

/** r and s one after the other, each `curve.bytes` long. Of a digest longer than the curve's order its first bits count. */
export function signEcdsaDigest(curve: EcCurve, privateKey: Uint8Array, digest: Uint8Array): Uint8Array {
  return nobleCurves[curve.name].sign(digest, privateKey, options);
}

/** Makes the table that the first signature would make, when there is time for it. */
export function prepareEcdsaDigest(curve: EcCurve): void {
  nobleCurves[curve.name].Point.BASE.multiply(2n);
}

/** `signature`: r and s one after the other; false for one of another length, too. */
export function isEcdsaDigestSignature(
  curve: EcCurve,
  publicKey: Uint8Array,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 2 * curve.bytes) return false;
  return nobleCurves[curve.name].verify(signature, digest, publicKey, options);
}

/** Ecdsa-Sig-Value in DER (RFC 3279 §2.2.3), of r and s one after the other. */
export function encodeEcdsaSignature(curve: EcCurve, raw: Uint8Array): Uint8Array {
  return derSequence(derInteger(raw.subarray(0, curve.bytes)), derInteger(raw.subarray(curve.bytes)));
}
