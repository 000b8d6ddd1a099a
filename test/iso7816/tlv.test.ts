import { expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { Reader, ReaderError } from "../../src/bytes/reader.ts";
import { encodeTlv, findTlv, parseTlv, parseTlvs, readTlv } from "../../src/iso7816/tlv.ts";

test.each([
  [0x4f, 0],
  [0x4f, 0x7f],
  [0x5f50, 0x80],
  [0x7f49, 0xff],
  [0x5fc102, 0x100],
  [0x53, 0xffff],
])("Tag %i with %i bytes is encoded in the shortest form, and parsed back", (tag, length) => {
  const encoded = encodeTlv(tag, new Uint8Array(length).fill(0xaa));
  const head = { 0: "00", 127: "7f", 128: "8180", 255: "81ff", 256: "820100", 65535: "82ffff" }[length];
  expect(toHex(encoded.subarray(0, encoded.length - length))).toBe(tag.toString(16) + head);
  expect(parseTlv(encoded)).toEqual({ tag, value: new Uint8Array(length).fill(0xaa) });
});

test("Values are put one after the other, and nested objects found by their tag", () => {
  const encoded = encodeTlv(0x61, encodeTlv(0x4f, fromHex("a0")), encodeTlv(0x50, fromHex("0102"), fromHex("03")));
  expect(toHex(encoded)).toBe("61084f01a05003010203");
  const inner = parseTlvs(parseTlv(encoded).value);
  expect(toHex(findTlv(inner, 0x50) ?? new Uint8Array(0))).toBe("010203");
  expect(findTlv(inner, 0x51)).toBeUndefined();
});

test("A length in more bytes than it needs is taken", () => {
  expect(parseTlv(fromHex("8082000155"))).toEqual({ tag: 0x80, value: fromHex("55") });
});

test.each(["", "80", "8002aa", "8081", "808200", "8080", "80830000 01aa", "1f", "1f8180 8001 00", "8001aa00"])(
  "What is cut, indefinite or longer than said is refused: %s",
  (hex) => {
    expect(() => parseTlv(fromHex(hex))).toThrow(ReaderError);
  },
);

test("The reader stands behind what was read", () => {
  const reader = new Reader(fromHex("8001aa8101bb"));
  readTlv(reader);
  expect(reader.offset).toBe(3);
});

test("More than 65,535 bytes are a mistake of ours", () => {
  expect(() => encodeTlv(0x53, new Uint8Array(0x10000))).toThrow(RangeError);
});
