// Which PINs and PUKs are too easy to guess, on a key that is told to mind that (YubiKey 5.7 "PIN complexity"): one
// character repeated, characters that step by one, a part repeated, and what people choose most often of six to eight
// characters.
import { isProgression, isRepetition } from "../../src/pin-complexity.ts";
import { withoutPadding } from "./reference-data.ts";

const COMMON = new Set([
  "password",
  "qwerty",
  "abc123",
  "123321",
  "112233",
  "123654",
  "159753",
  "iloveyou",
  "1q2w3e4r",
  "qwerty12",
  "passw0rd",
]);

/** `padded`: 8 bytes, as they came. */
export function isEasyToGuess(padded: Uint8Array): boolean {
  const reference = withoutPadding(padded);
  const characters = [...reference];
  return isProgression(characters) || isRepetition(characters) || COMMON.has(new TextDecoder().decode(reference));
}
