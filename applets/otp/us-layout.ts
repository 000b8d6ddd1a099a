// A password as the keys of a US keyboard. HID Usage Tables, page 0x07
import { type ScanCode, SHIFT } from "./scan-map.ts";

/** The first usage of each row, and the characters of its keys without and with Shift. */
const ROWS: readonly (readonly [first: ScanCode, plain: string, shifted: string])[] = [
  [0x04, "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
  [0x1e, "1234567890", "!@#$%^&*()"],
  [0x2b, "\t -=[]\\", "\0\0_+{}|"],
  [0x33, ";'`,./", ':"~<>?'],
];

const CODES: ReadonlyMap<string, ScanCode> = new Map(
  ROWS.flatMap(([first, plain, shifted]) => [
    ...Array.from(plain, (character, index): [string, ScanCode] => [character, first + index]),
    ...Array.from(shifted, (character, index): [string, ScanCode] => [character, (first + index) | SHIFT]),
  ]).filter(([character]) => character !== "\0"),
);

/** Undefined when a character is on no key of it. */
export function usScanCodes(text: string): Uint8Array | undefined {
  const codes = Array.from(text, (character) => CODES.get(character));
  const known = codes.filter((code) => code !== undefined);
  return known.length === codes.length ? Uint8Array.from(known) : undefined;
}
