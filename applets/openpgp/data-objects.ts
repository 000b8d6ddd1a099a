// The data objects, as a table: who may read and write each, and what it holds. OpenPGP 3.4.1 §4.4.1 to §4.4.3
import { concat } from "../../src/bytes/concat.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import { algorithmChanges } from "./algorithm-change.ts";
import { encodeAlgorithmInformation } from "./algorithms.ts";
import {
  EXTENDED_CAPABILITIES,
  EXTENDED_LENGTH_INFORMATION,
  GENERAL_FEATURE_MANAGEMENT,
  historicalBytes,
  MAX_CERTIFICATE_LENGTH,
  MAX_PASSWORD_LENGTH,
  MAX_SPECIAL_LENGTH,
} from "./card.ts";
import type { OpenPgpContext } from "./context.ts";
import { KDF, kdfChanges, NO_KDF } from "./kdf.ts";
import { KEY_SLOTS, type KeySlot, keySlots } from "./key-slots.ts";
import { SIGNATURE_COUNTER } from "./keys.ts";
import { type Changes, dataObjectKey } from "./persistent.ts";
import { encodeUserInteraction, userInteraction, verifyUserInteractionChange } from "./user-interaction.ts";

/** Whose password gives access; PW1 is the one under reference 82. */
export type Access = "always" | "PW1" | "PW3" | "never";

export interface DataObject {
  readonly tag: number;
  readonly read: Access;
  readonly write: Access;
  /** A template's answer to GET DATA is the whole data object, as YubiKeys have it; of all others it is the value. */
  readonly isTemplate?: boolean;
  /** Shown in its template alone. The specification lets a card show most of them by themselves; Gnuk's tests want this one hidden. */
  readonly isPart?: boolean;
  value(context: OpenPgpContext): Uint8Array;
  /** What PUT DATA changes. Throws StatusError. */
  changes?(context: OpenPgpContext, value: Uint8Array): Changes;
}

/** Tags that other files speak of. */
export const CARDHOLDER_CERTIFICATE = 0x7f21;
export const ATTESTATION_CERTIFICATE = 0xfc;
export const AES_KEY = 0xd5;
export const PW_STATUS = 0xc4;
export const CERTIFICATE_OCCURRENCES = 3;

const EMPTY = new Uint8Array(0);
const FINGERPRINT_LENGTH = 20;
const TIME_LENGTH = 4;
const COUNTER_LENGTH = 3;
/** "9": not announced. ISO 5218 */
const SEX_NOT_ANNOUNCED = 0x39;

type Accepts = (value: Uint8Array) => StatusWord | undefined;

/** Throws 6700 or 6A80 unless `accepts` finds nothing wrong. */
function stored(tag: number, read: Access, write: Access, accepts: Accepts, initial: Uint8Array = EMPTY): DataObject {
  return {
    tag,
    read,
    write,
    value: ({ persistent }) => persistent.dataObject(tag) ?? initial,
    changes: (_, value) => {
      const wrong = accepts(value);
      if (wrong !== undefined) throw new StatusError(wrong);
      return storing(tag, value);
    },
  };
}

/** An empty value deletes what is there. */
function storing(tag: number, value: Uint8Array): Changes {
  return { [dataObjectKey(tag)]: value.length === 0 ? null : value };
}

function computed(tag: number, value: DataObject["value"]): DataObject {
  return { tag, read: "always", write: "never", value };
}

/** `tags`: of the data objects inside; they stand in the same table. */
function template(tag: number, tags: (context: OpenPgpContext) => readonly number[]): DataObject {
  const value = (context: OpenPgpContext) =>
    concat(...tags(context).map((inner) => encodeTlv(inner, findDataObject(inner).value(context))));
  return { tag, read: "always", write: "never", isTemplate: true, value };
}

const upTo =
  (length: number): Accepts =>
  (value) =>
    value.length > length ? StatusWord.WRONG_LENGTH : undefined;

const exactlyOrEmpty =
  (...lengths: readonly number[]): Accepts =>
  (value) =>
    value.length === 0 || lengths.includes(value.length) ? undefined : StatusWord.WRONG_LENGTH;

/** Two letters for each language, ISO 639, up to four of them. */
const languages: Accepts = (value) =>
  value.length > 8 || value.length % 2 !== 0 ? StatusWord.WRONG_LENGTH : undefined;

const sex: Accepts = (value) => {
  if (value.length > 1) return StatusWord.WRONG_LENGTH;
  return value.length === 0 || [0x30, 0x31, 0x32, SEX_NOT_ANNOUNCED].includes(value[0] ?? 0)
    ? undefined
    : StatusWord.WRONG_DATA;
};

/** One of the lists of the application related data: a part of fixed length for each key. */
function list(tag: number, length: number, part: (slot: KeySlot) => number): DataObject {
  return computed(tag, (context) =>
    concat(...listedSlots(context).map((slot) => context.persistent.dataObject(part(slot)) ?? new Uint8Array(length))),
  );
}

function listedSlots({ options }: OpenPgpContext): readonly KeySlot[] {
  return KEY_SLOTS.filter((slot) => slot !== "att" || options.isYubiKey);
}

function slotObjects(slot: KeySlot): readonly DataObject[] {
  const { attributes, fingerprint, caFingerprint, generationTime, userInteraction: flag } = keySlots[slot];
  return [
    {
      tag: attributes,
      read: "always",
      write: "PW3",
      value: ({ keys }) => keys.attributeBytes(slot),
      changes: (context, value) => algorithmChanges(context, slot, value),
    },
    // By themselves these are there to be written. What was not is empty, as Gnuk has it; the lists show zeros for it.
    stored(fingerprint, "always", "PW3", exactlyOrEmpty(FINGERPRINT_LENGTH)),
    stored(caFingerprint, "always", "PW3", exactlyOrEmpty(FINGERPRINT_LENGTH)),
    stored(generationTime, "always", "PW3", exactlyOrEmpty(TIME_LENGTH)),
    {
      tag: flag,
      read: "always",
      write: "PW3",
      value: (context) => encodeUserInteraction(userInteraction(context, slot)),
      changes: (context, value) => {
        if (value.length !== 2) throw new StatusError(StatusWord.WRONG_LENGTH);
        verifyUserInteractionChange(context, slot, value[0]);
        return storing(flag, encodeUserInteraction(value[0] ?? 0));
      },
    },
  ];
}

/** C4: whether PW1 is good for several signatures, the most that the passwords may have, and the tries that are left. */
const pwStatus: DataObject = {
  tag: PW_STATUS,
  read: "always",
  write: "PW3",
  value: ({ persistent, passwords }) =>
    Uint8Array.of(
      persistent.dataObject(PW_STATUS)?.[0] ?? 0,
      MAX_PASSWORD_LENGTH,
      MAX_PASSWORD_LENGTH,
      MAX_PASSWORD_LENGTH,
      passwords.tries("PW1"),
      passwords.tries("RC"),
      passwords.tries("PW3"),
    ),
  changes: (_, value) => {
    const [validity, ...lengths] = value;
    // The first byte alone, or the first four; the lengths, and their top bits for PIN block 2, are as they are.
    if (value.length !== 1 && value.length !== 4) throw new StatusError(StatusWord.WRONG_LENGTH);
    const isRight = (validity === 0 || validity === 1) && lengths.every((length) => length === MAX_PASSWORD_LENGTH);
    if (!isRight) throw new StatusError(StatusWord.WRONG_DATA);
    return storing(PW_STATUS, value.subarray(0, 1));
  },
};

/** Each occurrence of 7F21 is kept by itself. §7.2.5: 0 for authentication, 1 for deciphering, 2 for signatures. */
export function certificateKey(occurrence: number): string {
  return `openpgp/certificate/${occurrence}`;
}

const cardholderCertificate: DataObject = {
  tag: CARDHOLDER_CERTIFICATE,
  read: "always",
  write: "PW3",
  value: ({ persistent, volatile }) => persistent.get(certificateKey(volatile.occurrence)) ?? EMPTY,
  changes: ({ volatile }, value) => {
    if (value.length > MAX_CERTIFICATE_LENGTH) throw new StatusError(StatusWord.WRONG_LENGTH);
    return { [certificateKey(volatile.occurrence)]: value.length === 0 ? null : value };
  },
};

const resettingCode: DataObject = {
  tag: 0xd3,
  read: "never",
  write: "PW3",
  value: () => EMPTY,
  changes: (context, value) => {
    if (value.length === 0) return context.passwords.reset("RC");
    if (!context.passwords.isRightLength("RC", value.length)) {
      throw new StatusError(StatusWord.WRONG_DATA);
    }
    return context.passwords.replacement("RC", value);
  },
};

const kdf: DataObject = {
  tag: KDF,
  read: "always",
  write: "PW3",
  value: ({ persistent }) => persistent.dataObject(KDF) ?? NO_KDF,
  changes: kdfChanges,
};

/** The order is that of the specification's tables. */
const dataObjects: ReadonlyMap<number, DataObject> = new Map(
  [
    stored(0x0101, "always", "PW1", upTo(MAX_SPECIAL_LENGTH)),
    stored(0x0102, "always", "PW3", upTo(MAX_SPECIAL_LENGTH)),
    stored(0x0103, "PW1", "PW1", upTo(MAX_SPECIAL_LENGTH)),
    stored(0x0104, "PW3", "PW3", upTo(MAX_SPECIAL_LENGTH)),
    computed(0x4f, ({ aid }) => aid),
    stored(0x5e, "always", "PW3", upTo(MAX_SPECIAL_LENGTH)), // login data
    stored(0x5f50, "always", "PW3", upTo(MAX_SPECIAL_LENGTH)), // URL
    computed(0x5f52, ({ options }) => historicalBytes(options.isYubiKey)),
    template(0x65, () => [0x5b, 0x5f2d, 0x5f35]), // cardholder related data
    stored(0x5b, "always", "PW3", upTo(39)), // name
    stored(0x5f2d, "always", "PW3", languages),
    stored(0x5f35, "always", "PW3", sex, Uint8Array.of(SEX_NOT_ANNOUNCED)),
    template(0x6e, () => [0x4f, 0x5f52, 0x7f66, 0x7f74, 0x73]), // application related data
    computed(0x7f66, () => EXTENDED_LENGTH_INFORMATION),
    computed(0x7f74, () => GENERAL_FEATURE_MANAGEMENT),
    template(0x73, discretionaryTags), // discretionary data objects
    { ...computed(0xc0, () => EXTENDED_CAPABILITIES), isPart: true },
    ...KEY_SLOTS.flatMap(slotObjects),
    pwStatus,
    list(0xc5, FINGERPRINT_LENGTH, (slot) => keySlots[slot].fingerprint),
    list(0xc6, FINGERPRINT_LENGTH, (slot) => keySlots[slot].caFingerprint),
    list(0xcd, TIME_LENGTH, (slot) => keySlots[slot].generationTime),
    computed(0xde, (context) =>
      Uint8Array.from(listedSlots(context).flatMap((slot) => [keySlots[slot].reference, context.keys.origin(slot)])),
    ),
    template(0x7a, () => [SIGNATURE_COUNTER]), // security support template
    computed(
      SIGNATURE_COUNTER,
      ({ persistent }) => persistent.dataObject(SIGNATURE_COUNTER) ?? new Uint8Array(COUNTER_LENGTH),
    ),
    cardholderCertificate,
    resettingCode,
    stored(AES_KEY, "never", "PW3", exactlyOrEmpty(16, 32)),
    kdf,
    { ...computed(0xfa, encodeAlgorithmInformation), isTemplate: true },
    stored(ATTESTATION_CERTIFICATE, "always", "PW3", upTo(MAX_CERTIFICATE_LENGTH)),
  ].map((object) => [object.tag, object]),
);

/** 73, in the order of §4.4.1; a YubiKey's attestation attributes and flag stand behind the others'. */
function discretionaryTags(context: OpenPgpContext): readonly number[] {
  const slots = listedSlots(context);
  return [
    0xc0,
    ...slots.map((slot) => keySlots[slot].attributes),
    ...[PW_STATUS, 0xc5, 0xc6, 0xcd, 0xde],
    ...slots.map((slot) => keySlots[slot].userInteraction),
  ];
}

/** Throws StatusError 6A88 for a tag that is not there. */
export function findDataObject(tag: number): DataObject {
  const found = dataObjects.get(tag);
  if (found === undefined) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  return found;
}
