// Which PINs are taken. CTAP 2.3 §6.5.5.5 steps 7 to 10, §6.5.5.6 steps 10 to 14; §6.4 minPINLength, maxPINLength and
// pinComplexityPolicy
//
// A PIN is too easy to guess, when the key is told to mind that, if it is one character repeated ("0000"), steps through
// the code points by one ("1234", "dcba"), or repeats a part of itself twice or more ("1212", "abcabc").
import { isProgression, isRepetition } from "../../src/pin-complexity.ts";
import type { Fido2Context } from "./context.ts";
import { CtapError, CtapStatus } from "./status.ts";

/** Bytes of UTF-8: getInfo's maxPINLength, and what is left of 64 bytes when at least one of them is padding. */
export const MAX_PIN_LENGTH = 63;
const PADDED_LENGTH = 64;

export interface NewPin {
  /** UTF-8, without padding. */
  readonly bytes: Uint8Array;
  readonly codePoints: number;
  readonly isComplex: boolean;
}

/** Whether PINs that are easy to guess are refused: by the key's own configuration, or because a platform set it so. */
export function isPinComplexityEnforced({ options, settings }: Fido2Context): boolean {
  return options.pinComplexity || settings.pinComplexity;
}

/** Takes the padding off. Throws INVALID_PARAMETER for another length than 64, PIN_POLICY_VIOLATION for a PIN that will not do. */
export function parseNewPin(context: Fido2Context, padded: Uint8Array): NewPin {
  if (padded.length !== PADDED_LENGTH) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "the padded PIN has another length");
  }
  const length = padded.findLastIndex((byte) => byte !== 0) + 1;
  const characters = decodeCharacters(padded.subarray(0, length));
  if (length > MAX_PIN_LENGTH || characters.length < context.settings.minPinLength) {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION, "the PIN is too short or too long");
  }
  const isComplex = !isEasyToGuess(characters);
  if (!isComplex && isPinComplexityEnforced(context)) {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION, "the PIN is easy to guess");
  }
  return { bytes: padded.subarray(0, length), codePoints: characters.length, isComplex };
}

/** The code points of UTF-8; what is no UTF-8 has none that could be counted. */
function decodeCharacters(pin: Uint8Array): number[] {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(pin);
    return Array.from(text, (character) => character.codePointAt(0) ?? 0);
  } catch {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION, "the PIN is not UTF-8");
  }
}

/** See the head of this file. `characters`: code points. */
function isEasyToGuess(characters: readonly number[]): boolean {
  return isProgression(characters) || isRepetition(characters);
}
