// The id of a credential that is not discoverable: the credential itself, sealed, so that it takes no room in the store
// and only this key can open it again.
//
//   sealed id:  version 1 | nonce 12 | AES-256-GCM { algorithm 4 | flags 1 | privateKey … } | tag 16
//   flags:      bits 0 and 1: credProtect − 1 | bit 2: thirdPartyPayment | the others 0
//   additional data: version | rpIdHash, so that an id opens for its own relying party only. 66 bytes for ES256 and
//   ML-DSA (whose seed is kept); the longest private key (P-521, 66 bytes) makes 100.
import { concat } from "../../src/bytes/concat.ts";
import { i32be, struct, u8 } from "../../src/bytes/struct.ts";
import { wipe } from "../../src/bytes/wipe.ts";
import { openAesGcm, sealAesGcm } from "../../src/crypto/aes.ts";
import { P521 } from "../../src/crypto/curves.ts";
import { type CoseAlgorithm, isKnownAlgorithm } from "./cose-key.ts";
import { Credential, type CredentialTraits, CredProtect, plainTraits } from "./credential.ts";

const SEALED_VERSION = 1;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
/** A bit of `flags` that is not known makes the id unusable: it may restrict what this version would allow. */
const SealedHead = struct({ algorithm: i32be, flags: u8 });
const SealedFlags = { CRED_PROTECT: 0x03, THIRD_PARTY_PAYMENT: 0x04 } as const;

const OVERHEAD = 1 + NONCE_LENGTH + SealedHead.size + TAG_LENGTH;

/** The longest id that this key ever gives out: getInfo's maxCredentialIdLength. */
export const MAX_CREDENTIAL_ID_LENGTH = OVERHEAD + P521.bytes;

/** The part of the traits that a sealed id holds. */
export type SealedTraits = Pick<CredentialTraits, "credProtect" | "thirdPartyPayment">;

/** `nonce`: 12 random bytes. */
export function sealCredentialId(
  sealingKey: Uint8Array,
  nonce: Uint8Array,
  rpIdHash: Uint8Array,
  algorithm: CoseAlgorithm,
  privateKey: Uint8Array,
  traits: SealedTraits,
): Uint8Array {
  const flags = (traits.credProtect - 1) | (traits.thirdPartyPayment ? SealedFlags.THIRD_PARTY_PAYMENT : 0);
  const plaintext = concat(SealedHead.encode({ algorithm, flags }), privateKey);
  const sealed = sealAesGcm(sealingKey, nonce, plaintext, additionalData(rpIdHash));
  wipe(plaintext);
  return concat(Uint8Array.of(SEALED_VERSION), nonce, sealed);
}

/** The credential inside an id, or undefined: made by another key, for another relying party, or not whole. */
export function openCredentialId(sealingKey: Uint8Array, rpIdHash: Uint8Array, id: Uint8Array): Credential | undefined {
  if (id[0] !== SEALED_VERSION || id.length <= OVERHEAD) return undefined;
  const nonce = id.subarray(1, 1 + NONCE_LENGTH);
  const plaintext = openAesGcm(sealingKey, nonce, id.subarray(1 + NONCE_LENGTH), additionalData(rpIdHash));
  if (plaintext === undefined) return undefined;
  const { algorithm, flags } = SealedHead.parse(plaintext);
  const traits = parseFlags(flags);
  if (traits === undefined || !isKnownAlgorithm(algorithm)) return undefined;
  const privateKey = plaintext.subarray(SealedHead.size);
  return new Credential({
    id: Uint8Array.from(id),
    rpIdHash: Uint8Array.from(rpIdHash),
    algorithm,
    privateKey,
    traits,
  });
}

function parseFlags(flags: number): CredentialTraits | undefined {
  const level = (flags & SealedFlags.CRED_PROTECT) + 1;
  const credProtect = Object.values(CredProtect).find((known) => known === level);
  const unknown = flags & ~(SealedFlags.CRED_PROTECT | SealedFlags.THIRD_PARTY_PAYMENT);
  if (credProtect === undefined || unknown !== 0) return undefined;
  return { ...plainTraits, credProtect, thirdPartyPayment: (flags & SealedFlags.THIRD_PARTY_PAYMENT) !== 0 };
}

function additionalData(rpIdHash: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(SEALED_VERSION), rpIdHash);
}
