// ECDSA over a message, by OpenSSL. FIPS 186-5 §6; signatures are Ecdsa-Sig-Value in DER (RFC 3279 §2.2.3), the form
// of WebAuthn, U2F and X.509.
import { type KeyObject, sign, verify } from "node:crypto";
import type { EcCurve } from "./curves.ts";
import { importEcPublicKey } from "./ec-key.ts";
import type { HashName } from "./hash.ts";

/** `key` as importEcPrivateKey makes it. The nonce is random, so no two signatures are equal. */
export function signEcdsa(key: KeyObject, hash: HashName, message: Uint8Array): Uint8Array {
  return sign(hash, message, key);
}

export function isEcdsaSignature(
  curve: EcCurve,
  publicKey: Uint8Array,
  hash: HashName,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify(hash, message, importEcPublicKey(curve, publicKey), signature);
}
