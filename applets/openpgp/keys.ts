// The private keys: where they are kept, and what else changes when one is made, imported or deleted.
import { concat } from "../../src/bytes/concat.ts";
import { type AlgorithmAttributes, defaultAttributes, parseAlgorithmAttributes } from "./algorithms.ts";
import { encodeKeyMaterial, type KeyMaterial, parseKeyMaterial } from "./key-material.ts";
import { type KeySlot, keySlots } from "./key-slots.ts";
import { type Changes, dataObjectKey, type Persistent } from "./persistent.ts";
import { PrivateKey } from "./private-key.ts";

/** Status of a key, as the key information (DE) shows it. §4.4.3.8 */
export const KeyOrigin = { NONE: 0, GENERATED: 1, IMPORTED: 2 } as const;
export type KeyOrigin = (typeof KeyOrigin)[keyof typeof KeyOrigin];

/** Digital signature counter. */
export const SIGNATURE_COUNTER = 0x93;

/** Persistent: a version, the origin, and what encodeKeyMaterial encoded. */
function keyRecord(slot: KeySlot): string {
  return `openpgp/key/${slot}`;
}
const RECORD_VERSION = 1;
const HEAD_LENGTH = 2;

export class Keys {
  readonly #persistent: Persistent;
  /** Volatile: keys as they were last used, each with the records that it was made of. */
  readonly #loaded = new Map<KeySlot, { readonly record: Uint8Array; readonly key: PrivateKey }>();

  constructor(persistent: Persistent) {
    this.#persistent = persistent;
  }

  attributes(slot: KeySlot): AlgorithmAttributes {
    return parseAlgorithmAttributes(slot, this.attributeBytes(slot));
  }

  attributeBytes(slot: KeySlot): Uint8Array {
    return this.#persistent.dataObject(keySlots[slot].attributes) ?? defaultAttributes(slot);
  }

  origin(slot: KeySlot): KeyOrigin {
    const origin = this.#persistent.get(keyRecord(slot))?.[1];
    if (origin === undefined) return KeyOrigin.NONE;
    return origin === KeyOrigin.GENERATED ? KeyOrigin.GENERATED : KeyOrigin.IMPORTED;
  }

  /** The key of the slot, or undefined. A record is never changed, only replaced; so what was made of it stays true. */
  load(slot: KeySlot): PrivateKey | undefined {
    const record = this.#persistent.get(keyRecord(slot));
    if (record === undefined) return undefined;
    const known = this.#loaded.get(slot);
    if (known?.record === record) return known.key;
    const { algorithm } = this.attributes(slot);
    const key = new PrivateKey(parseKeyMaterial(algorithm, record.subarray(HEAD_LENGTH)));
    this.#loaded.set(slot, { record, key });
    return key;
  }

  /** Forgets what was made of the records. */
  unload(): void {
    this.#loaded.clear();
  }

  /** Puts a key into a slot. A new signature key has signed nothing: §4.4.3.12 */
  replacement(slot: KeySlot, material: KeyMaterial, origin: KeyOrigin): Changes {
    const record = concat(Uint8Array.of(RECORD_VERSION, origin), encodeKeyMaterial(material));
    return { [keyRecord(slot)]: record, ...counterReset(slot) };
  }

  /** Takes the key out of a slot, and with it what described it. */
  deletion(slot: KeySlot): Changes {
    const { fingerprint, generationTime } = keySlots[slot];
    return {
      [keyRecord(slot)]: null,
      [dataObjectKey(fingerprint)]: null,
      [dataObjectKey(generationTime)]: null,
      ...counterReset(slot),
    };
  }
}

function counterReset(slot: KeySlot): Changes {
  return slot === "sig" ? { [dataObjectKey(SIGNATURE_COUNTER)]: null } : {};
}
