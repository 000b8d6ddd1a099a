import { describe, expect, test } from "vitest";
import { toHex } from "../../src/bytes/hex.ts";
import { ReaderError } from "../../src/bytes/reader.ts";
import { bytes, i32be, struct, text, u8, u16be, u16le, u32be, u32le } from "../../src/bytes/struct.ts";

const Every = struct({ a: u8, b: u16be, c: u16le, d: u32be, e: u32le, f: i32be, g: bytes(3), h: text(4) });
const record = {
  a: 0x01,
  b: 0x0203,
  c: 0x0405,
  d: 0x8607_0809,
  e: 0x8a0b_0c0d,
  f: -104,
  g: Uint8Array.of(1, 2, 3),
  h: "ok",
};
const encoded = `01 0203 0504 86070809 0d0c0b8a ffffff98 010203 6f6b0000`.replaceAll(" ", "");

describe("A struct", () => {
  test("writes its fields in the order of the table, each in its byte order", () => {
    expect(toHex(Every.encode(record))).toBe(encoded);
    expect(Every.size).toBe(encoded.length / 2);
  });

  test("reads back what it wrote, from an offset in a larger buffer too, and ignores what follows", () => {
    const larger = new Uint8Array(100).fill(0xee);
    larger.set(Every.encode(record), 7);
    expect(Every.parse(larger.subarray(7))).toEqual(record);
  });

  test("refuses bytes that are too few", () => {
    const whole = Every.encode(record);
    for (let length = 0; length < Every.size; length++) {
      expect(() => Every.parse(whole.subarray(0, length))).toThrow(ReaderError);
    }
  });

  test("puts a payload after the record, in the same array", () => {
    const Pair = struct({ a: u8, b: u8 });
    expect(Pair.encode({ a: 1, b: 2 }, Uint8Array.of(3, 4, 5))).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
  });

  test("gives byte fields as views, which cost no copy", () => {
    const input = Uint8Array.of(9, 1, 2, 3);
    const { g } = struct({ x: u8, g: bytes(3) }).parse(input);
    input[1] = 0xff;
    expect(g).toEqual(Uint8Array.of(0xff, 2, 3));
  });

  test("pads short bytes and text with zeros and refuses what does not fit", () => {
    const Fixed = struct({ g: bytes(3), h: text(3) });
    expect(Fixed.encode({ g: Uint8Array.of(7), h: "x" })).toEqual(Uint8Array.of(7, 0, 0, 0x78, 0, 0));
    expect(() => Fixed.encode({ g: new Uint8Array(4), h: "" })).toThrow(RangeError);
    expect(() => Fixed.encode({ g: new Uint8Array(0), h: "four" })).toThrow(RangeError);
  });

  test("reads text up to its first NUL, or whole when there is none", () => {
    const Name = struct({ name: text(4) });
    expect(Name.parse(Uint8Array.of(0x61, 0, 0x62, 0x63)).name).toBe("a");
    expect(Name.parse(Uint8Array.of(0x61, 0x62, 0x63, 0x64)).name).toBe("abcd");
  });
});
