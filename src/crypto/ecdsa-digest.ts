// ECDSA over a digest that was made elsewhere, which Node cannot do: smart cards are handed digests. By @noble/curves,
// with the deterministic nonces of RFC 6979. A file of its own, so that only who needs it loads that library.
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import type { EcCurve } from "./curves.ts";

const nobleCurves = { "P-256": p256, "P-384": p384, "P-521": p521, secp256k1 } as const;

/** r and s one after the other, each `curve.bytes` long. A digest longer than the curve's order is truncated. */
export function signEcdsaDigest(curve: EcCurve, privateKey: Uint8Array, digest: Uint8Array): Uint8Array {
  return nobleCurves[curve.name].sign(digest, privateKey, { prehash: false, lowS: false, format: "compact" });
}

/** `signature`: r and s one after the other. */
export function isEcdsaDigestSignature(
  curve: EcCurve,
  publicKey: Uint8Array,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const options = { prehash: false, lowS: false, format: "compact" } as const;
  return nobleCurves[curve.name].verify(signature, digest, publicKey, options);
}
