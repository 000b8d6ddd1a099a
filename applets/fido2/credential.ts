// One credential, and the two forms in which it outlives a request: a record in the store (discoverable), or sealed
// into its own credential id, which only this key can open again (non-discoverable). WebAuthn §4, CTAP 2.3 §5
//
//   sealed id:  version 1 | nonce 12 | AES-256-GCM { algorithm 4 | flags 1 | privateKey … } | tag 16
//   additional data: version | rpIdHash, so that an id opens for its own relying party only. 66 bytes for ES256;
//   the longest private key that CTAP has an algorithm for (P-521, 66 bytes) makes 100.
import { concat } from "../../src/bytes/concat.ts";
import { i32be, struct, u8 } from "../../src/bytes/struct.ts";
import { type CborMap, type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import { openAesGcm, sealAesGcm } from "../../src/crypto/aes.ts";
import { type CoseAlgorithm, isSupportedAlgorithm, type Signer, schemeOf } from "./cose-key.ts";
import type { RelyingParty, User } from "./parameters.ts";

/** For whom a discoverable credential was made. */
export interface Account {
  readonly rp: RelyingParty;
  readonly user: User;
  /** Counts up with each discoverable credential: a greater number is a newer credential. */
  readonly created: number;
}

interface CredentialFields {
  readonly id: Uint8Array;
  readonly rpIdHash: Uint8Array;
  readonly algorithm: CoseAlgorithm;
  readonly privateKey: Uint8Array;
  readonly account?: Account | undefined;
}

export class Credential {
  readonly id: Uint8Array;
  readonly rpIdHash: Uint8Array;
  readonly algorithm: CoseAlgorithm;
  readonly privateKey: Uint8Array;
  /** Present exactly in discoverable credentials. */
  readonly account: Account | undefined;
  #signer: Signer | undefined;

  constructor(fields: CredentialFields) {
    this.id = fields.id;
    this.rpIdHash = fields.rpIdHash;
    this.algorithm = fields.algorithm;
    this.privateKey = fields.privateKey;
    this.account = fields.account;
  }

  /** Signs with the algorithm's own hash; ECDSA signatures are in DER. The key is made ready once and kept. */
  sign(message: Uint8Array): Uint8Array {
    this.#signer ??= schemeOf(this.algorithm).createSigner(this.privateKey);
    return this.#signer(message);
  }
}

const SEALED_VERSION = 1;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
/** `flags` is for what later versions remember of a credential; a bit that is not known makes it unusable here. */
const SealedHead = struct({ algorithm: i32be, flags: u8 });

/** The id of a non-discoverable credential. `nonce`: 12 random bytes. */
export function sealCredentialId(
  sealingKey: Uint8Array,
  nonce: Uint8Array,
  rpIdHash: Uint8Array,
  algorithm: CoseAlgorithm,
  privateKey: Uint8Array,
): Uint8Array {
  const plaintext = concat(SealedHead.encode({ algorithm, flags: 0 }), privateKey);
  const sealed = sealAesGcm(sealingKey, nonce, plaintext, additionalData(rpIdHash));
  plaintext.fill(0);
  return concat(Uint8Array.of(SEALED_VERSION), nonce, sealed);
}

/** The credential inside an id, or undefined: made by another key, for another relying party, or not whole. */
export function openCredentialId(sealingKey: Uint8Array, rpIdHash: Uint8Array, id: Uint8Array): Credential | undefined {
  if (id[0] !== SEALED_VERSION || id.length <= 1 + NONCE_LENGTH + SealedHead.size + TAG_LENGTH) return undefined;
  const nonce = id.subarray(1, 1 + NONCE_LENGTH);
  const plaintext = openAesGcm(sealingKey, nonce, id.subarray(1 + NONCE_LENGTH), additionalData(rpIdHash));
  if (plaintext === undefined) return undefined;
  const { algorithm, flags } = SealedHead.parse(plaintext);
  if (flags !== 0 || !isSupportedAlgorithm(algorithm)) return undefined;
  const privateKey = plaintext.subarray(SealedHead.size);
  return new Credential({ id: Uint8Array.from(id), rpIdHash: Uint8Array.from(rpIdHash), algorithm, privateKey });
}

function additionalData(rpIdHash: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(SEALED_VERSION), rpIdHash);
}

/** Members of a discoverable credential's record. A later version adds members, or changes VERSION. */
const Member = {
  VERSION: 1,
  RP_ID: 2,
  RP_NAME: 3,
  USER_ID: 4,
  USER_NAME: 5,
  USER_DISPLAY_NAME: 6,
  RP_ID_HASH: 7,
  ALGORITHM: 8,
  PRIVATE_KEY: 9,
  CREATED: 10,
} as const;
const RECORD_VERSION = 1;

export function encodeCredentialRecord(credential: Credential, account: Account): Uint8Array {
  const { rp, user } = account;
  return encodeCbor(
    new Map<CborValue, CborValue>([
      [Member.VERSION, RECORD_VERSION],
      [Member.RP_ID, rp.id],
      [Member.RP_NAME, rp.name],
      [Member.USER_ID, user.id],
      [Member.USER_NAME, user.name],
      [Member.USER_DISPLAY_NAME, user.displayName],
      [Member.RP_ID_HASH, credential.rpIdHash],
      [Member.ALGORITHM, credential.algorithm],
      [Member.PRIVATE_KEY, credential.privateKey],
      [Member.CREATED, account.created],
    ]),
  );
}

/** Throws CborError or TypeError when the record is not one of ours. */
export function parseCredentialRecord(id: Uint8Array, record: Uint8Array): Credential {
  const map = decodeCborMap(record);
  const algorithm = member(map, Member.ALGORITHM, isNumber);
  if (map.get(Member.VERSION) !== RECORD_VERSION || !isSupportedAlgorithm(algorithm)) {
    throw new TypeError("a credential record of another version");
  }
  return new Credential({
    id,
    algorithm,
    rpIdHash: member(map, Member.RP_ID_HASH, isBytes),
    privateKey: member(map, Member.PRIVATE_KEY, isBytes),
    account: {
      rp: { id: member(map, Member.RP_ID, isText), name: member(map, Member.RP_NAME, isOptionalText) },
      user: {
        id: member(map, Member.USER_ID, isBytes),
        name: member(map, Member.USER_NAME, isOptionalText),
        displayName: member(map, Member.USER_DISPLAY_NAME, isOptionalText),
      },
      created: member(map, Member.CREATED, isNumber),
    },
  });
}

const isNumber = (value: CborValue): value is number => typeof value === "number";
const isText = (value: CborValue): value is string => typeof value === "string";
const isOptionalText = (value: CborValue): value is string | undefined => value === undefined || isText(value);
const isBytes = (value: CborValue): value is Uint8Array => value instanceof Uint8Array;

function member<T extends CborValue>(map: CborMap, key: number, is: (value: CborValue) => value is T): T {
  const value = map.get(key);
  if (!is(value)) throw new TypeError(`member ${key} of a credential record has another type`);
  return value;
}
