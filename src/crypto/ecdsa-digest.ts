// ECDSA over a digest that was made elsewhere, as smart cards are handed it. FIPS 186-5 §6.4.1. By @noble/curves, with
// the deterministic nonces of RFC 6979. That library takes a tenth of a key's start to load, so it is loaded by who needs it.
//
// Node 20 cannot: `sign(null, …)` with an EC key hashes with SHA-256 all the same, every name that `createSign` takes is
// a hash, WebCrypto wants one too, and `privateEncrypt`, which is EVP_PKEY_sign underneath, first sets an RSA padding
// and so fails for EC keys. Median of 300 signatures on one core of 2.1 GHz, and what the first on a curve costs more, for
// the multiples of the base point that noble then remembers:
//
//                     P-256   P-384   P-521   secp256k1   brainpool 256 / 384 / 512
//   signature, ms     0.42    1.0     1.8     0.51        0.60 / 1.0 / 1.6
//   first, ms         75      50      80      23          27 / 40 / 65
//
// P-256, the commonest, has multiples of windows of 8 bits: 45 ms more at first than with noble's 6, 0.1 ms less each.
import type { EcCurve } from "./curves.ts";
import { derInteger, derSequence } from "./der.ts";

type NobleCurves = typeof import("./noble-curves.ts").nobleCurves;

let loaded: NobleCurves | undefined;

/** To be awaited before any other function here: an applet does so when it is selected. */
export async function loadEcdsaDigest(): Promise<void> {
  loaded ??= (await import("./noble-curves.ts")).nobleCurves;
}

function nobleCurve({ name }: EcCurve): NobleCurves[EcCurve["name"]] {
  if (loaded === undefined) throw new Error("loadEcdsaDigest comes first");
  return loaded[name];
}

const options = { prehash: false, lowS: false, format: "compact" } as const;

/** r and s one after the other, each `curve.bytes` long. Of a digest longer than the curve's order its first bits count. */
export function signEcdsaDigest(curve: EcCurve, privateKey: Uint8Array, digest: Uint8Array): Uint8Array {
  return nobleCurve(curve).sign(digest, privateKey, options);
}

/** `signature`: r and s one after the other; false for one of another length, too. */
export function isEcdsaDigestSignature(
  curve: EcCurve,
  publicKey: Uint8Array,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 2 * curve.bytes) return false;
  return nobleCurve(curve).verify(signature, digest, publicKey, options);
}

/** Ecdsa-Sig-Value in DER (RFC 3279 §2.2.3), of r and s one after the other. */
export function encodeEcdsaSignature(curve: EcCurve, raw: Uint8Array): Uint8Array {
  return derSequence(derInteger(raw.subarray(0, curve.bytes)), derInteger(raw.subarray(curve.bytes)));
}
