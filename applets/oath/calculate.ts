// CALCULATE, CALCULATE ALL and Nitrokey's VERIFY CODE. YKOATH "CALCULATE INSTRUCTION", "CALCULATE ALL INSTRUCTION"
import { concat } from "../../src/bytes/concat.ts";
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import type { Reader } from "../../src/bytes/reader.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { Platform, PresencePrompt } from "../../src/platform.ts";
import { requestTouch } from "../../src/touch.ts";
import type { Transport } from "../../src/transport.ts";
import { type Account, isTouchRequired } from "./account.ts";
import { type Accounts, encodeCounter } from "./accounts.ts";
import { computeCode, encodeCode } from "./codes.ts";
import { MAX_CHALLENGE_LENGTH, OathType, parseData, parseObjects, readObject, Tag, wrongSyntax } from "./parameters.ts";

/** P2 */
const TRUNCATED = 0x01;

/** How many codes ahead VERIFY CODE looks; what a computer counted without the key is made up for. */
const WINDOW = 10;
/** "Verification failed", to nitrokey-hotp-verification. */
const VERIFICATION_FAILED = 0x6300;

export interface OathContext {
  readonly platform: Platform;
  readonly accounts: Accounts;
}

/** 71 name, 74 challenge → 76 or 75. A HOTP account has its counter in place of the challenge. */
export async function calculate(context: OathContext, apdu: CommandApdu, transport: Transport): Promise<Uint8Array> {
  const { accounts } = context;
  const { name, challenge } = parseData(apdu.data, (reader) => ({
    name: readObject(reader, Tag.NAME),
    challenge: readChallenge(reader),
  }));
  verifyChallenge(challenge);
  const account = accounts.require(name);
  // Its codes are another's to compute: who could ask for them here could forge what they prove.
  if (account.type === OathType.REVERSE_HOTP) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  await requireTouch(context, account, transport);
  const isTruncated = apdu.p2 === TRUNCATED;
  if (account.type === OathType.HOTP) return encodeCode(account, await takeCounter(accounts, account), isTruncated);
  if (!(await accounts.raiseMarks([account], challenge))) throw wrongSyntax();
  return encodeCode(account, challenge, isTruncated);
}

/** HOTP's next challenge, which no other code gets. */
export async function takeCounter(accounts: Accounts, account: Account): Promise<Uint8Array> {
  const counter = await accounts.moveCounter(account, (value) => value + 1);
  return encodeCounter(counter ?? 0);
}

/**
 * 74 challenge → for each account 71 name and 76 or 75; 77 for HOTP, which counts; 7c for an account that wants a touch.
 * What follows the challenge is ignored, as by a YubiKey.
 */
export async function calculateAll({ accounts }: OathContext, apdu: CommandApdu): Promise<Uint8Array> {
  const challenge = parseData(apdu.data, (reader) => {
    const value = readObject(reader, Tag.CHALLENGE);
    reader.rest();
    return value;
  });
  verifyChallenge(challenge);
  const all = accounts.list();
  const computed = all.filter((account) => !isTouchRequired(account));
  if (!(await accounts.raiseMarks(computed, challenge))) throw wrongSyntax();
  const isTruncated = apdu.p2 === TRUNCATED;
  const parts: Uint8Array[] = [];
  for (const account of all) {
    parts.push(account.nameObject);
    if (account.type !== OathType.TOTP) parts.push(Uint8Array.of(Tag.NO_RESPONSE, 1, account.digits));
    else if (isTouchRequired(account)) parts.push(Uint8Array.of(Tag.TOUCH, 1, account.digits));
    else parts.push(encodeCode(account, challenge, isTruncated));
  }
  return concat(...parts);
}

/**
 * 71 name, 75 code (4) → 77 00: the code is the account's next one, or one of the nine after it; the counter then stands
 * behind it. As the Nitrokey 3 answers: 6A82 no such account, 6985 not a reverse HOTP one, 6300 another code.
 */
export async function verifyCode(context: OathContext, apdu: CommandApdu, transport: Transport): Promise<Uint8Array> {
  const [name, code] = parseObjects(apdu.data, [Tag.NAME, Tag.RESPONSE]);
  if (code.length !== 4) throw wrongSyntax();
  const account = context.accounts.find(name);
  if (account === undefined) throw new StatusError(StatusWord.FILE_OR_APPLICATION_NOT_FOUND);
  if (account.type !== OathType.REVERSE_HOTP) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  await requireTouch(context, account, transport);
  const given = Uint8Array.from(code);
  const found = await context.accounts.moveCounter(account, (counter) => {
    for (let ahead = 0; ahead < WINDOW; ahead++) {
      const own = encodeU32be(computeCode(account, encodeCounter(counter + ahead)));
      if (isEqualConstantTime(own, given)) return counter + ahead + 1;
    }
    return undefined;
  });
  if (found === undefined) throw new StatusError(VERIFICATION_FAILED);
  return encodeTlv(Tag.NO_RESPONSE);
}

/** A YubiKey answers 6982 when nobody touched it; ykman then says "Touch account timed out!". */
async function requireTouch({ platform }: OathContext, account: Account, transport: Transport): Promise<void> {
  if (!isTouchRequired(account)) return;
  const outcome = await requestTouch(platform, transport, touchPrompt(account));
  if (outcome !== "granted") throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
}

export function touchPrompt({ type, name }: Account): PresencePrompt {
  const action = type === OathType.REVERSE_HOTP ? "verify a code" : "give a code";
  return { applet: "OATH", action, subject: new TextDecoder().decode(name) };
}

/** A bare `74` at the end is an empty one: so the clients of the YubiKey NEO ask for a HOTP account's next code. */
function readChallenge(reader: Reader): Uint8Array {
  if (reader.remaining === 1 && reader.peek() === Tag.CHALLENGE) return reader.rest().subarray(1);
  return readObject(reader, Tag.CHALLENGE);
}

/** Whatever the account's type. Throws StatusError 6A80. */
function verifyChallenge(challenge: Uint8Array): void {
  if (challenge.length > MAX_CHALLENGE_LENGTH) throw wrongSyntax();
}
