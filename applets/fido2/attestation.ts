// Attestation statements. Self-attestation is the default: the new key signs for itself, because a certificate of one
// install alone would identify its user, and one shared by all would attest to nothing. WebAuthn §8.2
import { concat } from "../../src/bytes/concat.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import type { CoseAlgorithm, Signer } from "./cose-key.ts";

export const PACKED = "packed";

/** The attStmt of format "packed" without x5c. WebAuthn §8.2, "If self attestation is in use" */
export function createSelfAttestation(
  algorithm: CoseAlgorithm,
  sign: Signer,
  authenticatorData: Uint8Array,
  clientDataHash: Uint8Array,
): CborMap {
  return new Map<CborValue, CborValue>([
    ["alg", algorithm],
    ["sig", sign(concat(authenticatorData, clientDataHash))],
  ]);
}
