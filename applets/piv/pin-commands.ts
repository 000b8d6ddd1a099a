// VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER (SP 800-73-4 pt 2 §3.2.1 to §3.2.3), and Yubico's SET PIN
// RETRIES. Only one PIN is here: no global PIN (00), biometry (96, 97) or pairing code (98). Where a YubiKey 5.7.4 says
// another status word than one would think, the comment says so; RS-Key's authors measured them.
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { type PivContext, requireManagementKey, requirePin } from "./context.ts";
import { KeyReference } from "./identifiers.ts";
import { isEasyToGuess } from "./pin-complexity.ts";
import { isWellFormed, REFERENCE_LENGTH, type ReferenceData } from "./reference-data.ts";

/** P1 of VERIFY: compare, or forget that the PIN was given. */
const VerifyAction = { COMPARE: 0x00, FORGET: 0xff } as const;

/** Key references of others than PINs: two fingers, and the pairing code. pt 1 §5.1 table 4 */
const OTHER_MEANS: readonly number[] = [0x96, 0x97, 0x98];

const NOTHING = new Uint8Array(0);

export async function verify({ pin, session }: PivContext, { p1, p2, data }: CommandApdu): Promise<Uint8Array> {
  // A YubiKey says 6A80 for a P1 and a key reference that it does not know, where ISO 7816-4 has 6A86 and 6A88.
  const isKnown = p1 === VerifyAction.COMPARE || (p1 === VerifyAction.FORGET && data.length === 0);
  if (!isKnown) throw new StatusError(StatusWord.WRONG_DATA);
  // By this yubikit knows a YubiKey without a fingerprint reader.
  if (OTHER_MEANS.includes(p2)) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  if (p2 !== KeyReference.PIN) throw new StatusError(StatusWord.WRONG_DATA);
  if (p1 === VerifyAction.FORGET) {
    session.setPinVerified(false);
    return NOTHING;
  }
  if (data.length === 0) {
    if (session.isPinVerified && !pin.isBlocked) return NOTHING;
    throw pin.statusOfTries();
  }
  // From here on the PIN counts as given only if it is right. What cannot be a PIN costs no try. §3.2.1.1
  session.setPinVerified(false);
  if (data.length !== REFERENCE_LENGTH) throw new StatusError(StatusWord.WRONG_DATA);
  await pin.verify(data);
  session.setPinVerified(true);
  return NOTHING;
}

/**
 * The old value and the new one, 8 bytes each. The PIN counts as given when it was changed, and no longer when the old one
 * was wrong (§3.2.2; a YubiKey lets it count on).
 */
export async function changeReferenceData(context: PivContext, { p1, p2, data }: CommandApdu): Promise<Uint8Array> {
  const reference = p1 !== 0x00 ? undefined : { [KeyReference.PIN]: context.pin, [KeyReference.PUK]: context.puk }[p2];
  if (reference === undefined) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  await replace(context, reference, reference, data);
  if (p2 === KeyReference.PIN) context.session.setPinVerified(true);
  return NOTHING;
}

/** The PUK and a new PIN, which gets all its tries. Whether the PIN was given stays as it was, but for a wrong PUK. §3.2.3 */
export async function resetRetryCounter(context: PivContext, { p1, p2, data }: CommandApdu): Promise<Uint8Array> {
  if (p1 !== 0x00 || p2 !== KeyReference.PIN) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  await replace(context, context.puk, context.pin, data);
  return NOTHING;
}

/** P1 and P2: tries of the PIN and of the PUK. Both become what they were when the card was new. */
export async function setPinRetries(context: PivContext, { p1, p2 }: CommandApdu): Promise<Uint8Array> {
  requireManagementKey(context);
  requirePin(context);
  // A YubiKey takes 0 and is blocked for good; nobody can want that.
  if (p1 === 0 || p2 === 0) throw new StatusError(StatusWord.WRONG_DATA);
  const { pin, puk, platform, session } = context;
  await platform.store.commit({ ...pin.changesToDefault(p1), ...puk.changesToDefault(p2) });
  session.setPinVerified(false);
  return NOTHING;
}

/** Verifies the first half of `data` against `known`, and makes the second half the value of `target`. */
async function replace(
  { options, pin, platform, session }: PivContext,
  known: ReferenceData,
  target: ReferenceData,
  data: Uint8Array,
): Promise<void> {
  if (data.length !== 2 * REFERENCE_LENGTH) throw new StatusError(StatusWord.WRONG_DATA);
  const value = data.subarray(REFERENCE_LENGTH);
  const refusal = refusalOf(value, options.pinComplexity);
  // The known value first: a wrong one costs a try whatever the new one looks like.
  try {
    await known.verify(data.subarray(0, REFERENCE_LENGTH), refusal === undefined ? "all tries" : "this try");
  } catch (error) {
    if (target === pin) session.setPinVerified(false);
    throw error;
  }
  if (refusal !== undefined) throw refusal;
  await platform.store.commit(target.changesToSet(value));
}

/** What is wrong with a new PIN or PUK. */
function refusalOf(value: Uint8Array, pinComplexity: boolean): StatusError | undefined {
  if (!isWellFormed(value)) return new StatusError(StatusWord.WRONG_DATA);
  // 6985 is what ykman reads as "does not meet the complexity requirement".
  if (pinComplexity && isEasyToGuess(value)) return new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  return undefined;
}
