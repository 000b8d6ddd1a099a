// The data objects, GET DATA and PUT DATA. SP 800-73-4 pt 1 §4.1 table 2 and Appendix A (containers, access rules), pt 2
// §3.1.2, §3.3.1. Persistent: one record an object, its content without tag 53.
//
// All can be read by anybody but four that want the PIN, and written by whoever has the management key. Beside those of
// the standard a client may keep whatever it likes under 5Fxxxx, as on a YubiKey: 5FFF00 is ykman's, 5FFF10 to 5FFF15
// are the Windows minidriver's, 5FFF01 is the certificate of the attestation key.
import { toHex } from "../../src/bytes/hex.ts";
import { Reader, ReaderError } from "../../src/bytes/reader.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv, readTlv, type Tlv } from "../../src/iso7816/tlv.ts";
import type { Platform } from "../../src/platform.ts";
import { type PivContext, requireManagementKey, requirePin } from "./context.ts";
import { KeyReference } from "./identifiers.ts";

const ObjectTag = { TAG_LIST: 0x5c, DATA: 0x53 } as const;

/** P1 and P2 of both commands. */
const CURRENT_FILE = { p1: 0x3f, p2: 0xff } as const;

export const ObjectId = {
  DISCOVERY: 0x7e,
  BIOMETRIC_GROUP_TEMPLATE: 0x7f61,
  CARD_AUTHENTICATION_CERTIFICATE: 0x5fc101,
  CARDHOLDER_UNIQUE_IDENTIFIER: 0x5fc102,
  FINGERPRINTS: 0x5fc103,
  AUTHENTICATION_CERTIFICATE: 0x5fc105,
  FACIAL_IMAGE: 0x5fc108,
  PRINTED_INFORMATION: 0x5fc109,
  SIGNATURE_CERTIFICATE: 0x5fc10a,
  KEY_MANAGEMENT_CERTIFICATE: 0x5fc10b,
  FIRST_RETIRED_CERTIFICATE: 0x5fc10d,
  IRIS_IMAGES: 0x5fc121,
  ATTESTATION_CERTIFICATE: 0x5fff01,
} as const;

/** pt 1 table 3, "PIN" under contact read. A YubiKey has the same four. */
const READABLE_WITH_PIN: ReadonlySet<number> = new Set([
  ObjectId.FINGERPRINTS,
  ObjectId.FACIAL_IMAGE,
  ObjectId.PRINTED_INFORMATION,
  ObjectId.IRIS_IMAGES,
]);

/** Which PINs there are: the application's alone (40), so there is nothing to prefer (00). pt 1 §3.3.2 */
const PIN_USAGE_POLICY = Uint8Array.of(0x40, 0x00);

/** As on a YubiKey: what clients have room for. */
const MAX_OBJECT_LENGTH = 3063;
/** All objects together: some five times what a YubiKey has room for. */
const MAX_TOTAL_LENGTH = 256 * 1024;

export const OBJECT_PREFIX = "piv/object/";
const NOTHING = new Uint8Array(0);

export function objectRecord(id: number): string {
  return `${OBJECT_PREFIX}${id.toString(16)}`;
}

/** The content of an object, or undefined when there is none. */
export function readObject({ store }: Platform, id: number): Uint8Array | undefined {
  return store.get(objectRecord(id));
}

/** Where the certificate of a slot's key is. pt 1 §4.3 */
export function certificateObject(slot: number): number {
  switch (slot) {
    case KeyReference.AUTHENTICATION:
      return ObjectId.AUTHENTICATION_CERTIFICATE;
    case KeyReference.SIGNATURE:
      return ObjectId.SIGNATURE_CERTIFICATE;
    case KeyReference.KEY_MANAGEMENT:
      return ObjectId.KEY_MANAGEMENT_CERTIFICATE;
    case KeyReference.CARD_AUTHENTICATION:
      return ObjectId.CARD_AUTHENTICATION_CERTIFICATE;
    case KeyReference.ATTESTATION:
      return ObjectId.ATTESTATION_CERTIFICATE;
    default:
      return ObjectId.FIRST_RETIRED_CERTIFICATE + slot - KeyReference.RETIRED_FIRST;
  }
}

/** 6A82 for whatever cannot be had, be it badly asked for: so does a YubiKey. */
export async function getData(
  context: PivContext,
  { p1, p2, data }: CommandApdu,
  aid: Uint8Array,
): Promise<Uint8Array> {
  const id = p1 === CURRENT_FILE.p1 && p2 === CURRENT_FILE.p2 ? parseTagList(data) : undefined;
  if (id === undefined) throw new StatusError(StatusWord.FILE_OR_APPLICATION_NOT_FOUND);
  // Before looking, so that nobody learns without the PIN whether the object is there.
  if (READABLE_WITH_PIN.has(id)) requirePin(context);
  if (id === ObjectId.DISCOVERY) {
    return encodeTlv(id, encodeTlv(0x4f, aid), encodeTlv(0x5f2f, PIN_USAGE_POLICY));
  }
  const content = readObject(context.platform, id);
  if (content === undefined) throw new StatusError(StatusWord.FILE_OR_APPLICATION_NOT_FOUND);
  return encodeTlv(id === ObjectId.BIOMETRIC_GROUP_TEMPLATE ? id : ObjectTag.DATA, content);
}

/** An object without content is deleted. */
export async function putData(context: PivContext, { p1, p2, data }: CommandApdu): Promise<Uint8Array> {
  requireManagementKey(context);
  if (p1 !== CURRENT_FILE.p1 || p2 !== CURRENT_FILE.p2) throw new StatusError(StatusWord.WRONG_DATA);
  const { tag: id, value } = parsePutData(data);
  if (value.length > MAX_OBJECT_LENGTH) throw new StatusError(StatusWord.WRONG_LENGTH);
  const { store } = context.platform;
  const record = objectRecord(id);
  if (totalLength(context.platform, record) + value.length > MAX_TOTAL_LENGTH) {
    throw new StatusError(StatusWord.NOT_ENOUGH_MEMORY);
  }
  const isThere = store.get(record) !== undefined;
  if (value.length > 0 || isThere) await store.commit({ [record]: value.length > 0 ? Uint8Array.from(value) : null });
  return NOTHING;
}

/** The only tag in 5C; undefined when there is none. */
function parseTagList(data: Uint8Array): number | undefined {
  const list = readFirst(new Reader(data));
  if (list?.tag !== ObjectTag.TAG_LIST || list.value.length < 1 || list.value.length > 3) return undefined;
  return Number.parseInt(toHex(list.value), 16);
}

/**
 * 5C 03 id 53 content, for any id of 5Fxxxx; or the biometric information group template as itself (pt 2 table 16). The
 * discovery object says what this card is, and no client changes that. Throws 6A80.
 */
function parsePutData(data: Uint8Array): Tlv {
  const reader = new Reader(data);
  const first = readFirst(reader);
  if (first?.tag === ObjectId.BIOMETRIC_GROUP_TEMPLATE) return first;
  const isId = first?.tag === ObjectTag.TAG_LIST && first.value.length === 3 && first.value[0] === 0x5f;
  const object = isId ? readFirst(reader) : undefined;
  if (!isId || object?.tag !== ObjectTag.DATA) throw new StatusError(StatusWord.WRONG_DATA);
  return { tag: Number.parseInt(toHex(first.value), 16), value: object.value };
}

function readFirst(reader: Reader): Tlv | undefined {
  try {
    return readTlv(reader);
  } catch (error) {
    if (error instanceof ReaderError) return undefined;
    throw error;
  }
}

/** Of all objects but that of `record`. */
function totalLength({ store }: Platform, record: string): number {
  let total = 0;
  for (const key of store.keys(OBJECT_PREFIX)) if (key !== record) total += store.get(key)?.length ?? 0;
  return total;
}
