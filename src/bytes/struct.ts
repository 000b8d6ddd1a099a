// Fixed layouts as tables: `struct({ name: field, … })` gives `parse`, `encode` and `size`, and the TypeScript type of
// the record is inferred from the table. The names in a table are those of the specification it copies.
import { ReaderError } from "./reader.ts";

export interface Field<T> {
  readonly size: number;
  get(view: DataView, offset: number): T;
  put(view: DataView, offset: number, value: T): void;
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
  get: (view, offset) => view.getUint8(offset),
  put: (view, offset, value) => view.setUint8(offset, value),
};

export const u16be: Field<number> = {
  size: 2,
  get: (view, offset) => view.getUint16(offset),
  put: (view, offset, value) => view.setUint16(offset, value),
};

export const u16le: Field<number> = {
  size: 2,
  get: (view, offset) => view.getUint16(offset, true),
  put: (view, offset, value) => view.setUint16(offset, value, true),
};

export const u32be: Field<number> = {
  size: 4,
  get: (view, offset) => view.getUint32(offset),
  put: (view, offset, value) => view.setUint32(offset, value),
};

export const u32le: Field<number> = {
  size: 4,
  get: (view, offset) => view.getUint32(offset, true),
  put: (view, offset, value) => view.setUint32(offset, value, true),
};

export const i32be: Field<number> = {
  size: 4,
  get: (view, offset) => view.getInt32(offset),
  put: (view, offset, value) => view.setInt32(offset, value),
};

/** Exactly `length` bytes; a shorter value is padded with zeros, a longer one is a programming error. */
export function bytes(length: number): Field<Uint8Array> {
  return {
    size: length,
    get: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, length),
    put: (view, offset, value) => {
      if (value.length > length) throw new RangeError(`${value.length} bytes do not fit a field of ${length}`);
      new Uint8Array(view.buffer, view.byteOffset + offset, length).set(value);
    },
  };
}

/** ASCII text, padded with NUL to `length` bytes; reading stops at the first NUL. */
export function text(length: number): Field<string> {
  return {
    size: length,
    get: (view, offset) => {
      const field = Buffer.from(view.buffer, view.byteOffset + offset, length);
      const end = field.indexOf(0);
      return field.toString("latin1", 0, end < 0 ? length : end);
    },
    put: (view, offset, value) => {
      if (value.length > length) throw new RangeError(`"${value}" does not fit a field of ${length}`);
      Buffer.from(view.buffer, view.byteOffset + offset, length).write(value, "latin1");
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
      const view = new DataView(input.buffer, input.byteOffset, size);
      const record: Record<string, unknown> = {};
      let offset = 0;
      for (const { name, field } of rows) {
        record[name] = field.get(view, offset);
        offset += field.size;
      }
      return record as { [K in keyof F]: Value<F[K]> };
    },
    encode(record, payload) {
      const output = new Uint8Array(payload === undefined ? size : size + payload.length);
      if (payload !== undefined) output.set(payload, size);
      const view = new DataView(output.buffer);
      let offset = 0;
      for (const { name, field } of rows) {
        field.put(view, offset, record[name]);
        offset += field.size;
      }
      return output;
    },
  };
}
