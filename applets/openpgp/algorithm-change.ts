// PUT DATA of algorithm attributes: a key that is of another algorithm goes. OpenPGP 3.4.1 §4.4.3.9
import { isSameAlgorithm, parseAlgorithmAttributes } from "./algorithms.ts";
import type { OpenPgpContext } from "./context.ts";
import { type KeySlot, keySlots } from "./key-slots.ts";
import { type Changes, dataObjectKey } from "./persistent.ts";

/** Throws StatusError 6A80 for attributes that the slot does not take. */
export function algorithmChanges({ keys }: OpenPgpContext, slot: KeySlot, value: Uint8Array): Changes {
  const attributes = parseAlgorithmAttributes(slot, value);
  // Another import format, or another word for the length of the same exponent, leaves the key what it is.
  const isSame = isSameAlgorithm(keys.attributes(slot).algorithm, attributes.algorithm);
  return { ...(isSame ? {} : keys.deletion(slot)), [dataObjectKey(keySlots[slot].attributes)]: attributes.bytes };
}
