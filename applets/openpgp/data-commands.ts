// SELECT DATA, GET DATA, GET NEXT DATA and PUT DATA. OpenPGP 3.4.1 §7.2.5 to §7.2.8
import { isEqual } from "../../src/bytes/equal.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv, findTlv, parseTlv, parseTlvs } from "../../src/iso7816/tlv.ts";
import type { OpenPgpContext } from "./context.ts";
import { parsing } from "./data-field.ts";
import {
  type Access,
  CARDHOLDER_CERTIFICATE,
  CERTIFICATE_OCCURRENCES,
  certificateKey,
  findDataObject,
} from "./data-objects.ts";
import { importKey } from "./import-key.ts";
import { KDF } from "./kdf.ts";
import type { PasswordName, PasswordVerifier } from "./passwords.ts";

const NOTHING = new Uint8Array(0);

/** SELECT DATA: a general reference template that holds a tag list. */
const GENERAL_REFERENCE = 0x60;
const TAG_LIST = 0x5c;
const CARDHOLDER_CERTIFICATE_TAG = Uint8Array.of(0x7f, 0x21);

function tagOf({ p1, p2 }: CommandApdu): number {
  return p1 * 0x100 + p2;
}

/** P1: the occurrence, from 0. */
export function selectData({ volatile }: OpenPgpContext, { p1, data }: CommandApdu): Uint8Array {
  const tags = parsing(() => {
    const { tag, value } = parseTlv(data);
    return tag === GENERAL_REFERENCE ? findTlv(parseTlvs(value), TAG_LIST) : undefined;
  });
  if (tags === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  // It is the only data object that there are several of.
  if (!isEqual(tags, CARDHOLDER_CERTIFICATE_TAG) || p1 >= CERTIFICATE_OCCURRENCES) {
    throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  }
  volatile.occurrence = p1;
  return NOTHING;
}

export function getData(context: OpenPgpContext, apdu: CommandApdu): Uint8Array {
  if (apdu.data.length > 0) throw new StatusError(StatusWord.WRONG_LENGTH);
  const object = findDataObject(tagOf(apdu));
  if (object.isPart === true) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  requireAccess(context, object.read);
  const value = object.value(context);
  return object.isTemplate === true ? encodeTlv(object.tag, value) : value;
}

/** The next cardholder certificate after the one that is selected. */
export function getNextData({ persistent, volatile }: OpenPgpContext, apdu: CommandApdu): Uint8Array {
  if (apdu.data.length > 0) throw new StatusError(StatusWord.WRONG_LENGTH);
  const next = volatile.occurrence + 1;
  if (tagOf(apdu) !== CARDHOLDER_CERTIFICATE || next >= CERTIFICATE_OCCURRENCES) {
    throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  }
  volatile.occurrence = next;
  return persistent.get(certificateKey(next)) ?? NOTHING;
}

/** INS DA: the tag stands in P1-P2. */
export async function putData(context: OpenPgpContext, apdu: CommandApdu): Promise<Uint8Array> {
  const object = findDataObject(tagOf(apdu));
  if (object.changes === undefined) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  requireAccess(context, object.write);
  const changes = object.changes(context, apdu.data);
  const before = object.tag === KDF ? currentVerifiers(context) : [];
  await context.persistent.commit(changes);
  for (const [name, verifier] of before) context.volatile.superseded.set(name, verifier);
  return NOTHING;
}

function currentVerifiers({ passwords }: OpenPgpContext): readonly (readonly [PasswordName, PasswordVerifier])[] {
  return (["PW1", "PW3"] as const).flatMap((name) => {
    const verifier = passwords.verifier(name);
    return verifier === undefined ? [] : [[name, verifier] as const];
  });
}

/** INS DB: an extended header list in the current DF, that is a key. */
export async function putDataOdd(context: OpenPgpContext, { data }: CommandApdu): Promise<Uint8Array> {
  requireAccess(context, "PW3");
  await importKey(context, data);
  return NOTHING;
}

/** Throws StatusError 6982. */
export function requireAccess({ volatile }: OpenPgpContext, access: Access): void {
  switch (access) {
    case "always":
      return;
    case "PW1":
      if (!volatile.pw1) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
      return;
    case "PW3":
      if (!volatile.pw3) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
      return;
    case "never":
      throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
  }
}
