// Fixed layouts as tables: `struct({ name: field, … })` gives `parse`, `encode` and `size`, and the TypeScript type of
// the record is inferred from the table. The names in a table are those of the specification it copies.
import { ReaderError } from "./reader.ts";

/** Works on the array itself: a DataView for each record would cost more than all its fields. */
export interface Field<T> {
  readonly size: number;
  get(bytes: Uint8Array, offset: number): T;
  put(bytes: Uint8Array, offset: number, value: T): void;
}

type Fields = Readonly<Record<string, Field<unknown>>>;
type Value<F> = F extends Field<infer T> ? T : never;

export interface Struct<F extends Fields> {
  /** Length of the encoding in bytes. */
  readonly size: number;
  /** Reads the first `size` bytes; throws ReaderError when there are fewer. Byte fields are views. */
  parse(bytes: Uint8Array): { [K in keyof F]: Value<F[K]> };
  /** `payload`, if any, follows in the same array. */
  encode(record: { readonly [K in keyof F]: Value<F[K]> }, payload?: Uint8Array): Uint8Array;
}

/** The record type of a struct: `type CmdSubmit = Infer<typeof CmdSubmit>`. */
export type Infer<S> = S extends Struct<infer F> ? { readonly [K in keyof F]: Value<F[K]> } : never;

export const u8: Field<number> = {
  size: 1,
  get: (bytes, offset) => bytes[offset] as number,
  put: (bytes, offset, value) => {
    bytes[offset] = value;
  },
};

export const u16be: Field<number> = {
  size: 2,
  get: (bytes, offset) => ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number),
  put: (bytes, offset, value) => {
    bytes[offset] = value >>> 8;
    bytes[offset + 1] = value;
  },
};

export const u16le: Field<number> = {
  size: 2,
  get: (bytes, offset) => ((bytes[offset + 1] as number) << 8) | (bytes[offset] as number),
  put: (bytes, offset, value) => {
    bytes[offset] = value;
    bytes[offset + 1] = value >>> 8;
  },
};

// Integers of 32 bits are spelled out: by way of the others, each costs three calls more until V8 has compiled them, and
// a USB/IP header has ten.

export const u32be: Field<number> = {
  size: 4,
  get: (bytes, offset) => readI32be(bytes, offset) >>> 0,
  put: writeI32be,
};

export const u32le: Field<number> = {
  size: 4,
  get: (bytes, offset) => ((u16le.get(bytes, offset + 2) << 16) | u16le.get(bytes, offset)) >>> 0,
  put: (bytes, offset, value) => {
    u16le.put(bytes, offset, value);
    u16le.put(bytes, offset + 2, value >>> 16);
  },
};

export const i32be: Field<number> = { size: 4, get: readI32be, put: writeI32be };

function readI32be(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] as number) << 24) |
    ((bytes[offset + 1] as number) << 16) |
    ((bytes[offset + 2] as number) << 8) |
    (bytes[offset + 3] as number)
  );
}

function writeI32be(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Exactly `length` bytes; a shorter value is padded with zeros, a longer one is a programming error. */
export function bytes(length: number): Field<Uint8Array> {
  return {
    size: length,
    get: (bytes, offset) => new Uint8Array(bytes.buffer, bytes.byteOffset + offset, length),
    put: (bytes, offset, value) => {
      if (value.length > length) throw new RangeError(`${value.length} bytes do not fit a field of ${length}`);
      if (value.length > 0) bytes.set(value, offset);
    },
  };
}

/** ASCII text, padded with NUL to `length` bytes; reading stops at the first NUL. */
export function text(length: number): Field<string> {
  return {
    size: length,
    get: (bytes, offset) => {
      const field = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length);
      const end = field.indexOf(0);
      return field.toString("latin1", 0, end < 0 ? length : end);
    },
    put: (bytes, offset, value) => {
      if (value.length > length) throw new RangeError(`"${value}" does not fit a field of ${length}`);
      Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).write(value, "latin1");
    },
  };
}

export function struct<F extends Fields>(fields: F): Struct<F> {
  const names = Object.keys(fields) as (keyof F & string)[];
  const rows = names.map((name) => ({ name, field: fields[name] as Field<unknown> }));
  const size = rows.reduce((sum, { field }) => sum + field.size, 0);
  return {
    size,
    parse(input) {
      if (input.length < size) throw new ReaderError(`${size} bytes wanted, ${input.length} given`);
      const record: Record<string, unknown> = {};
      let offset = 0;
      for (const { name, field } of rows) {
        record[name] = field.get(input, offset);
        offset += field.size;
      }
      return record as { [K in keyof F]: Value<F[K]> };
    },
    encode(record, payload) {
      const output = new Uint8Array(payload === undefined ? size : size + payload.length);
      if (payload !== undefined) output.set(payload, size);
      let offset = 0;
      for (const { name, field } of rows) {
        field.put(output, offset, record[name]);
        offset += field.size;
      }
      return output;
    },
  };
}
