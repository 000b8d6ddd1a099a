// The store file, byte by byte. Integers are big-endian.
//
//   header                                                     unencrypted, authenticated
//     0   8   magic "LATCHKEY"
//     8   2   version: 1
//    10   2   length of the header in bytes, from the magic to the checksum
//    12  16   store id: random, for the life of the store and its backups
//    28  16   generation: random, new in each file that is written as a whole (init, compaction)
//    44   1   number of slots: 1–8
//    45  96n  slots: ways to unwrap the data key
//     …  32   MAC: HMAC-SHA256 under the header key over all before
//     …  32   checksum: SHA-256 over all before; tells damage apart from a wrong secret
//
//   slot (96 bytes)
//     0   1   kind: 1 passphrase (scrypt), 2 key file (HKDF-SHA256)
//     1   3   scrypt's log2 N, r and p; zeros for a key file
//     4  32   salt
//    36  12   nonce
//    48  48   the data key, AES-256-GCM under the slot key: ciphertext 32, tag 16
//             additional data: "latchkey 1 slot", store id, bytes 0–35 of the slot
//
//   journal: frames up to the end of the file, each one batch of transactions
//     0   4   length of the ciphertext in bytes
//     4  12   length tag: HMAC-SHA256 under the length key over the frame's offset (8) and the length (4), cut
//    16  12   nonce: random
//    28   n   ciphertext, AES-256-GCM under the frame key
//  28+n  16   tag; additional data: the frame's offset (8), bytes 0–15 of the frame, the tag of the frame before
//             (16; the first: zeros)
//
//   A frame's offset counts from the end of the header, so that a header of another length (one more slot) leaves
//   the frames as they are. The header, length and frame keys are HKDF-SHA256 of the data key with the store id and
//   the generation as salt and a label each: no frame verifies in another store, another generation or another place.
//
//   plaintext of a frame: changes, one after the other
//     0   2   length of the key: 1–65,535; 0 begins the padding
//     2   k   key, ASCII
//   2+k   4   length of the value; ff ff ff ff: the record is deleted
//   6+k   v   value
//   Zeros follow, up to the next multiple of 256 bytes (of 4,096 beyond 4,096).
import { encodeU16be, encodeU32be } from "../src/bytes/integer.ts";
import { Reader } from "../src/bytes/reader.ts";
import { bytes, type Infer, struct, text, u8, u16be } from "../src/bytes/struct.ts";

export const MAGIC = "LATCHKEY";
export const VERSION = 1;
/** Each may cost the work of a passphrase, before the header is known to be genuine. */
export const MAX_SLOTS = 8;
/** Bytes of a frame that are not ciphertext: what stands before it, and the tag behind it. */
export const FRAME_HEAD_SIZE = 28;
export const TAG_SIZE = 16;
/** The longest ciphertext that is written, and so believed: many times the longest message that any applet takes. */
export const MAX_FRAME_CIPHERTEXT = 16 * 1024 * 1024;

export const HeaderStart = struct({
  magic: text(8),
  version: u16be,
  headerLength: u16be,
  storeId: bytes(16),
  generation: bytes(16),
  slotCount: u8,
});

export const SlotKind = { PASSPHRASE: 1, KEY_FILE: 2 } as const;
export type SlotKind = (typeof SlotKind)[keyof typeof SlotKind];

/** The part of a slot that its own seal covers. */
export const SlotParameters = struct({ kind: u8, log2N: u8, r: u8, p: u8, salt: bytes(32) });
export type SlotParameters = Infer<typeof SlotParameters>;

export const SlotSeal = struct({ nonce: bytes(12), wrappedKey: bytes(48) });
export type SlotSeal = Infer<typeof SlotSeal>;

export const SLOT_SIZE = SlotParameters.size + SlotSeal.size;
export const MAC_SIZE = 32;
export const CHECKSUM_SIZE = 32;

/** Plaintexts are padded to multiples of this, and of LARGE_PADDING beyond that. */
export const PADDING = 256;
const LARGE_PADDING = 4096;

/** One record set (bytes) or deleted (null). */
export type Change = readonly [key: string, value: Uint8Array | null];

const DELETED = 0xffff_ffff;

/** Bytes that a change takes in a plaintext. */
export function changeSize([key, value]: Change): number {
  return 2 + key.length + 4 + (value?.length ?? 0);
}

/** The plaintext of a frame: the changes in their order, padded. */
export function encodeChanges(changes: readonly Change[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [key, value] of changes) {
    parts.push(encodeU16be(key.length), Buffer.from(key, "latin1"));
    parts.push(encodeU32be(value === null ? DELETED : value.length));
    if (value !== null) parts.push(value);
  }
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const bucket = size <= LARGE_PADDING ? PADDING : LARGE_PADDING;
  parts.push(new Uint8Array((bucket - (size % bucket)) % bucket));
  return Buffer.concat(parts); // there may be more than a call takes arguments
}

/** The changes of a plaintext, values copied. Throws ReaderError when it is malformed, which an authentic one never is. */
export function parseChanges(plaintext: Uint8Array): Change[] {
  const reader = new Reader(plaintext);
  const changes: Change[] = [];
  while (reader.remaining >= 2) {
    const keyLength = reader.u16be();
    if (keyLength === 0) break;
    const key = Buffer.from(reader.bytes(keyLength)).toString("latin1");
    const valueLength = reader.u32be();
    changes.push([key, valueLength === DELETED ? null : Uint8Array.from(reader.bytes(valueLength))]);
  }
  return changes;
}
