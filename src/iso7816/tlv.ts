// BER-TLV data objects, as ISO/IEC 7816-4 §5.2.2 restricts them: tags of one to three bytes, definite lengths.
//
//   tag      1 byte; or xx…x11111, and then bytes up to one without bit 8
//   length   00–7F | 81 nn | 82 nn nn
//
// A tag is a number here, of the bytes as they stand: 0x5fc102, 0x7f49, 0x4f.
import { concat } from "../bytes/concat.ts";
import { Reader, ReaderError } from "../bytes/reader.ts";

export interface Tlv {
  readonly tag: number;
  /** A view of what was parsed. */
  readonly value: Uint8Array;
}

const MAX_TAG_BYTES = 3;
const MAX_LENGTH = 0xffff;

/** One data object; `values` are put one after the other. The length takes as few bytes as it can. */
export function encodeTlv(tag: number, ...values: readonly Uint8Array[]): Uint8Array {
  const length = values.reduce((sum, value) => sum + value.length, 0);
  return concat(encodeTag(tag), encodeTlvLength(length), ...values);
}

/** All data objects of `bytes`, in their order. Throws ReaderError unless they fill it exactly. */
export function parseTlvs(bytes: Uint8Array): Tlv[] {
  const reader = new Reader(bytes);
  const found: Tlv[] = [];
  while (reader.remaining > 0) found.push(readTlv(reader));
  return found;
}

/** The only data object of `bytes`. Throws ReaderError when there is none, or something behind it. */
export function parseTlv(bytes: Uint8Array): Tlv {
  const reader = new Reader(bytes);
  const tlv = readTlv(reader);
  reader.end();
  return tlv;
}

/** The next data object. Throws ReaderError. */
export function readTlv(reader: Reader): Tlv {
  const tag = readTag(reader);
  return { tag, value: reader.bytes(readTlvLength(reader)) };
}

/** The value of the first data object with that tag, or undefined. */
export function findTlv(tlvs: readonly Tlv[], tag: number): Uint8Array | undefined {
  return tlvs.find((tlv) => tlv.tag === tag)?.value;
}

/** The tag's bytes as one number. Throws ReaderError. */
export function readTag(reader: Reader): number {
  let tag = reader.u8();
  if ((tag & 0x1f) !== 0x1f) return tag;
  for (let bytes = 2; bytes <= MAX_TAG_BYTES; bytes++) {
    const next = reader.u8();
    tag = tag * 0x100 + next;
    if ((next & 0x80) === 0) return tag;
  }
  throw new ReaderError(`a tag of more than ${MAX_TAG_BYTES} bytes`);
}

/** At most 65,535. Throws ReaderError. */
export function readTlvLength(reader: Reader): number {
  const first = reader.u8();
  switch (first) {
    case 0x81:
      return reader.u8();
    case 0x82:
      return reader.u16be();
    default:
      if (first < 0x80) return first;
      throw new ReaderError(`a length that begins with ${first.toString(16)}`);
  }
}

function encodeTag(tag: number): Uint8Array {
  if (tag > 0xffff) return Uint8Array.of(tag >>> 16, tag >>> 8, tag);
  return tag > 0xff ? Uint8Array.of(tag >>> 8, tag) : Uint8Array.of(tag);
}

function encodeTlvLength(length: number): Uint8Array {
  if (length > MAX_LENGTH) throw new RangeError(`a data object of ${length} bytes`);
  if (length > 0xff) return Uint8Array.of(0x82, length >>> 8, length);
  return length > 0x7f ? Uint8Array.of(0x81, length) : Uint8Array.of(length);
}
