// The numbers of YKOATH: instructions, tags, types, algorithms, properties and limits, and how the data of a command is
// read. YKOATH Protocol Specification; where it is silent, as a YubiKey 5.7 answers.
import { Reader, ReaderError } from "../../src/bytes/reader.ts";
import type { HashName } from "../../src/crypto/hash.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { readTlv } from "../../src/iso7816/tlv.ts";

export const Instruction = {
  PUT: 0x01,
  DELETE: 0x02,
  SET_CODE: 0x03,
  RESET: 0x04,
  RENAME: 0x05,
  LIST: 0xa1,
  CALCULATE: 0xa2,
  VALIDATE: 0xa3,
  CALCULATE_ALL: 0xa4,
  SEND_REMAINING: 0xa5,
  /** Nitrokey's, for reverse HOTP. */
  VERIFY_CODE: 0xb1,
} as const;

export const Tag = {
  NAME: 0x71,
  NAME_LIST: 0x72,
  KEY: 0x73,
  CHALLENGE: 0x74,
  RESPONSE: 0x75,
  TRUNCATED: 0x76,
  NO_RESPONSE: 0x77,
  /** In PUT without a length: `78 vv`. */
  PROPERTY: 0x78,
  VERSION: 0x79,
  IMF: 0x7a,
  ALGORITHM: 0x7b,
  TOUCH: 0x7c,
} as const;

/** The high nibble of a key's first byte. */
export const OathType = {
  HOTP: 0x10,
  TOTP: 0x20,
  /** Nitrokey's: a counter whose codes another computes and this key verifies. */
  REVERSE_HOTP: 0x30,
} as const;
export type OathType = (typeof OathType)[keyof typeof OathType];

/** The low nibble. */
export const Algorithm = { SHA1: 0x01, SHA256: 0x02, SHA512: 0x03 } as const;
export type Algorithm = (typeof Algorithm)[keyof typeof Algorithm];

export const hashOf: Readonly<Record<Algorithm, HashName>> = {
  [Algorithm.SHA1]: "sha1",
  [Algorithm.SHA256]: "sha256",
  [Algorithm.SHA512]: "sha512",
};

/** Bits; others mean nothing. */
export const Property = { ONLY_INCREASING: 0x01, REQUIRE_TOUCH: 0x02 } as const;

/** More get 6A84. A YubiKey 5.7 has room for 64. */
export const MAX_ACCOUNTS = 2_000;
export const MAX_NAME_LENGTH = 64;
/**
 * Of the secret of an account, and of the key that an access code is. Clients hash what is longer. A YubiKey 5.7 refuses
 * less than 14 bytes, for which clients pad; YKOATH has no such limit, and YubiKey NEOs take what is shorter.
 */
export const SECRET_LENGTH = { min: 1, max: 64 } as const;
export const DIGITS = { min: 6, max: 8 } as const;
export const MAX_CHALLENGE_LENGTH = 64;
/** Of the challenges that prove an access code. */
export const CODE_CHALLENGE_LENGTH = 8;

export function isOathType(value: number): value is OathType {
  return (Object.values(OathType) as number[]).includes(value);
}

export function isAlgorithm(value: number): value is Algorithm {
  return (Object.values(Algorithm) as number[]).includes(value);
}

/** What `read` makes of the data of a command. Throws StatusError 6A80 when it does not fill it exactly. */
export function parseData<T>(data: Uint8Array, read: (reader: Reader) => T): T {
  const reader = new Reader(data);
  try {
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    throw error instanceof ReaderError ? wrongSyntax() : error;
  }
}

/** The value of the data object that comes next, which has to be of that tag. Throws ReaderError. */
export function readObject(reader: Reader, tag: number): Uint8Array {
  const tlv = readTlv(reader);
  if (tlv.tag !== tag) throw new ReaderError(`tag ${tlv.tag.toString(16)} where ${tag.toString(16)} has to be`);
  return tlv.value;
}

/** The values of these data objects, one after the other and nothing else. Throws StatusError 6A80. */
export function parseObjects<const T extends readonly number[]>(
  data: Uint8Array,
  tags: T,
): { readonly [K in keyof T]: Uint8Array } {
  const values = parseData(data, (reader) => tags.map((tag) => readObject(reader, tag)));
  return values as unknown as { readonly [K in keyof T]: Uint8Array };
}

export function isWithin(value: number, { min, max }: { readonly min: number; readonly max: number }): boolean {
  return value >= min && value <= max;
}

export function wrongSyntax(): StatusError {
  return new StatusError(StatusWord.WRONG_DATA);
}

export function noSuchObject(): StatusError {
  return new StatusError(StatusWord.REFERENCE_DATA_NOT_USABLE);
}
