// PUT: an account is made, or replaced by another of its name. YKOATH "PUT INSTRUCTION"
//
//   71 name (1–64)   73 type and algorithm, digits, secret (1–64)   [78 properties]   [7a first counter (4): HOTP only]
//
// A YubiKey takes them in this order, each once and nothing else, and the properties without a length.
import { Reader } from "../../src/bytes/reader.ts";
import { type AccountFields, parseKind } from "./account.ts";
import {
  DIGITS,
  isWithin,
  MAX_NAME_LENGTH,
  OathType,
  parseData,
  readObject,
  SECRET_LENGTH,
  Tag,
  wrongSyntax,
} from "./parameters.ts";

const IMF_LENGTH = 4;

/** Throws StatusError 6A80. What it returns shares nothing with `data`. */
export function parsePut(data: Uint8Array): { readonly fields: AccountFields; readonly counter: number } {
  const { name, key, properties, imf } = parseData(data, (reader) => ({
    name: readName(reader),
    key: new Reader(readObject(reader, Tag.KEY)),
    properties: isNext(reader, Tag.PROPERTY) ? readProperties(reader) : 0,
    imf: isNext(reader, Tag.IMF) ? readObject(reader, Tag.IMF) : undefined,
  }));
  const { kind, digits, secret } = parseData(key.rest(), (reader) => ({
    kind: parseKind(reader.u8()),
    digits: reader.u8(),
    secret: Uint8Array.from(reader.rest()),
  }));
  const isSecret = isWithin(secret.length, SECRET_LENGTH);
  if (kind === undefined || !isSecret || !isWithin(digits, DIGITS)) throw wrongSyntax();
  if (imf !== undefined && (kind.type === OathType.TOTP || imf.length !== IMF_LENGTH)) throw wrongSyntax();
  const counter = imf === undefined ? 0 : new Reader(imf).u32be();
  return { fields: { ...kind, name, digits, properties, secret }, counter };
}

/** A name that an account can have, as a copy. Throws StatusError 6A80. */
export function readName(reader: Reader): Uint8Array {
  const name = readObject(reader, Tag.NAME);
  if (!isWithin(name.length, { min: 1, max: MAX_NAME_LENGTH })) throw wrongSyntax();
  return Uint8Array.from(name);
}

function isNext(reader: Reader, tag: number): boolean {
  return reader.remaining > 0 && reader.peek() === tag;
}

function readProperties(reader: Reader): number {
  reader.u8();
  return reader.u8();
}
