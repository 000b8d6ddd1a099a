// The small ones: hex, integers, concat, equal, wipe.
import { expect, test } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { isEqual, isEqualConstantTime } from "../../src/bytes/equal.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { encodeU16be, encodeU16le, encodeU32be, encodeU32le } from "../../src/bytes/integer.ts";
import { wipe } from "../../src/bytes/wipe.ts";

test("Hexadecimal text becomes bytes and back, white space aside", () => {
  expect(fromHex("00 fF\n10")).toEqual(Uint8Array.of(0, 255, 16));
  expect(toHex(Uint8Array.of(0, 255, 16))).toBe("00ff10");
  expect(toHex(Uint8Array.of(1, 2, 3).subarray(1))).toBe("0203");
  expect(fromHex("")).toHaveLength(0);
});

test.each(["0", "0g", "zz", "0x00", "12 3"])("%j is refused as hexadecimal", (text) => {
  expect(() => fromHex(text)).toThrow(RangeError);
});

test("Integers become bytes in both orders", () => {
  expect(toHex(encodeU16be(0x1234))).toBe("1234");
  expect(toHex(encodeU16le(0x1234))).toBe("3412");
  expect(toHex(encodeU32be(0xfedc_ba98))).toBe("fedcba98");
  expect(toHex(encodeU32le(0xfedc_ba98))).toBe("98badcfe");
});

test("Arrays are joined in order", () => {
  expect(concat()).toHaveLength(0);
  expect(concat(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3));
});

test.each([isEqual, isEqualConstantTime])("%o tells equal bytes from others, whatever their lengths", (compare) => {
  expect(compare(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(compare(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(compare(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false);
  expect(compare(new Uint8Array(0), new Uint8Array(0))).toBe(true);
});

test("Wiping overwrites the buffers themselves", () => {
  const secret = Uint8Array.of(1, 2, 3);
  const part = secret.subarray(1);
  wipe(part, new Uint8Array(0));
  expect(secret).toEqual(Uint8Array.of(1, 0, 0));
});
