// Reading the data objects that commands carry. Whatever is no data object, or lacks a part, is answered with 6A80.
import { ReaderError } from "../../src/bytes/reader.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { findTlv, parseTlvs, type Tlv } from "../../src/iso7816/tlv.ts";

/** All data objects, in their order. Throws 6A80. */
export function parseObjects(data: Uint8Array): Tlv[] {
  try {
    return parseTlvs(data);
  } catch (error) {
    if (error instanceof ReaderError) throw new StatusError(StatusWord.WRONG_DATA);
    throw error;
  }
}

/** What the template that `data` begins with holds; what follows it is ignored. Throws 6A80. */
export function openTemplate(data: Uint8Array, tag: number): Tlv[] {
  const [first] = parseObjects(data);
  if (first?.tag !== tag || first.value.length === 0) throw new StatusError(StatusWord.WRONG_DATA);
  return parseObjects(first.value);
}

/** The number in an object of one byte, or undefined when there is no such object. Throws 6A80 for another length. */
export function findByte(objects: readonly Tlv[], tag: number): number | undefined {
  const value = findTlv(objects, tag);
  if (value === undefined) return undefined;
  const [byte] = value;
  if (byte === undefined || value.length !== 1) throw new StatusError(StatusWord.WRONG_DATA);
  return byte;
}

/** Runs what rejects a client's data by RangeError, and says 6A80 for it. */
export function refuseAsWrongData<T>(use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof RangeError) throw new StatusError(StatusWord.WRONG_DATA);
    throw error;
  }
}
