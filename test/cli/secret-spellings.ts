// Looking for secrets in text, however their bytes may have been written there.
import { expect } from "vitest";

/** Every way that bytes are commonly written. */
function spellings(secret: Uint8Array): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  return [
    hex,
    hex.toUpperCase(),
    hex.match(/../g)?.join(" ") ?? "",
    bytes.toString("base64"),
    bytes.toString("base64url"),
    [...bytes].join(","),
    [...bytes].join(", "),
  ];
}

/** Any 16 bytes in a row of a record, private keys among them, would give it away. */
export function expectNoPieceOf(secrets: readonly Uint8Array[], text: string): void {
  for (const secret of secrets) {
    for (let at = 0; at + 16 <= secret.length; at += 4) {
      for (const spelled of spellings(secret.subarray(at, at + 16))) expect(text).not.toContain(spelled.slice(0, 20));
    }
  }
}

/** A word of ASCII, as itself or as its bytes. In base64 it is found where it begins a group of three bytes. */
export function expectNoWord(word: string, text: string): void {
  const bytes = Buffer.from(word);
  const whole = bytes.length - (bytes.length % 3);
  const spelled = spellings(bytes).map((each, index) =>
    index === 3 || index === 4 ? bytes.subarray(0, whole).toString("base64") : each,
  );
  for (const each of [word, ...spelled]) expect(text).not.toContain(each);
}
