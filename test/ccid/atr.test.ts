import { expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { DEFAULT_ATR, encodeAtr, withoutSpeed } from "../../src/ccid/atr.ts";

test("The answer to reset offers T=1 and says that the card can chain and take long APDUs", () => {
  expect(toHex(DEFAULT_ATR)).toBe("3b8e8131fe158073c021c0584c617463686b65797a");
});

test("The checksum makes the exclusive or of all bytes after TS zero", () => {
  for (const historical of ["", "00", "80", "0031c573c001409000", "ff".repeat(15)]) {
    const atr = encodeAtr(fromHex(historical));
    expect(atr[1]).toBe(0x80 | (historical.length / 2));
    expect(atr.slice(1).reduce((sum, byte) => sum ^ byte, 0)).toBe(0);
  }
});

test("There is room for 15 historical bytes", () => {
  expect(() => encodeAtr(new Uint8Array(16))).toThrow(RangeError);
});

test("In another's reader a YubiKey's answer to reset has no interface bytes for a speed, by which ykman knows its USB interface", () => {
  const own = fromHex("3bfd1300008131fe158073c021c057597562694b657940");
  expect(toHex(withoutSpeed(own))).toBe("3b8d8131fe158073c021c057597562694b657923");
  expect(withoutSpeed(DEFAULT_ATR)).toEqual(DEFAULT_ATR);
});
