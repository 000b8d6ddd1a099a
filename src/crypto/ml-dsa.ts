// ML-DSA, the post-quantum signatures of FIPS 204, by @noble/post-quantum: OpenSSL has them from 3.5 on, and Node 20 has
// not. Signing is hedged (FIPS 204 §3.4), without a context and without prehashing. A file of its own, so that only who
// needs it loads that library.
import { randomBytes } from "node:crypto";
import { ml_dsa44, ml_dsa65, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";
import type { KeyPair } from "./curves.ts";

export type MlDsaName = "ML-DSA-44" | "ML-DSA-65" | "ML-DSA-87";

const parameterSets = { "ML-DSA-44": ml_dsa44, "ML-DSA-65": ml_dsa65, "ML-DSA-87": ml_dsa87 } as const;

/** FIPS 204 §5.1: the seed ξ, from which the whole key pair follows. It is what we keep: an expanded key has kilobytes. */
const SEED_LENGTH = 32;

/** `privateKey` is the 32-byte seed; `publicKey` has 1,312, 1,952 or 2,592 bytes. */
export function generateMlDsaKeyPair(name: MlDsaName): KeyPair {
  const seed = randomBytes(SEED_LENGTH);
  const { publicKey, secretKey } = parameterSets[name].keygen(seed);
  secretKey.fill(0);
  return { privateKey: seed, publicKey };
}

/** Throws RangeError unless the seed has 32 bytes. */
export function deriveMlDsaPublicKey(name: MlDsaName, seed: Uint8Array): Uint8Array {
  if (seed.length !== SEED_LENGTH) throw new RangeError(`not a private key of ${name}`);
  const { publicKey, secretKey } = parameterSets[name].keygen(seed);
  secretKey.fill(0);
  return publicKey;
}

/** Expands a seed into the key that signMlDsa takes: about 5 ms. Throws RangeError unless it has 32 bytes. */
export function expandMlDsaSeed(name: MlDsaName, seed: Uint8Array): Uint8Array {
  if (seed.length !== SEED_LENGTH) throw new RangeError(`not a private key of ${name}`);
  return parameterSets[name].keygen(seed).secretKey;
}

/** `key`: what expandMlDsaSeed returned. 2,420, 3,309 or 4,627 bytes. */
export function signMlDsa(name: MlDsaName, key: Uint8Array, message: Uint8Array): Uint8Array {
  return parameterSets[name].sign(message, key);
}

/** False for a signature or public key of another length, too. */
export function isMlDsaSignature(
  name: MlDsaName,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { lengths, verify } = parameterSets[name];
  if (publicKey.length !== lengths.publicKey || signature.length !== lengths.signature) return false;
  return verify(signature, message, publicKey);
}
