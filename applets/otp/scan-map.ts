// From characters to the keys of a keyboard: modhex, whose letters stand in the same place on most keyboards, and the map
// that says where, which a host can write. ykpersonalize(1), -S; HID Usage Tables, page 0x07
import { fromHex } from "../../src/bytes/hex.ts";

/** A usage of the keyboard page, with SHIFT where Shift is held. */
export type ScanCode = number;

export const SHIFT = 0x80;

const MODHEX = "cbdefghijklnrtuv";

/** The characters of a scan map, in its order. */
const MAPPED = `${MODHEX}${MODHEX.toUpperCase()}0123456789!\t\r`;

export const SCAN_MAP_SIZE = MAPPED.length;

/** Where a US keyboard has them. */
export const DEFAULT_SCAN_MAP = fromHex(
  `06050708090a0b0c0d0e0f1115171819 86858788898a8b8c8d8e8f9195979899
   271e1f20212223242526 9e 2b 28`,
);

/** Of the digits that are not among modhex's letters. */
const HEX_A: ScanCode = 0x04;

/** The digits 1 to 9 and 0 of the numeric keypad: usages 59 to 62. */
const KEYPAD_1 = 0x59;

/** The host's map must have no code twice. */
export function isScanMap(map: Uint8Array): boolean {
  return map.length === SCAN_MAP_SIZE && new Set(map).size === SCAN_MAP_SIZE;
}

/** Modhex of the bytes. */
export function encodeModhex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `${MODHEX[byte >>> 4]}${MODHEX[byte & 0x0f]}`).join("");
}

/** Undefined when it is none. */
export function parseModhex(text: string): Uint8Array | undefined {
  const digits = Array.from(text, (letter) => MODHEX.indexOf(letter));
  if (digits.length % 2 !== 0 || digits.includes(-1)) return undefined;
  return fromHex(digits.map((digit) => digit.toString(16)).join(""));
}

/** The keys that type a ticket: modhex, digits of hexadecimal numbers, !, tab and carriage return. */
export function scanCodesOf(text: string, map: Uint8Array = DEFAULT_SCAN_MAP, useKeypad = false): ScanCode[] {
  return Array.from(text, (character) => {
    if (useKeypad && /\d/.test(character)) return KEYPAD_1 + ((Number(character) + 9) % 10);
    if (character === "a") return HEX_A;
    const code = map[MAPPED.indexOf(character)];
    if (code === undefined) throw new RangeError("a ticket has no such character");
    return code;
  });
}
