import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { DerTag, derInteger, derNull, derOctetString, derSequence } from "../../src/crypto/der.ts";
import { DerReader } from "../../src/crypto/der-reader.ts";

const read = (hex: string) => new DerReader(fromHex(hex));

test("Nested values are read in their order, with what encodes them", () => {
  const inner = derSequence(derInteger(Uint8Array.of(0x80)), derNull());
  const reader = new DerReader(derSequence(inner, derOctetString(new Uint8Array(300)))).sequence();
  expect(reader.peekTag()).toBe(DerTag.SEQUENCE);
  const { tag, contents, encoded } = reader.value();
  expect(tag).toBe(DerTag.SEQUENCE);
  expect(toHex(encoded)).toBe(toHex(inner));
  const nested = new DerReader(contents);
  expect(toHex(nested.unsignedInteger())).toBe("80");
  expect(nested.value(DerTag.NULL).contents).toHaveLength(0);
  nested.end();
  expect(reader.nested(DerTag.OCTET_STRING).isAtEnd).toBe(false);
  expect(reader.isAtEnd).toBe(true);
  expect(reader.peekTag()).toBeUndefined();
  reader.end();
});

test.each([
  ["020100", "00"],
  ["02017f", "7f"],
  ["02020080", "80"],
  ["02020100", "0100"],
])("The integer %s is %s", (encoded, value) => {
  expect(toHex(read(encoded).unsignedInteger())).toBe(value);
});

test.each([127, 128, 255, 256, 65_535, 65_536])("A value of %i bytes is read whole", (length) => {
  const encoded = derOctetString(new Uint8Array(length));
  expect(new DerReader(encoded).value(DerTag.OCTET_STRING).contents).toHaveLength(length);
  expect(() => new DerReader(encoded.subarray(0, -1)).value()).toThrow(RangeError);
});

describe("Refused is", () => {
  test.each([
    ["nothing", ""],
    ["a tag alone", "30"],
    ["a length that is cut off", "3082"],
    ["contents that are cut off", "040201"],
    ["an indefinite length", "30800000"],
    ["a length of more than four bytes", "04850000000001ff"],
    ["a long length that fits the short form", "04810100"],
    ["a long length with a leading zero", `04820080${"00".repeat(128)}`],
    ["a length of two gigabytes", "047fffffff"],
    ["a length of four gigabytes", "0484ffffffff00"],
    ["a tag of several bytes", "1f8101"],
  ])("%s", (_, encoded) => {
    expect(() => read(encoded).value()).toThrow(RangeError);
  });

  test.each([
    ["without digits", "0200"],
    ["that is negative", "020180"],
    ["with a zero too many", "0202007f"],
    ["that is an octet string", "040101"],
  ])("an integer %s", (_, encoded) => {
    expect(() => read(encoded).unsignedInteger()).toThrow(RangeError);
  });

  test("another tag than the one that must be there", () => {
    expect(() => read("3100").sequence()).toThrow(RangeError);
  });

  test("more after the end", () => {
    const reader = read("050000");
    reader.value(DerTag.NULL);
    expect(() => reader.end()).toThrow(RangeError);
  });
});
