// What the card's keys are for: PSO: COMPUTE DIGITAL SIGNATURE, DECIPHER and ENCIPHER, INTERNAL AUTHENTICATE, and MANAGE
// SECURITY ENVIRONMENT, which says what key the second and the fourth use. OpenPGP 3.4.1 §7.2.10 to §7.2.13, §7.2.18
import { concat } from "../../src/bytes/concat.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { decryptAesCbc, encryptAesCbc } from "../../src/crypto/aes.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { parseTlv } from "../../src/iso7816/tlv.ts";
import type { Transport } from "../../src/transport.ts";
import type { OpenPgpContext } from "./context.ts";
import { requireAccess } from "./data-commands.ts";
import { parsing } from "./data-field.ts";
import { AES_KEY, PW_STATUS } from "./data-objects.ts";
import { type KeySlot, keySlots } from "./key-slots.ts";
import { SIGNATURE_COUNTER } from "./keys.ts";
import { dataObjectKey } from "./persistent.ts";
import { Cipher, type PrivateKey } from "./private-key.ts";
import { requireTouch } from "./user-interaction.ts";

const NOTHING = new Uint8Array(0);

/** P1-P2 of PERFORM SECURITY OPERATION: what comes out, and what goes in. ISO/IEC 7816-8 §11 */
const Operation = { COMPUTE_DIGITAL_SIGNATURE: 0x9e9a, DECIPHER: 0x8086, ENCIPHER: 0x8680 } as const;
/** P1-P2 of MANAGE SECURITY ENVIRONMENT: set, for deciphering and for authentication. */
const Environment = { DECIPHER: 0x41b8, AUTHENTICATION: 0x41a4 } as const;
const KEY_REFERENCE = 0x83;

const AES_BLOCK = 16;
const ZERO_IV = new Uint8Array(AES_BLOCK);
const MAX_COUNTER = 0xff_ffff;

export async function performSecurityOperation(
  context: OpenPgpContext,
  apdu: CommandApdu,
  transport: Transport,
): Promise<Uint8Array> {
  switch (apdu.p1 * 0x100 + apdu.p2) {
    case Operation.COMPUTE_DIGITAL_SIGNATURE:
      return computeDigitalSignature(context, apdu.data, transport);
    case Operation.DECIPHER:
      return decipher(context, apdu.data, transport);
    case Operation.ENCIPHER:
      return encipher(context, apdu.data);
    default:
      throw new StatusError(StatusWord.WRONG_P1_P2);
  }
}

async function computeDigitalSignature(
  context: OpenPgpContext,
  data: Uint8Array,
  transport: Transport,
): Promise<Uint8Array> {
  const { persistent, volatile } = context;
  const key = await obtainKey(context, transport, "sig", "sign", () => requirePw1ForSignature(context));
  const isForSeveral = persistent.dataObject(PW_STATUS)?.[0] === 1;
  if (!isForSeveral) volatile.pw1ForSignature = false;
  const signature = key.sign(data);
  // Counted before it is given away.
  await persistent.commit({ [dataObjectKey(SIGNATURE_COUNTER)]: encodeCounter(signatureCounter(context) + 1) });
  return signature;
}

/** How many signatures the signature key has made. */
export function signatureCounter({ persistent }: OpenPgpContext): number {
  const counter = persistent.dataObject(SIGNATURE_COUNTER);
  return counter === undefined ? 0 : new Reader(concat(Uint8Array.of(0), counter)).u32be();
}

/** Three bytes, which stay at their greatest value rather than begin anew. */
function encodeCounter(value: number): Uint8Array {
  return encodeU32be(Math.min(value, MAX_COUNTER)).subarray(1);
}

/** The padding indicator byte says with what: RSA and ECDH with a key of the card, AES with the data object D5. */
async function decipher(context: OpenPgpContext, data: Uint8Array, transport: Transport): Promise<Uint8Array> {
  requireAccess(context, "PW1");
  if (data.length === 0) throw new StatusError(StatusWord.WRONG_LENGTH);
  if (data[0] === Cipher.AES) {
    requireAesKey(context);
    await requireTouch(context, transport, "dec", "decrypt");
    requireAccess(context, "PW1");
    return decryptAesCbc(requireAesKey(context), ZERO_IV, wholeBlocks(data.subarray(1)));
  }
  const slot = context.volatile.decipherKey;
  const key = await obtainKey(context, transport, slot, "decrypt", () => requireAccess(context, "PW1"));
  return key.decipher(data);
}

/** AES in CBC mode with an IV of zeros; what comes out begins with the padding indicator that DECIPHER wants. */
function encipher(context: OpenPgpContext, data: Uint8Array): Uint8Array {
  requireAccess(context, "PW1");
  return concat(Uint8Array.of(Cipher.AES), encryptAesCbc(requireAesKey(context), ZERO_IV, wholeBlocks(data)));
}

export async function internalAuthenticate(
  context: OpenPgpContext,
  { p1, p2, data }: CommandApdu,
  transport: Transport,
): Promise<Uint8Array> {
  if (p1 !== 0 || p2 !== 0) throw new StatusError(StatusWord.WRONG_P1_P2);
  const slot = context.volatile.authenticationKey;
  const key = await obtainKey(context, transport, slot, "authenticate", () => requireAccess(context, "PW1"));
  return key.sign(data);
}

/** Until the card is selected again. `83 01 02`: the decryption key, `83 01 03`: the authentication key. */
export function manageSecurityEnvironment({ volatile }: OpenPgpContext, { p1, p2, data }: CommandApdu): Uint8Array {
  const environment = p1 * 0x100 + p2;
  if (environment !== Environment.DECIPHER && environment !== Environment.AUTHENTICATION) {
    throw new StatusError(StatusWord.WRONG_P1_P2);
  }
  const { tag, value } = parsing(() => parseTlv(data));
  if (tag !== KEY_REFERENCE || value.length !== 1) throw new StatusError(StatusWord.WRONG_DATA);
  const slot = (["dec", "aut"] as const).find((candidate) => keySlots[candidate].reference === value[0]);
  if (slot === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  if (environment === Environment.DECIPHER) volatile.decipherKey = slot;
  else volatile.authenticationKey = slot;
  return NOTHING;
}

/**
 * The key, once access is granted and the touch that it wants is there. While that is waited for, the owner may reset the
 * card or take its power away: then neither access nor key is what it was, and both are asked for again.
 */
async function obtainKey(
  context: OpenPgpContext,
  transport: Transport,
  slot: KeySlot,
  action: string,
  verifyAccess: () => void,
): Promise<PrivateKey> {
  verifyAccess();
  requireKey(context, slot);
  await requireTouch(context, transport, slot, action);
  verifyAccess();
  return requireKey(context, slot);
}

function requirePw1ForSignature({ volatile }: OpenPgpContext): void {
  if (!volatile.pw1ForSignature) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
}

/** Throws StatusError 6A88 when the slot is empty. */
export function requireKey({ keys }: OpenPgpContext, slot: KeySlot): PrivateKey {
  const key = keys.load(slot);
  if (key === undefined) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  return key;
}

function requireAesKey({ persistent }: OpenPgpContext): Uint8Array {
  const key = persistent.dataObject(AES_KEY);
  if (key === undefined) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  return key;
}

function wholeBlocks(data: Uint8Array): Uint8Array {
  if (data.length === 0 || data.length % AES_BLOCK !== 0) throw new StatusError(StatusWord.WRONG_LENGTH);
  return data;
}
