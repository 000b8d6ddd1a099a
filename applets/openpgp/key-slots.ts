// The keys of the card, and which data objects belong to each. OpenPGP 3.4.1 §4.4.1, §7.2.18; the attestation key and its
// data objects are Yubico's, with the names of yubikit/openpgp.py.
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { parseTlv, parseTlvs, type Tlv } from "../../src/iso7816/tlv.ts";
import { parsing } from "./data-field.ts";

export type KeySlot = "sig" | "dec" | "aut" | "att";

interface SlotObjects {
  readonly name: string;
  /** Key-Ref. of the key information (DE), and in a control reference template. */
  readonly reference: number;
  /** The control reference template that means the key when it holds no reference. */
  readonly template: number;
  /** Tags of data objects. */
  readonly attributes: number;
  readonly fingerprint: number;
  readonly caFingerprint: number;
  readonly generationTime: number;
  readonly userInteraction: number;
}

export const keySlots: Readonly<Record<KeySlot, SlotObjects>> = {
  sig: {
    name: "signature key",
    reference: 0x01,
    template: 0xb6,
    attributes: 0xc1,
    fingerprint: 0xc7,
    caFingerprint: 0xca,
    generationTime: 0xce,
    userInteraction: 0xd6,
  },
  dec: {
    name: "decryption key",
    reference: 0x02,
    template: 0xb8,
    attributes: 0xc2,
    fingerprint: 0xc8,
    caFingerprint: 0xcb,
    generationTime: 0xcf,
    userInteraction: 0xd7,
  },
  aut: {
    name: "authentication key",
    reference: 0x03,
    template: 0xa4,
    attributes: 0xc3,
    fingerprint: 0xc9,
    caFingerprint: 0xcc,
    generationTime: 0xd0,
    userInteraction: 0xd8,
  },
  att: {
    name: "attestation key",
    reference: 0x81,
    template: 0xb6,
    attributes: 0xda,
    fingerprint: 0xdb,
    caFingerprint: 0xdc,
    generationTime: 0xdd,
    userInteraction: 0xd9,
  },
};

export const KEY_SLOTS = Object.keys(keySlots) as readonly KeySlot[];

/** A key reference inside a control reference template. */
const KEY_REFERENCE = 0x84;

export function slotOfReference(reference: number): KeySlot | undefined {
  return KEY_SLOTS.find((slot) => keySlots[slot].reference === reference);
}

/** The slot that a whole control reference template means: `B6 00`, or `B6 03 84 01 81`. Throws StatusError 6A80. */
export function parseControlReference(bytes: Uint8Array): KeySlot {
  return parsing(() => slotOfTemplate(parseTlv(bytes)));
}

/** The same, of one that has been parsed. Throws ReaderError or StatusError. */
export function slotOfTemplate({ tag, value }: Tlv): KeySlot {
  const [reference] = parseTlvs(value);
  const slot = KEY_SLOTS.find(
    (candidate) =>
      keySlots[candidate].template === tag &&
      (reference === undefined
        ? candidate !== "att"
        : reference.tag === KEY_REFERENCE &&
          reference.value.length === 1 &&
          reference.value[0] === keySlots[candidate].reference),
  );
  if (slot === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  return slot;
}
