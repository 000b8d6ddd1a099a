// An OATH account, and the record that keeps it.
//
//     0   1   version: 1
//     1   1   type and algorithm, as in PUT
//     2   1   digits
//     3   1   properties
//     4   1   length of the name
//     5   n   name
//   5+n   s   secret, to the end
import { concat } from "../../src/bytes/concat.ts";
import { Reader, ReaderError } from "../../src/bytes/reader.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import { type Algorithm, isAlgorithm, isOathType, type OathType, Property, Tag } from "./parameters.ts";

const RECORD_VERSION = 1;

export interface AccountFields {
  readonly name: Uint8Array;
  readonly type: OathType;
  readonly algorithm: Algorithm;
  readonly digits: number;
  readonly properties: number;
  readonly secret: Uint8Array;
}

export interface Account extends AccountFields {
  /** Counts up from account to account: their order, and the name of their records. */
  readonly sequence: number;
  /** The name as data object 71. */
  readonly nameObject: Uint8Array;
}

export function createAccount(fields: AccountFields, sequence: number): Account {
  const { name, type, algorithm, digits, properties, secret } = fields;
  return { name, type, algorithm, digits, properties, secret, sequence, nameObject: encodeTlv(Tag.NAME, name) };
}

export function isTouchRequired({ properties }: AccountFields): boolean {
  return (properties & Property.REQUIRE_TOUCH) !== 0;
}

export function isOnlyIncreasing({ properties }: AccountFields): boolean {
  return (properties & Property.ONLY_INCREASING) !== 0;
}

/** Type and algorithm in one byte. Undefined for what is neither. */
export function parseKind(byte: number): Pick<AccountFields, "type" | "algorithm"> | undefined {
  const type = byte & 0xf0;
  const algorithm = byte & 0x0f;
  return isOathType(type) && isAlgorithm(algorithm) ? { type, algorithm } : undefined;
}

export function encodeAccountRecord(account: AccountFields): Uint8Array {
  const { name, type, algorithm, digits, properties, secret } = account;
  return concat(Uint8Array.of(RECORD_VERSION, type | algorithm, digits, properties, name.length), name, secret);
}

/** Throws ReaderError. */
export function parseAccountRecord(record: Uint8Array): AccountFields {
  const reader = new Reader(record);
  const version = reader.u8();
  if (version !== RECORD_VERSION) throw new ReaderError(`version ${version}`);
  const kind = parseKind(reader.u8());
  if (kind === undefined) throw new ReaderError("an unknown type or algorithm");
  const digits = reader.u8();
  const properties = reader.u8();
  const name = reader.bytes(reader.u8());
  return { ...kind, digits, properties, name, secret: reader.rest() };
}
