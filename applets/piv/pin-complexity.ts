// Which PINs and PUKs are too easy to guess, on a key that is told to mind that (YubiKey 5.7 "PIN complexity"): one
// character repeated, characters that step by one, a part repeated, and what people choose most often of six to eight
// characters.
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
  return isProgression(reference) || isRepetition(reference) || COMMON.has(new TextDecoder().decode(reference));
}

/** "123456", "654321", "111111". */
function isProgression(reference: Uint8Array): boolean {
  const first = reference[0] ?? 0;
  const step = (reference[1] ?? 0) - first;
  return Math.abs(step) <= 1 && reference.every((byte, i) => byte === first + i * step);
}

/** "121212", "123123". */
function isRepetition(reference: Uint8Array): boolean {
  return [1, 2, 3, 4].some(
    (period) =>
      2 * period <= reference.length &&
      reference.length % period === 0 &&
      reference.every((byte, i) => byte === reference[i % period]),
  );
}
