// The record of a discoverable credential in the store: a CBOR map. Its id is the record's key.
import { type CborMap, type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import { isKnownAlgorithm } from "./cose-key.ts";
import { type Account, Credential, CredProtect } from "./credential.ts";

/** A later version adds members, or changes VERSION. Those from CRED_PROTECT on are left out when they say nothing. */
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
  CRED_PROTECT: 11,
  CRED_BLOB: 12,
  LARGE_BLOB_KEY: 13,
  THIRD_PARTY_PAYMENT: 14,
  LARGE_BLOB: 15,
} as const;
const RECORD_VERSION = 1;

export function encodeCredentialRecord(credential: Credential, account: Account): Uint8Array {
  const { rp, user } = account;
  const { traits } = credential;
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
      [Member.CRED_PROTECT, traits.credProtect === CredProtect.UV_OPTIONAL ? undefined : traits.credProtect],
      [Member.CRED_BLOB, traits.credBlob],
      [Member.LARGE_BLOB_KEY, traits.largeBlobKey || undefined],
      [Member.THIRD_PARTY_PAYMENT, traits.thirdPartyPayment || undefined],
      [Member.LARGE_BLOB, traits.largeBlob || undefined],
    ]),
  );
}

/** Throws CborError or TypeError when the record is not one of ours. */
export function parseCredentialRecord(id: Uint8Array, record: Uint8Array): Credential {
  const map = decodeCborMap(record);
  const algorithm = member(map, Member.ALGORITHM, isNumber);
  if (map.get(Member.VERSION) !== RECORD_VERSION || !isKnownAlgorithm(algorithm)) {
    throw new TypeError("a credential record of another version");
  }
  return new Credential({
    id,
    algorithm,
    rpIdHash: member(map, Member.RP_ID_HASH, isBytes),
    privateKey: member(map, Member.PRIVATE_KEY, isBytes),
    traits: {
      credProtect: member(map, Member.CRED_PROTECT, isOptionalCredProtect) ?? CredProtect.UV_OPTIONAL,
      credBlob: member(map, Member.CRED_BLOB, isOptionalBytes),
      largeBlobKey: member(map, Member.LARGE_BLOB_KEY, isOptionalTrue) ?? false,
      largeBlob: member(map, Member.LARGE_BLOB, isOptionalTrue) ?? false,
      thirdPartyPayment: member(map, Member.THIRD_PARTY_PAYMENT, isOptionalTrue) ?? false,
    },
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
const isOptionalBytes = (value: CborValue): value is Uint8Array | undefined => value === undefined || isBytes(value);
const isOptionalTrue = (value: CborValue): value is true | undefined => value === undefined || value === true;
const isOptionalCredProtect = (value: CborValue): value is CredProtect | undefined =>
  value === undefined || Object.values<CborValue>(CredProtect).includes(value);

function member<T extends CborValue>(map: CborMap, key: number, is: (value: CborValue) => value is T): T {
  const value = map.get(key);
  if (!is(value)) throw new TypeError(`member ${key} of a credential record has another type`);
  return value;
}
