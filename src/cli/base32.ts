// Keys as services show them: base32, without regard to case, spaces and padding. RFC 4648 §6

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** In hexadecimal; undefined when it is none. */
export function parseBase32(text: string): string | undefined {
  const digits = Array.from(text.toUpperCase().replace(/[\s-]/g, "").replace(/=+$/, ""), (letter) =>
    ALPHABET.indexOf(letter),
  );
  if (digits.length === 0 || digits.includes(-1)) return undefined;
  const bits = digits.map((digit) => digit.toString(2).padStart(5, "0")).join("");
  const bytes = bits.match(/.{8}/g);
  return bytes?.map((byte) => Number.parseInt(byte, 2).toString(16).padStart(2, "0")).join("");
}
