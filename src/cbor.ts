// CTAP2 canonical CBOR, the only form of CBOR that this project speaks. CTAP 2.3 §8 "Message Encoding", RFC 8949
//
// cbor-x reads and writes the values; what it is lenient about (tags, indefinite and non-shortest lengths, duplicate
// and unsorted keys, bytes left over) is refused by a scan of the raw bytes first, so that it never meets hostile
// input. Maps are `Map`, byte strings `Uint8Array`, integers `number` or, from 2^32 on, `bigint`.
import { isUtf8 } from "node:buffer";
import { Encoder } from "cbor-x";

export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | undefined
  | Uint8Array
  | readonly CborValue[]
  | CborMap;
export interface CborMap extends ReadonlyMap<CborValue, CborValue> {}

/** The bytes are not one canonical CBOR value, or the value has no canonical encoding. */
export class CborError extends Error {
  override name = "CborError";
}

/** "Limited to at most four levels of any combination of CBOR maps and/or CBOR arrays." CTAP 2.3 §8 */
const MAX_DEPTH = 4;

const UNDEFINED = Uint8Array.of(0xf7);

/** Where an item stands in encoded bytes. */
interface Place {
  readonly start: number;
  readonly end: number;
}

const MajorType = { UNSIGNED: 0, NEGATIVE: 1, BYTES: 2, TEXT: 3, ARRAY: 4, MAP: 5, TAG: 6, SIMPLE: 7 } as const;

/** Without these, cbor-x writes 16-bit map heads, wraps byte strings in tag 64 and turns maps into objects. */
const codec = new Encoder({
  mapsAsObjects: false,
  useRecords: false,
  tagUint8Array: false,
  variableMapSize: true,
});

/**
 * Encodes a value canonically: map keys (integers and text) sorted, integers and lengths as short as they go. An entry
 * whose value is undefined is left out, so that optional members need no `if`. Throws CborError on a float, on an
 * integer beyond 64 bits, and on any other kind of key.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const encoded = codec.encode(toCanonical(value));
  return new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.length);
}

/**
 * Decodes exactly one canonical value. Throws CborError on anything else. Floating-point numbers and unassigned simple
 * values come out as undefined: they may stand where nobody looks, nothing that CTAP defines holds one, and in
 * JavaScript the first would pass for integers. Byte strings may be views of the input.
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const scan = new CanonicalScan(bytes);
  scan.value(0);
  if (scan.offset !== bytes.length) throw new CborError(`${bytes.length - scan.offset} bytes left over`);
  return codec.decode(scan.nameless.length === 0 ? bytes : withUndefined(bytes, scan.nameless)) as CborValue;
}

/** The bytes with "undefined" at each of these places. */
function withUndefined(bytes: Uint8Array, places: readonly Place[]): Uint8Array {
  const parts = places.flatMap(({ start }, i) => [bytes.subarray(places[i - 1]?.end ?? 0, start), UNDEFINED]);
  return Buffer.concat([...parts, bytes.subarray(places.at(-1)?.end)]);
}

/** As decodeCbor, for a place where only a map makes sense. */
export function decodeCborMap(bytes: Uint8Array): CborMap {
  const value = decodeCbor(bytes);
  if (!isCborMap(value)) throw new CborError("not a map");
  return value;
}

/**
 * The encoded value of one member of a map of canonical CBOR, as its sender wrote it; no bytes when it is absent. Throws
 * CborError on anything but a map.
 */
export function sliceCborMember(map: Uint8Array, key: number): Uint8Array {
  return new CanonicalScan(map).member(encodeCbor(key));
}

export function isCborMap(value: CborValue): value is CborMap {
  return value instanceof Map;
}

function toCanonical(value: CborValue): unknown {
  if (typeof value === "number") return toCanonicalNumber(value);
  if (typeof value === "bigint") return toCanonicalBigint(value);
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(toCanonical);
  if (isCborMap(value)) return toCanonicalMap(value);
  if (value === undefined) throw new CborError("undefined has no place in a message");
  return value;
}

function toCanonicalNumber(value: number): number | bigint {
  if (!Number.isSafeInteger(value)) throw new CborError(`${value} is not an integer`);
  // cbor-x writes larger integers as floats, and bigints as integers.
  return value >= 2 ** 32 || value < -(2 ** 32) ? BigInt(value) : value;
}

function toCanonicalBigint(value: bigint): number | bigint {
  // −2^64 itself would fit, but cbor-x makes a tagged bignum of it.
  if (value >= 2n ** 64n || value <= -(2n ** 64n)) throw new CborError("an integer beyond 64 bits");
  // cbor-x writes every bigint with eight bytes.
  return value >= 2n ** 32n || value < -(2n ** 32n) ? value : Number(value);
}

function toCanonicalMap(map: CborMap): Map<unknown, unknown> {
  const entries: [number | string, unknown][] = [];
  let sorted = true;
  for (const [key, value] of map) {
    if (value === undefined) continue;
    if (typeof key !== "string" && !Number.isSafeInteger(key)) throw new CborError("a key is an integer or a text");
    const last = entries.at(-1);
    if (last !== undefined && compareKeys(last[0], key as number | string) > 0) sorted = false;
    entries.push([key as number | string, toCanonical(value)]);
  }
  if (!sorted) entries.sort(([a], [b]) => compareKeys(a, b));
  return new Map(entries);
}

/** Lower major type first, then shorter, then bytewise. CTAP 2.3 §8 */
function compareKeys(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") {
    if (a < 0 !== b < 0) return a < 0 ? 1 : -1;
    return Math.abs(a) - Math.abs(b);
  }
  if (typeof a === "number") return -1;
  if (typeof b === "number") return 1;
  // Lengths nearly always decide; only where they are equal are the bytes made.
  return Buffer.byteLength(a) - Buffer.byteLength(b) || Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Walks over encoded bytes and throws at the first that no canonical encoder writes; it builds nothing. */
class CanonicalScan {
  offset = 0;
  /** The items passed that no CborValue stands for, in their order. */
  readonly nameless: Place[] = [];
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** One value, inside `depth` maps and arrays. */
  value(depth: number): void {
    const initial = this.#byte();
    const info = initial & 0x1f;
    switch (initial >> 5) {
      case MajorType.UNSIGNED:
      case MajorType.NEGATIVE:
        this.#argument(info);
        return;
      case MajorType.BYTES:
        this.#skip(this.#argument(info));
        return;
      case MajorType.TEXT: {
        const start = this.#skip(this.#argument(info));
        if (!isUtf8(this.#bytes.subarray(start, this.offset))) throw new CborError("text that is not UTF-8");
        return;
      }
      case MajorType.ARRAY: {
        const count = this.#count(info, 1, depth);
        for (let i = 0; i < count; i++) this.value(depth + 1);
        return;
      }
      case MajorType.MAP:
        this.#map(this.#count(info, 2, depth), depth);
        return;
      case MajorType.TAG:
        throw new CborError("a tag");
      default:
        this.#simple(info);
    }
  }

  /** The value of an encoded key of the map that begins here. */
  member(key: Uint8Array): Uint8Array {
    const initial = this.#byte();
    if (initial >> 5 !== MajorType.MAP) throw new CborError("not a map");
    for (let left = this.#argument(initial & 0x1f); left > 0; left--) {
      const start = this.offset;
      this.value(1);
      const keyEnd = this.offset;
      this.value(1);
      if (Buffer.compare(this.#bytes.subarray(start, keyEnd), key) === 0)
        return this.#bytes.subarray(keyEnd, this.offset);
    }
    return new Uint8Array(0);
  }

  #map(count: number, depth: number): void {
    let previous = 0;
    let previousEnd = 0;
    for (let i = 0; i < count; i++) {
      const start = this.offset;
      this.value(depth + 1);
      if (i > 0 && this.#compareEncoded(previous, previousEnd, start, this.offset) >= 0) {
        throw new CborError("map keys out of order or twice");
      }
      previous = start;
      previousEnd = this.offset;
      this.value(depth + 1);
    }
  }

  /** Compares two encoded keys, given as start and end. */
  #compareEncoded(a: number, aEnd: number, b: number, bEnd: number): number {
    const types = ((this.#bytes[a] as number) >> 5) - ((this.#bytes[b] as number) >> 5);
    if (types !== 0) return types;
    const lengths = aEnd - a - (bEnd - b);
    if (lengths !== 0) return lengths;
    for (let i = 0; i < aEnd - a; i++) {
      const difference = (this.#bytes[a + i] as number) - (this.#bytes[b + i] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** The number of items of an array or map: never more than the bytes that are left could hold. */
  #count(info: number, bytesPerItem: number, depth: number): number {
    if (depth >= MAX_DEPTH) throw new CborError(`nested deeper than ${MAX_DEPTH} levels`);
    const count = this.#argument(info);
    if (count * bytesPerItem > this.#bytes.length - this.offset) throw new CborError("more items than bytes");
    return count;
  }

  /** Of a float, whose width is its sender's choice, only the length is looked at. CTAP 2.3 §8; RFC 8949 §3.3 */
  #simple(info: number): void {
    const start = this.offset - 1;
    if (info >= 20 && info <= 23) return; // false, true, null, undefined
    if (info > 27) throw new CborError(info === 31 ? "a break" : `reserved additional information ${info}`);
    if (info > 24) this.#skip(2 ** (info - 24));
    if (info === 24 && this.#byte() < 32) throw new CborError("a simple value in more bytes than it may have");
    this.nameless.push({ start, end: this.offset });
  }

  /** The argument of a head, refused unless it could not have been written shorter. RFC 8949 §3 */
  #argument(info: number): number {
    if (info < 24) return info;
    let value = 0;
    switch (info) {
      case 24:
        value = this.#byte();
        if (value >= 24) return value;
        break;
      case 25:
        value = this.#uint(2);
        if (value > 0xff) return value;
        break;
      case 26:
        value = this.#uint(4);
        if (value > 0xffff) return value;
        break;
      case 27:
        value = this.#uint(8); // beyond 2^53 inexact, which no comparison here minds
        if (value > 0xffff_ffff) return value;
        break;
      default:
        throw new CborError(info === 31 ? "an indefinite length" : `reserved additional information ${info}`);
    }
    throw new CborError(`${value} is not written as short as it goes`);
  }

  #uint(length: number): number {
    let value = 0;
    for (let i = 0; i < length; i++) value = value * 256 + this.#byte();
    return value;
  }

  #byte(): number {
    const byte = this.#bytes[this.offset];
    if (byte === undefined) throw new CborError("the bytes end early");
    this.offset++;
    return byte;
  }

  /** Moves on by `length` and returns where it was. */
  #skip(length: number): number {
    const start = this.offset;
    if (length > this.#bytes.length - start) throw new CborError("the bytes end early");
    this.offset += length;
    return start;
  }
}
