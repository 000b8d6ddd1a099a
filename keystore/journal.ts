// The journal: sealing frames, and replaying them with the rule that tells a torn tail from damage. Layout: format.ts.
//
// A batch is one frame, written by one write and synced before the next one begins, so a crash can spoil the last
// frame only. Replay therefore forgives a bad frame when nothing after it is a frame of this store: a later frame
// proves that the bad one was once synced and has been damaged since.
import { randomBytes } from "node:crypto";
import { concat } from "../src/bytes/concat.ts";
import { isEqual } from "../src/bytes/equal.ts";
import { encodeU32be } from "../src/bytes/integer.ts";
import { Reader } from "../src/bytes/reader.ts";
import {
  type Change,
  encodeChanges,
  FRAME_HEAD_SIZE,
  MAX_FRAME_CIPHERTEXT,
  PADDING,
  parseChanges,
  TAG_SIZE,
} from "./format.ts";
import { type FileKeys, open, seal } from "./keys.ts";

/** Where the next frame goes: its offset from the end of the header, and the tag of the frame before. */
export interface JournalPosition {
  readonly offset: number;
  readonly previousTag: Uint8Array;
}

export const JOURNAL_START: JournalPosition = { offset: 0, previousTag: new Uint8Array(TAG_SIZE) };

export interface SealedFrame {
  readonly bytes: Uint8Array;
  readonly next: JournalPosition;
}

function encodeOffset(offset: number): Uint8Array {
  return concat(encodeU32be(Math.floor(offset / 2 ** 32)), encodeU32be(offset % 2 ** 32));
}

export function sealFrame(changes: readonly Change[], position: JournalPosition, keys: FileKeys): SealedFrame {
  const plaintext = encodeChanges(changes);
  const offset = encodeOffset(position.offset);
  const length = encodeU32be(plaintext.length);
  const head = concat(length, keys.lengthTag(offset, length));
  const nonce = randomBytes(12);
  const sealed = seal(keys.frame, nonce, concat(offset, head, position.previousTag), plaintext);
  plaintext.fill(0);
  const bytes = concat(head, nonce, sealed);
  return {
    bytes,
    next: { offset: position.offset + bytes.length, previousTag: bytes.subarray(bytes.length - TAG_SIZE) },
  };
}

export type FrameResult =
  | { readonly kind: "end" }
  | { readonly kind: "frame"; readonly changes: readonly Change[]; readonly next: JournalPosition }
  /** The last write did not finish: `position.offset` and all behind it was never acknowledged. */
  | { readonly kind: "torn" }
  | { readonly kind: "damaged" };

/** The frame at `position` of a journal (the bytes behind the header). */
export function readFrame(journal: Uint8Array, position: JournalPosition, keys: FileKeys): FrameResult {
  const { offset } = position;
  if (offset === journal.length) return { kind: "end" };
  // GCM proves the length as well, so the length's own tag is only needed to tell why a frame is not whole.
  const claimedEnd = endOf(journal, offset);
  const plaintext = claimedEnd === undefined ? undefined : openFrame(journal, position, claimedEnd, keys);
  if (claimedEnd !== undefined && plaintext !== undefined) {
    const changes = parseChanges(plaintext);
    plaintext.fill(0);
    return { kind: "frame", changes, next: { offset: claimedEnd, previousTag: lastTag(journal, claimedEnd) } };
  }
  if (!isFrameHead(journal, offset, keys)) {
    return { kind: findFrame(journal, offset + 1, keys) === undefined ? "torn" : "damaged" };
  }
  // Beyond the end of the file: a write that was cut. At the end: one whose pages reached the disk out of order leaves
  // a whole head and a spoilt body.
  return { kind: claimedEnd === undefined || claimedEnd >= journal.length ? "torn" : "damaged" };
}

function openFrame(
  journal: Uint8Array,
  { offset, previousTag }: JournalPosition,
  end: number,
  keys: FileKeys,
): Uint8Array | undefined {
  if (end > journal.length) return undefined;
  const head = journal.subarray(offset, offset + 16);
  const nonce = journal.subarray(offset + 16, offset + FRAME_HEAD_SIZE);
  const sealed = journal.subarray(offset + FRAME_HEAD_SIZE, end);
  return open(keys.frame, nonce, concat(encodeOffset(offset), head, previousTag), sealed);
}

function lastTag(journal: Uint8Array, end: number): Uint8Array {
  return journal.slice(end - TAG_SIZE, end);
}

/** Where the frame at `offset` ends if its length field is right; undefined when that cannot be. */
function endOf(journal: Uint8Array, offset: number): number | undefined {
  if (journal.length - offset < FRAME_HEAD_SIZE) return undefined;
  const size = new Reader(journal.subarray(offset, offset + 4)).u32be();
  // What no plaintext is padded to needs no HMAC: this is what makes findFrame fast.
  if (size === 0 || size % PADDING !== 0 || size > MAX_FRAME_CIPHERTEXT) return undefined;
  return offset + FRAME_HEAD_SIZE + size + TAG_SIZE;
}

/** Whether the head of a frame of this file stands at `offset`, by the tag of its length. */
function isFrameHead(journal: Uint8Array, offset: number, keys: FileKeys): boolean {
  if (endOf(journal, offset) === undefined) return false;
  const tag = journal.subarray(offset + 4, offset + 16);
  return isEqual(keys.lengthTag(encodeOffset(offset), journal.subarray(offset, offset + 4)), tag);
}

/** The first offset at or behind `from` at which a frame of this file begins. The tag is bound to the offset, so each can be tried. */
export function findFrame(journal: Uint8Array, from: number, keys: FileKeys): number | undefined {
  for (let offset = from; offset + FRAME_HEAD_SIZE <= journal.length; offset++) {
    if (isFrameHead(journal, offset, keys)) return offset;
  }
  return undefined;
}
