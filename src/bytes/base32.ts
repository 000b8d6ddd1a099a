// Base32 as services show keys in it: in upper or lower case, with or without padding, in groups with spaces or hyphens
// between them. RFC 4648 §6

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** Of the last eight digits: no number of bytes has these many. */
const IMPOSSIBLE_LENGTHS: readonly number[] = [1, 3, 6];

/** Undefined when it is none. */
export function parseBase32(text: string): Uint8Array | undefined {
  const digits = text.toUpperCase().replace(/[\s-]/g, "").replace(/=+$/, "");
  if (!/^[A-Z2-7]*$/.test(digits) || IMPOSSIBLE_LENGTHS.includes(digits.length % 8)) return undefined;
  const bytes = new Uint8Array(Math.floor((digits.length * 5) / 8));
  let bits = 0;
  let held = 0;
  let at = 0;
  for (const digit of digits) {
    held = ((held << 5) | ALPHABET.indexOf(digit)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >>> bits;
    }
  }
  return bytes;
}
