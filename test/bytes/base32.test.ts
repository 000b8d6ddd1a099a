import { expect, test } from "vitest";
import { parseBase32 } from "../../src/bytes/base32.ts";
import { fromHex } from "../../src/bytes/hex.ts";

const FOOBAR = fromHex("666f6f626172");

test("Base32 is read as RFC 4648 §10 has it, however it is spaced and padded", () => {
  expect(parseBase32("MZXW6YTBOI======")).toEqual(FOOBAR);
  expect(parseBase32("mzxw 6ytb-oi")).toEqual(FOOBAR);
  expect(parseBase32("MZXW6YQ=")).toEqual(FOOBAR.subarray(0, 4));
  expect(parseBase32("")).toEqual(new Uint8Array(0));
});

test.each(["A1", "A", "ABC", "ABCDEF", "MZXW6===YQ"])("%j is no Base32", (text) => {
  expect(parseBase32(text)).toBeUndefined();
});
