// Looking at a store file without serving it: what `latchkey store check` says, and what `latchkey store recover`
// saves from a damaged one. The file itself is only read.
import { type Change, FRAME_HEAD_SIZE, TAG_SIZE } from "./format.ts";
import { parseHeader, unlockHeader } from "./header.ts";
import { findFrame, JOURNAL_START, type JournalPosition, readFrame } from "./journal.ts";
import { createJournalFile } from "./journal-file.ts";
import { FileKeys, type Secret } from "./keys.ts";
import { creationError, discardFile, type FileSystem, nodeFileSystem, storeError } from "./store-file.ts";

export interface Damage {
  /** From the start of the file to where whole frames go on, or to its end. */
  readonly offset: number;
  readonly length: number;
}

export interface StoreReport {
  readonly version: number;
  /** Bytes. */
  readonly fileSize: number;
  /** How the store can be unlocked, one line a slot: "passphrase (scrypt N=131072 r=8 p=1)", "key file". */
  readonly secrets: readonly string[];
  /** Whole transactions' frames. */
  readonly frames: number;
  /** Number of live records by the first part of their key: the applet. */
  readonly records: ReadonlyMap<string, number>;
  /** Bytes behind the last whole frame that an unfinished write left. */
  readonly tornBytes: number;
  readonly damage: readonly Damage[];
}

interface Survey {
  readonly report: StoreReport;
  readonly live: ReadonlyMap<string, Uint8Array>;
}

/** Reads the whole file. Throws KeyStoreError when there is no header to begin with or the secret is wrong. */
export async function inspectStore(
  path: string,
  secret: Secret,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<StoreReport> {
  return (await survey(path, secret, fileSystem)).report;
}

/**
 * Writes every record that is whole to a new store at `target`, unlocked by the same secrets. Where a damaged part held
 * newer values of a record, an older one comes back. Throws KeyStoreError; in-use when `target` exists.
 */
export async function recoverStore(
  path: string,
  secret: Secret,
  target: string,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<StoreReport> {
  const { report, live } = await survey(path, secret, fileSystem);
  try {
    const header = parseHeader(await fileSystem.read(path), path);
    const dataKey = await unlockHeader(header, secret, path);
    const file = await createJournalFile(fileSystem, target, header, dataKey);
    try {
      for (const record of live) await file.write([record]);
      await file.sync();
      await fileSystem.syncDirectory(target);
    } catch (error) {
      // A part of it would open like the whole.
      await discardFile(fileSystem, file, target);
      throw error;
    }
    await file.close();
    return report;
  } catch (error) {
    throw creationError(error, target);
  }
}

async function survey(path: string, secret: Secret, fileSystem: FileSystem): Promise<Survey> {
  try {
    const bytes = await fileSystem.read(path);
    const header = parseHeader(bytes, path);
    const dataKey = await unlockHeader(header, secret, path);
    const keys = new FileKeys(dataKey, header.storeId, header.generation);
    const live = new Map<string, Uint8Array>();
    const journal = walk(bytes.subarray(header.length), keys, live);
    const secrets = header.slots.map(({ parameters: { kind, log2N, r, p } }) =>
      kind === 1 ? `passphrase (scrypt N=${2 ** log2N} r=${r} p=${p})` : "key file",
    );
    const records = new Map<string, number>();
    for (const key of live.keys()) {
      const applet = key.split("/", 1)[0] as string;
      records.set(applet, (records.get(applet) ?? 0) + 1);
    }
    const damage = journal.damage.map(({ offset, length }) => ({ offset: header.length + offset, length }));
    return { live, report: { version: header.version, fileSize: bytes.length, secrets, records, ...journal, damage } };
  } catch (error) {
    throw storeError(error, path);
  }
}

function walk(journal: Uint8Array, keys: FileKeys, live: Map<string, Uint8Array>) {
  const damage: Damage[] = [];
  let frames = 0;
  let position: JournalPosition = JOURNAL_START;
  for (;;) {
    const result = readFrame(journal, position, keys);
    if (result.kind === "frame") {
      apply(live, result.changes);
      frames++;
      position = result.next;
    } else if (result.kind === "damaged") {
      // The tag of the spoilt frame stands right before the next one, whatever became of the rest of it.
      const next = findFrame(journal, position.offset + FRAME_HEAD_SIZE + TAG_SIZE, keys) ?? journal.length;
      damage.push({ offset: position.offset, length: next - position.offset });
      position = { offset: next, previousTag: journal.slice(next - TAG_SIZE, next) };
    } else {
      return { frames, damage, tornBytes: journal.length - position.offset };
    }
  }
}

function apply(live: Map<string, Uint8Array>, changes: readonly Change[]): void {
  for (const [key, value] of changes) {
    if (value === null) live.delete(key);
    else live.set(key, value);
  }
}
