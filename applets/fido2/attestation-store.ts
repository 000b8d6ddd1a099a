// Attestation keys with their certificates, for people who test a relying party's attestation code; a new key has none.
// Persistent: `attestation/authority`, `attestation/batch` and `attestation/enterprise`. They belong to the model and to its owner: a reset of the
// authenticator leaves them. attestation-authority.ts makes them.

import { type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import type { Platform } from "../../src/platform.ts";

/**
 * "batch" attests to the model with every registration, "enterprise" to this one key where that is asked for. "authority"
 * has signed both, and attests to nothing itself.
 */
export type AttestationKind = "authority" | "batch" | "enterprise";

export interface AttestationKey {
  /** A scalar of P-256: attestation is by ES256, whatever the credential's algorithm. */
  readonly privateKey: Uint8Array;
  /** In DER, the key's own certificate first; the root stands only where it is the key's own. */
  readonly certificates: readonly Uint8Array[];
  /** "enterprise": the relying parties that may have it on their own word (vendor-facilitated). CTAP 2.3 §7.1.1 */
  readonly rpIds: readonly string[];
}

const Member = { VERSION: 0, PRIVATE_KEY: 1, CERTIFICATES: 2, RP_IDS: 3 } as const;
const VERSION = 1;

export function keyOfAttestation(kind: AttestationKind): string {
  return `attestation/${kind}`;
}

export function encodeAttestationRecord(key: AttestationKey): Uint8Array {
  return encodeCbor(
    new Map<CborValue, CborValue>([
      [Member.VERSION, VERSION],
      [Member.PRIVATE_KEY, key.privateKey],
      [Member.CERTIFICATES, key.certificates],
      [Member.RP_IDS, key.rpIds],
    ]),
  );
}

/** Undefined when there is none. Throws TypeError for a record that is not one of ours. */
export function loadAttestation({ store }: Platform, kind: AttestationKind): AttestationKey | undefined {
  const record = store.get(keyOfAttestation(kind));
  if (record === undefined) return undefined;
  const map = decodeCborMap(record);
  const privateKey = map.get(Member.PRIVATE_KEY);
  const certificates = map.get(Member.CERTIFICATES);
  const rpIds = map.get(Member.RP_IDS);
  const isOurs = map.get(Member.VERSION) === VERSION && privateKey instanceof Uint8Array;
  if (!isOurs || !isArrayOf(certificates, isBytes) || !isArrayOf(rpIds, isText)) {
    throw new TypeError(`${keyOfAttestation(kind)} is of another version`);
  }
  return { privateKey, certificates, rpIds };
}

const isBytes = (value: CborValue): value is Uint8Array => value instanceof Uint8Array;
const isText = (value: CborValue): value is string => typeof value === "string";

function isArrayOf<T extends CborValue>(value: CborValue, is: (element: CborValue) => element is T): value is T[] {
  return Array.isArray(value) && value.every(is);
}
