// VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, and Yubico's SET PIN RETRIES. OpenPGP 3.4.1 §7.2.2 to §7.2.4
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord, triesLeftError } from "../../src/iso7816/status-word.ts";
import { MAX_PASSWORD_LENGTH } from "./card.ts";
import type { OpenPgpContext } from "./context.ts";
import { requireAccess } from "./data-commands.ts";
import type { PasswordName } from "./passwords.ts";

const NOTHING = new Uint8Array(0);

/** P2 of VERIFY. */
export const Reference = { PW1_SIGNATURE: 0x81, PW1: 0x82, PW3: 0x83 } as const;

/** P1 of VERIFY: compare or ask, and forget. */
const VerifyMode = { COMPARE: 0x00, FORGET: 0xff } as const;
/** P1 of RESET RETRY COUNTER. */
const ResetMode = { RESETTING_CODE: 0x00, PW3: 0x02 } as const;

type Verified = "pw1ForSignature" | "pw1" | "pw3";

function verifiedBy(reference: number): { readonly name: PasswordName; readonly verified: Verified } {
  switch (reference) {
    case Reference.PW1_SIGNATURE:
      return { name: "PW1", verified: "pw1ForSignature" };
    case Reference.PW1:
      return { name: "PW1", verified: "pw1" };
    case Reference.PW3:
      return { name: "PW3", verified: "pw3" };
    default:
      throw new StatusError(StatusWord.WRONG_P1_P2);
  }
}

/** With data: compares. Without: 9000 if that reference is verified, 63Cx with the tries left if not. */
export async function verify(context: OpenPgpContext, { p1, p2, data }: CommandApdu): Promise<Uint8Array> {
  const { volatile, passwords } = context;
  const { name, verified } = verifiedBy(p2);
  if (p1 === VerifyMode.FORGET) {
    if (data.length > 0) throw new StatusError(StatusWord.WRONG_LENGTH);
    volatile[verified] = false;
    return NOTHING;
  }
  if (p1 !== VerifyMode.COMPARE) throw new StatusError(StatusWord.WRONG_P1_P2);
  if (data.length === 0) {
    if (!volatile[verified]) throw triesLeftError(passwords.tries(name));
    return NOTHING;
  }
  volatile[verified] = false; // a wrong guess takes away what a right one gave
  if (data.length > MAX_PASSWORD_LENGTH) throw new StatusError(StatusWord.WRONG_LENGTH); // no password can be that
  await passwords.verify(name, data);
  volatile.superseded.delete(name);
  volatile[verified] = true;
  return NOTHING;
}

/**
 * The old password and the new one, without anything between them: the card knows how long the old one is. Who was verified
 * stays so, §4.2, unless the old one is wrong: Yubico's own tests administer a YubiKey further after its PW3 has changed.
 */
export async function changeReferenceData(context: OpenPgpContext, { p1, p2, data }: CommandApdu): Promise<Uint8Array> {
  if (p1 !== 0x00 || (p2 !== Reference.PW1_SIGNATURE && p2 !== Reference.PW3)) {
    throw new StatusError(StatusWord.WRONG_P1_P2);
  }
  const { passwords, persistent, volatile } = context;
  const { name, verified } = verifiedBy(p2);
  let length: number;
  try {
    length = await passwords.verifyStart(name, data, volatile.superseded.get(name));
  } catch (error) {
    volatile[verified] = false;
    throw error;
  }
  // Only now: the answer to a password that is too short must not tell how long the old one is.
  const changed = data.subarray(length);
  verifyNewLength(context, name, changed);
  await persistent.commit(passwords.replacement(name, changed));
  volatile.superseded.delete(name);
  return NOTHING;
}

/** A new PW1, and all its tries: with the resetting code before it, or after PW3 has been verified. */
export async function resetRetryCounter(context: OpenPgpContext, { p1, p2, data }: CommandApdu): Promise<Uint8Array> {
  if (p2 !== Reference.PW1_SIGNATURE) throw new StatusError(StatusWord.WRONG_P1_P2);
  const { passwords, persistent, volatile } = context;
  let changed = data;
  if (p1 === ResetMode.PW3) requireAccess(context, "PW3");
  else if (p1 === ResetMode.RESETTING_CODE) {
    changed = data.subarray(await passwords.verifyStart("RC", data));
  } else throw new StatusError(StatusWord.WRONG_P1_P2);
  verifyNewLength(context, "PW1", changed);
  await persistent.commit(passwords.replacement("PW1", changed));
  volatile.superseded.delete("PW1");
  volatile.forgetPw1();
  return NOTHING;
}

/** Three bytes: PW1, resetting code, PW3. All tries are given at once. */
export async function setPinRetries(context: OpenPgpContext, { p1, p2, data }: CommandApdu): Promise<Uint8Array> {
  if (p1 !== 0 || p2 !== 0) throw new StatusError(StatusWord.WRONG_P1_P2);
  requireAccess(context, "PW3");
  const [PW1 = 0, RC = 0, PW3 = 0] = data;
  if (data.length !== 3) throw new StatusError(StatusWord.WRONG_LENGTH);
  if (PW1 === 0 || RC === 0 || PW3 === 0) throw new StatusError(StatusWord.WRONG_DATA);
  await context.persistent.commit(context.passwords.tryLimits({ PW1, RC, PW3 }));
  return NOTHING;
}

/** Throws StatusError 6985, as YubiKeys do: it is not the length of the command that is wrong. */
function verifyNewLength(context: OpenPgpContext, name: PasswordName, password: Uint8Array): void {
  if (!context.passwords.isRightLength(name, password.length)) {
    throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  }
}
