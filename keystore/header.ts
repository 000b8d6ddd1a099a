// The header of a store file: reading it, unlocking it, writing it, and its slots. Layout: format.ts.
import { createHash, randomBytes } from "node:crypto";
import { concat } from "../src/bytes/concat.ts";
import { isEqual, isEqualConstantTime } from "../src/bytes/equal.ts";
import { Reader } from "../src/bytes/reader.ts";
import { wipe } from "../src/bytes/wipe.ts";
import {
  CHECKSUM_SIZE,
  HeaderStart,
  MAC_SIZE,
  MAGIC,
  MAX_SLOTS,
  SLOT_SIZE,
  SlotKind,
  SlotParameters,
  SlotSeal,
  VERSION,
} from "./format.ts";
import { KeyStoreError } from "./index.ts";
import {
  DEFAULT_SCRYPT,
  deriveSlotKey,
  FileKeys,
  isReasonableScrypt,
  type ScryptParameters,
  type Secret,
  slotKindOf,
  unwrapDataKey,
  wrapDataKey,
} from "./keys.ts";

export interface Slot {
  readonly parameters: SlotParameters;
  readonly seal: SlotSeal;
}

export interface Header {
  readonly version: number;
  readonly storeId: Uint8Array;
  readonly generation: Uint8Array;
  readonly slots: readonly Slot[];
}

/** A header that was read, with what is needed to prove it genuine once the data key is known. */
export interface ParsedHeader extends Header {
  /** Length in bytes; the journal begins here. */
  readonly length: number;
  readonly authenticated: Uint8Array;
  readonly mac: Uint8Array;
}

/** Reads the header at the head of a file. `path` is for the sentences only. Throws KeyStoreError. */
export function parseHeader(file: Uint8Array, path: string): ParsedHeader {
  const magic = Buffer.from(file.subarray(0, MAGIC.length)).toString("latin1");
  if (magic !== MAGIC) {
    const what = file.length === 0 ? "is empty" : "is not a Latchkey store";
    throw new KeyStoreError(
      "not-a-store",
      `${path} ${what}; name another file with --store, or move it away to begin a new one.`,
    );
  }
  const damaged = () =>
    new KeyStoreError(
      "corrupt",
      `the header of ${path} is damaged or cut short; restore a backup with "latchkey restore".`,
    );
  if (file.length < HeaderStart.size) throw damaged();
  const start = HeaderStart.parse(file);
  if (start.version > VERSION) {
    throw new KeyStoreError(
      "newer-version",
      `${path} has format version ${start.version}, newer than ${VERSION}, the newest that this Latchkey knows; install a newer Latchkey.`,
    );
  }
  const length = HeaderStart.size + start.slotCount * SLOT_SIZE + MAC_SIZE + CHECKSUM_SIZE;
  const isOpenable = start.slotCount >= 1 && start.slotCount <= MAX_SLOTS;
  if (!isOpenable || start.headerLength !== length || file.length < length) throw damaged();
  const checksumAt = length - CHECKSUM_SIZE;
  const checksum = createHash("sha256").update(file.subarray(0, checksumAt)).digest();
  if (!isEqual(checksum, file.subarray(checksumAt, length))) throw damaged();

  const header = Uint8Array.from(file.subarray(0, length));
  const reader = new Reader(header.subarray(HeaderStart.size));
  const slots: Slot[] = [];
  for (let index = 0; index < start.slotCount; index++) {
    const parameters = SlotParameters.parse(reader.bytes(SlotParameters.size));
    slots.push({ parameters, seal: SlotSeal.parse(reader.bytes(SlotSeal.size)) });
  }
  const { version, storeId, generation } = HeaderStart.parse(header);
  const authenticated = header.subarray(0, checksumAt - MAC_SIZE);
  return { version, storeId, generation, slots, length, authenticated, mac: reader.bytes(MAC_SIZE) };
}

/** The data key, unwrapped by the first slot that `secret` fits. Throws KeyStoreError wrong-secret or corrupt. */
export async function unlockHeader(header: ParsedHeader, secret: Secret, path: string): Promise<Uint8Array> {
  for (const { parameters, seal } of header.slots) {
    if (parameters.kind !== slotKindOf(secret)) continue;
    if (parameters.kind === SlotKind.PASSPHRASE && !isReasonableScrypt(parameters)) continue;
    const slotKey = await deriveSlotKey(secret, parameters);
    const dataKey = unwrapDataKey(seal.wrappedKey, slotKey, seal.nonce, header.storeId, parameters);
    wipe(slotKey);
    if (dataKey === undefined) continue;
    const keys = new FileKeys(dataKey, header.storeId, header.generation);
    const genuine = isEqualConstantTime(keys.headerMac(header.authenticated), header.mac);
    keys.wipe();
    if (genuine) return dataKey;
    throw new KeyStoreError(
      "corrupt",
      `the header of ${path} has been changed; restore a backup with "latchkey restore".`,
    );
  }
  const what = secret.kind === "passphrase" ? "this passphrase" : "this key file";
  throw new KeyStoreError("wrong-secret", `${what} does not unlock ${path}; try another one.`);
}

/** Encodes a header under its own keys. */
export function encodeHeader(header: Omit<Header, "version">, keys: FileKeys): Uint8Array {
  const { storeId, generation, slots } = header;
  const headerLength = HeaderStart.size + slots.length * SLOT_SIZE + MAC_SIZE + CHECKSUM_SIZE;
  const start = HeaderStart.encode({
    magic: MAGIC,
    version: VERSION,
    headerLength,
    storeId,
    generation,
    slotCount: slots.length,
  });
  const rows = slots.flatMap((slot) => [SlotParameters.encode(slot.parameters), SlotSeal.encode(slot.seal)]);
  const authenticated = concat(start, ...rows);
  const maced = concat(authenticated, keys.headerMac(authenticated));
  return concat(maced, createHash("sha256").update(maced).digest());
}

/** A slot that unwraps `dataKey` with `secret`. */
export async function createSlot(
  secret: Secret,
  dataKey: Uint8Array,
  storeId: Uint8Array,
  scrypt: ScryptParameters = DEFAULT_SCRYPT,
): Promise<Slot> {
  const cost = secret.kind === "passphrase" ? scrypt : { log2N: 0, r: 0, p: 0 };
  const parameters: SlotParameters = { kind: slotKindOf(secret), ...cost, salt: randomBytes(32) };
  const nonce = randomBytes(12);
  const slotKey = await deriveSlotKey(secret, parameters);
  const wrappedKey = wrapDataKey(dataKey, slotKey, nonce, storeId, parameters);
  wipe(slotKey);
  return { parameters, seal: { nonce, wrappedKey } };
}

/** `slots` with those of the new slot's kind replaced by it, or with it added. Throws RangeError beyond MAX_SLOTS. */
export function withSlot(slots: readonly Slot[], slot: Slot): Slot[] {
  const others = slots.filter(({ parameters }) => parameters.kind !== slot.parameters.kind);
  if (others.length >= MAX_SLOTS) throw new RangeError("a store has at most 8 slots");
  return [...others, slot];
}

/** `slots` without those of a kind. Throws RangeError when that would leave none. */
export function withoutKind(slots: readonly Slot[], kind: Secret["kind"]): Slot[] {
  const gone = kind === "passphrase" ? SlotKind.PASSPHRASE : SlotKind.KEY_FILE;
  const left = slots.filter(({ parameters }) => parameters.kind !== gone);
  if (left.length === 0) throw new RangeError("the last secret of a store can only be replaced");
  return left;
}
