// The management key (SP 800-73-4's card application administration key, 9B): how it is kept, and the proof that a
// client has it. SP 800-73-4 pt 2 §3.2.4 and Appendix A.1; Triple DES or AES, SP 800-78-4 §5. SET MANAGEMENT KEY is
// Yubico's. Persistent: algorithm, touch policy and key; absent as delivered, which is AES-192 since firmware 5.7.
//
//   mutual:    7C 80 empty      → 7C 80 E(witness);  7C 80 witness 81 challenge → 7C 82 E(challenge)
//   external:  7C 81 empty      → 7C 81 challenge;   7C 82 E(challenge)         → nothing
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { Reader, ReaderError } from "../../src/bytes/reader.ts";
import { struct, u8 } from "../../src/bytes/struct.ts";
import { decryptAesEcb, encryptAesEcb } from "../../src/crypto/aes.ts";
import { decryptTdesEcb, encryptTdesEcb, isWeakTdesKey } from "../../src/crypto/tdes.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv, findTlv, type Tlv } from "../../src/iso7816/tlv.ts";
import type { Platform } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import { type PivContext, requireManagementKey } from "./context.ts";
import { AuthenticationTag } from "./dynamic-authentication.ts";
import { AlgorithmId, KeyReference, TouchPolicy } from "./identifiers.ts";
import { requireTouch } from "./touch.ts";

const MANAGEMENT_KEY_RECORD = "piv/management-key";

const Head = struct({ version: u8, algorithm: u8, touchPolicy: u8 });
const RECORD_VERSION = 1;

export interface ManagementKey {
  readonly algorithm: number;
  readonly touchPolicy: number;
  readonly key: Uint8Array;
}

interface Cipher {
  readonly keyLength: number;
  readonly blockLength: number;
  readonly encrypt: (key: Uint8Array, block: Uint8Array) => Uint8Array;
  readonly decrypt: (key: Uint8Array, block: Uint8Array) => Uint8Array;
}

const tdes: Cipher = { keyLength: 24, blockLength: 8, encrypt: encryptTdesEcb, decrypt: decryptTdesEcb };
const aes = (keyLength: number): Cipher => ({
  keyLength,
  blockLength: 16,
  encrypt: encryptAesEcb,
  decrypt: decryptAesEcb,
});
const ciphers: ReadonlyMap<number, Cipher> = new Map([
  [AlgorithmId.TDES, tdes],
  [AlgorithmId.AES128, aes(16)],
  [AlgorithmId.AES192, aes(24)],
  [AlgorithmId.AES256, aes(32)],
]);

/** SP 800-78-4 table 6-2 has two numbers for it; OpenSC and Yubico's manual use this one. */
const TDES_ALIAS = 0x00;

/** P2 of SET MANAGEMENT KEY. */
const TOUCH_OF_P2: ReadonlyMap<number, TouchPolicy> = new Map([
  [0xff, TouchPolicy.NEVER],
  [0xfe, TouchPolicy.ALWAYS],
  [0xfd, TouchPolicy.CACHED],
]);

const DELIVERED: ManagementKey = {
  algorithm: AlgorithmId.AES192,
  touchPolicy: TouchPolicy.NEVER,
  key: Uint8Array.from({ length: 24 }, (_, i) => (i % 8) + 1),
};

const NOTHING = new Uint8Array(0);

export function readManagementKey({ store }: Platform): ManagementKey {
  const record = store.get(MANAGEMENT_KEY_RECORD);
  if (record === undefined) return DELIVERED;
  const { algorithm, touchPolicy } = Head.parse(record);
  return { algorithm, touchPolicy, key: record.subarray(Head.size) };
}

/** Whether key and touch policy are what they were when the card was new, whatever the algorithm. */
export function isManagementKeyDefault({ key, touchPolicy }: ManagementKey): boolean {
  return isEqualConstantTime(key, DELIVERED.key) && touchPolicy === DELIVERED.touchPolicy;
}

/** GENERAL AUTHENTICATE with key reference 9B. A client that asks to have its own data encrypted is refused: 6A80. */
export async function authenticateManagement(
  context: PivContext,
  { p1 }: CommandApdu,
  objects: readonly Tlv[],
  transport: Transport,
): Promise<Uint8Array> {
  const managementKey = readManagementKey(context.platform);
  const algorithm = p1 === TDES_ALIAS ? AlgorithmId.TDES : p1;
  const cipher = ciphers.get(algorithm);
  if (cipher === undefined || algorithm !== managementKey.algorithm) throw new StatusError(StatusWord.WRONG_DATA);
  const step = { context, managementKey, cipher, transport };
  const witness = findTlv(objects, AuthenticationTag.WITNESS);
  const challenge = findTlv(objects, AuthenticationTag.CHALLENGE);
  const response = findTlv(objects, AuthenticationTag.RESPONSE);
  if (witness?.length === 0) return sendWitness(step);
  if (witness !== undefined) return verifyWitness(step, witness, challenge);
  if (challenge?.length === 0) return sendChallenge(step);
  if (challenge === undefined && response !== undefined) return verifyResponse(step, response);
  throw new StatusError(StatusWord.WRONG_DATA);
}

interface Step {
  readonly context: PivContext;
  readonly managementKey: ManagementKey;
  readonly cipher: Cipher;
  readonly transport: Transport;
}

async function sendWitness(step: Step): Promise<Uint8Array> {
  const { context, managementKey, cipher } = step;
  await touch(step);
  const bytes = context.platform.randomBytes(cipher.blockLength);
  context.session.beginAuthentication({ kind: "witness", algorithm: managementKey.algorithm, bytes });
  return encodeAnswer(AuthenticationTag.WITNESS, cipher.encrypt(managementKey.key, bytes));
}

async function verifyWitness(
  { context, managementKey, cipher }: Step,
  witness: Uint8Array,
  challenge: Uint8Array | undefined,
): Promise<Uint8Array> {
  const expected = takeChallenge(context, "witness", managementKey.algorithm);
  if (challenge?.length !== cipher.blockLength) throw new StatusError(StatusWord.WRONG_DATA);
  acceptIf(context, isEqualConstantTime(witness, expected));
  return encodeAnswer(AuthenticationTag.RESPONSE, cipher.encrypt(managementKey.key, challenge));
}

async function sendChallenge({ context, managementKey, cipher }: Step): Promise<Uint8Array> {
  const bytes = context.platform.randomBytes(cipher.blockLength);
  context.session.beginAuthentication({ kind: "challenge", algorithm: managementKey.algorithm, bytes });
  return encodeAnswer(AuthenticationTag.CHALLENGE, bytes);
}

async function verifyResponse(step: Step, response: Uint8Array): Promise<Uint8Array> {
  const { context, managementKey, cipher } = step;
  const expected = takeChallenge(context, "challenge", managementKey.algorithm);
  if (response.length !== cipher.blockLength) throw new StatusError(StatusWord.WRONG_DATA);
  await touch(step);
  acceptIf(context, isEqualConstantTime(cipher.decrypt(managementKey.key, response), expected));
  return NOTHING;
}

/** A challenge is good for one answer, and only for the way and the algorithm it was made for. Throws 6A80. */
function takeChallenge({ session }: PivContext, kind: "witness" | "challenge", algorithm: number): Uint8Array {
  const { challenge } = session;
  if (challenge?.kind !== kind || challenge.algorithm !== algorithm) throw new StatusError(StatusWord.WRONG_DATA);
  const bytes = Uint8Array.from(challenge.bytes);
  session.forgetChallenge();
  return bytes;
}

function acceptIf({ session }: PivContext, isRight: boolean): void {
  session.isManagementAuthenticated = isRight;
  if (!isRight) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
}

function touch({ context, managementKey, transport }: Step): Promise<void> {
  const { MANAGEMENT } = KeyReference;
  return requireTouch(context, transport, MANAGEMENT, managementKey.touchPolicy, "use the management key");
}

function encodeAnswer(tag: number, value: Uint8Array): Uint8Array {
  return encodeTlv(AuthenticationTag.TEMPLATE, encodeTlv(tag, value));
}

/** SET MANAGEMENT KEY: algorithm, 9B, length, key. The client stays authenticated; a touch was for the key that was. */
export async function setManagementKey(context: PivContext, { p1, p2, data }: CommandApdu): Promise<Uint8Array> {
  requireManagementKey(context);
  const touchPolicy = TOUCH_OF_P2.get(p2);
  if (p1 !== 0xff || touchPolicy === undefined) throw new StatusError(StatusWord.INCORRECT_P1_P2);
  const { algorithm, key } = parseNewKey(data);
  const isWeak = algorithm === AlgorithmId.TDES && isWeakTdesKey(key);
  if (ciphers.get(algorithm)?.keyLength !== key.length || isWeak) throw new StatusError(StatusWord.WRONG_DATA);
  const record = Head.encode({ version: RECORD_VERSION, algorithm, touchPolicy }, key);
  await context.platform.store.commit({ [MANAGEMENT_KEY_RECORD]: record });
  context.session.touchedAt.delete(KeyReference.MANAGEMENT);
  return NOTHING;
}

/** Throws 6A80 for another key reference, 6700 when the lengths do not add up. */
function parseNewKey(data: Uint8Array): { readonly algorithm: number; readonly key: Uint8Array } {
  const reader = new Reader(data);
  try {
    const algorithm = reader.u8();
    if (reader.u8() !== KeyReference.MANAGEMENT) throw new StatusError(StatusWord.WRONG_DATA);
    const key = reader.bytes(reader.u8());
    reader.end();
    return { algorithm, key };
  } catch (error) {
    if (error instanceof ReaderError) throw new StatusError(StatusWord.WRONG_LENGTH);
    throw error;
  }
}
