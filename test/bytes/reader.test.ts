import { describe, expect, test } from "vitest";
import { fromHex } from "../../src/bytes/hex.ts";
import { Reader, ReaderError } from "../../src/bytes/reader.ts";

describe("A reader", () => {
  test("reads numbers in both byte orders, unsigned, and keeps count", () => {
    const reader = new Reader(fromHex("01 0203 84050607 0908 0d0c0b8a ff"));
    expect(reader.u8()).toBe(1);
    expect(reader.u16be()).toBe(0x0203);
    expect(reader.u32be()).toBe(0x84050607);
    expect(reader.u16le()).toBe(0x0809);
    expect(reader.u32le()).toBe(0x8a0b0c0d);
    expect(reader.peek()).toBe(0xff);
    expect([reader.offset, reader.remaining]).toEqual([13, 1]);
  });

  test("gives bytes as views, and the rest", () => {
    const input = fromHex("01020304");
    const reader = new Reader(input);
    const first = reader.bytes(2);
    input[0] = 9;
    expect(first).toEqual(fromHex("0902"));
    expect(reader.rest()).toEqual(fromHex("0304"));
    expect(reader.rest()).toHaveLength(0);
    expect(() => reader.end()).not.toThrow();
  });

  test.each([
    ["u8", (reader: Reader) => reader.u8()],
    ["peek", (reader: Reader) => reader.peek()],
    ["u16be", (reader: Reader) => reader.u16be()],
    ["u16le", (reader: Reader) => reader.u16le()],
    ["u32be", (reader: Reader) => reader.u32be()],
    ["u32le", (reader: Reader) => reader.u32le()],
    ["bytes", (reader: Reader) => reader.bytes(1)],
  ])("refuses to read past the end: %s", (_name, read) => {
    expect(() => read(new Reader(new Uint8Array(0)))).toThrow(ReaderError);
  });

  test("refuses a negative length, and bytes left over where none may be", () => {
    const reader = new Reader(new Uint8Array(2));
    expect(() => reader.bytes(-1)).toThrow(ReaderError);
    expect(() => reader.bytes(3)).toThrow(ReaderError);
    expect(() => reader.end()).toThrow(ReaderError);
    expect(reader.offset).toBe(0);
  });
});
