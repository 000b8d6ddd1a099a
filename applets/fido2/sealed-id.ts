// The id of a credential that is not discoverable: the credential itself, sealed, so that it takes no room in the store
// and only this key can open it again.
//
//   sealed id:  version 1 | nonce 12 | AES-256-GCM { algorithm 4 | flags 1 | credBlob | privateKey … } | tag 16
//   flags:      bits 0 and 1: credProtect − 1 | bit 2: thirdPartyPayment | bit 3: there is a credBlob | the others 0
//   credBlob:   length 1 | blob; nothing without bit 3
//   additional data: version | rpIdHash, so that an id opens for its own relying party only. 66 bytes for ES256 and
//   ML-DSA (whose seed is kept); the longest private key (P-521, 66 bytes) makes 100. A credBlob comes on top.
import { concat } from "../../src/bytes/concat.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { i32be, struct, u8 } from "../../src/bytes/struct.ts";
import { wipe } from "../../src/bytes/wipe.ts";
import { openAesGcm, sealAesGcm } from "../../src/crypto/aes.ts";
import { P521 } from "../../src/crypto/curves.ts";
import { type CoseAlgorithm, isKnownAlgorithm } from "./cose-key.ts";
import { Credential, type CredentialTraits, CredProtect, plainTraits } from "./credential.ts";
import { MAX_CRED_BLOB_LENGTH } from "./extensions/cred-blob.ts";

const SEALED_VERSION = 1;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
/** A bit of `flags` that is not known makes the id unusable: it may restrict what this version would allow. */
const SealedHead = struct({ algorithm: i32be, flags: u8 });
const SealedFlags = { CRED_PROTECT: 0x03, THIRD_PARTY_PAYMENT: 0x04, CRED_BLOB: 0x08 } as const;
const KNOWN_FLAGS = SealedFlags.CRED_PROTECT | SealedFlags.THIRD_PARTY_PAYMENT | SealedFlags.CRED_BLOB;

const OVERHEAD = 1 + NONCE_LENGTH + SealedHead.size + TAG_LENGTH;

/** The longest id that this key ever gives out: getInfo's maxCredentialIdLength. U2F counts it in one byte. */
export const MAX_CREDENTIAL_ID_LENGTH = OVERHEAD + 1 + MAX_CRED_BLOB_LENGTH + P521.bytes;

/** The part of the traits that a sealed id holds. */
export type SealedTraits = Pick<CredentialTraits, "credProtect" | "thirdPartyPayment" | "credBlob">;

/** `nonce`: 12 random bytes. */
export function sealCredentialId(
  sealingKey: Uint8Array,
  nonce: Uint8Array,
  rpIdHash: Uint8Array,
  algorithm: CoseAlgorithm,
  privateKey: Uint8Array,
  traits: SealedTraits,
): Uint8Array {
  const { credProtect, thirdPartyPayment, credBlob } = traits;
  const flags =
    (credProtect - 1) |
    (thirdPartyPayment ? SealedFlags.THIRD_PARTY_PAYMENT : 0) |
    (credBlob === undefined ? 0 : SealedFlags.CRED_BLOB);
  const blob = credBlob === undefined ? [] : [Uint8Array.of(credBlob.length), credBlob];
  const plaintext = concat(SealedHead.encode({ algorithm, flags }), ...blob, privateKey);
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
  const { algorithm, flags } = SealedHead.parse(plaintext.subarray(0, SealedHead.size));
  const reader = new Reader(plaintext.subarray(SealedHead.size));
  const traits = parseTraits(flags, reader);
  if (traits === undefined || !isKnownAlgorithm(algorithm)) return undefined;
  const privateKey = reader.rest();
  return new Credential({
    id: Uint8Array.from(id),
    rpIdHash: Uint8Array.from(rpIdHash),
    algorithm,
    privateKey,
    traits,
  });
}

/** `reader`: at the credBlob. */
function parseTraits(flags: number, reader: Reader): CredentialTraits | undefined {
  const level = (flags & SealedFlags.CRED_PROTECT) + 1;
  const credProtect = Object.values(CredProtect).find((known) => known === level);
  if (credProtect === undefined || (flags & ~KNOWN_FLAGS) !== 0) return undefined;
  const credBlob = (flags & SealedFlags.CRED_BLOB) === 0 ? undefined : Uint8Array.from(reader.bytes(reader.u8()));
  return { ...plainTraits, credProtect, thirdPartyPayment: (flags & SealedFlags.THIRD_PARTY_PAYMENT) !== 0, credBlob };
}

function additionalData(rpIdHash: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(SEALED_VERSION), rpIdHash);
}
