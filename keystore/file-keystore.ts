// The keystore on disk: every record decrypted in memory, every change appended to the journal and synced before it is
// seen. Concurrent commits share one frame and one sync. When dead bytes outweigh live ones the file is written anew
// beside the old one and renamed over it. Layout: format.ts; torn tails: journal.ts; one writer: lock.ts.
import { randomBytes } from "node:crypto";
import { wipe } from "../src/bytes/wipe.ts";
import { Turns } from "../src/turns.ts";
import { DurableCounters } from "./counters.ts";
import { type Change, changeSize, MAX_FRAME_CIPHERTEXT } from "./format.ts";
import { createSlot, type Slot, unlockHeader, withoutKind, withSlot } from "./header.ts";
import { type KeyStore, KeyStoreError } from "./index.ts";
import {
  copyJournalFile,
  createJournalFile,
  type Identity,
  type JournalFile,
  openJournalFile,
  readHeader,
} from "./journal-file.ts";
import type { ScryptParameters, Secret } from "./keys.ts";
import { StoreLock } from "./lock.ts";
import { discardFile, type FileSystem, nodeFileSystem, storeError } from "./store-file.ts";

export interface FileKeyStoreOptions {
  /** Told, in a sentence, what the person should know: a torn tail that was dropped. */
  readonly warn?: (sentence: string) => void;
  readonly fileSystem?: FileSystem;
  readonly scrypt?: ScryptParameters;
}

/** One frame holds at most about this many bytes of changes, whether commits are gathered or the file is compacted. */
const BATCH_BYTES = 64 * 1024;

/** Bytes of one commit. No applet comes near; what is longer would be written, and not believed when it is read again. */
const MAX_COMMIT_BYTES = MAX_FRAME_CIPHERTEXT - BATCH_BYTES;

/** Below this many dead bytes the file is left alone. */
const MIN_DEAD_BYTES = 1024 * 1024;

interface Commit {
  readonly changes: readonly Change[];
  readonly resolve: () => void;
  readonly reject: (error: KeyStoreError) => void;
}

export class FileKeyStore implements KeyStore {
  readonly path: string;
  readonly #fileSystem: FileSystem;
  readonly #scrypt: ScryptParameters | undefined;
  readonly #lock: StoreLock;
  readonly #dataKey: Uint8Array;
  readonly #records: Map<string, Uint8Array>;
  readonly #counters: DurableCounters;
  #file: JournalFile;
  /** The disk knows that the file has the store's name. */
  #isNameSynced = true;
  /** Bytes that the records would take in a file without dead ones. */
  #liveBytes = 0;
  /** Commits that wait for the frame being written. */
  #waiting: Commit[] = [];
  /** For exclusive work: appending a batch, changing files. */
  readonly #writes = new Turns();
  #flushing = false;
  /** While a compaction runs: what was committed since its snapshot. */
  #sinceSnapshot: Change[] | undefined;
  #compaction: Promise<void> | undefined;
  /** For compactions and changes of slots, which would undo each other. */
  readonly #maintenance = new Turns();
  #closed = false;

  /** Makes a new store that any of `secrets` unlocks. Throws KeyStoreError in-use when the file exists. */
  static async create(
    path: string,
    secrets: readonly Secret[],
    options: FileKeyStoreOptions = {},
  ): Promise<FileKeyStore> {
    const fileSystem = options.fileSystem ?? nodeFileSystem;
    const dataKey = randomBytes(32);
    const storeId = randomBytes(16);
    try {
      await fileSystem.makeDirectory(path);
      const lock = await StoreLock.acquire(path);
      try {
        let slots: readonly Slot[] = [];
        for (const secret of secrets)
          slots = withSlot(slots, await createSlot(secret, dataKey, storeId, options.scrypt));
        const file = await createNamed(fileSystem, path, { storeId, slots }, dataKey);
        return new FileKeyStore(path, options, lock, dataKey, file, new Map());
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw storeError(error, path);
    }
  }

  /** Opens and unlocks a store. Throws KeyStoreError. */
  static async open(name: string, secret: Secret, options: FileKeyStoreOptions = {}): Promise<FileKeyStore> {
    const fileSystem = options.fileSystem ?? nodeFileSystem;
    let path = name;
    try {
      // A symbolic link would have a lock of its own, and be replaced when a file is written anew.
      path = await fileSystem.resolve(name);
      const header = await readHeader(fileSystem, path);
      const lock = await StoreLock.acquire(path);
      try {
        const dataKey = await unlockHeader(header, secret, path);
        // Left over from a crash in the middle of a compaction, or of a rewrite on a disk that may be full.
        await fileSystem.remove(compactedPath(path));
        await fileSystem.remove(rewrittenPath(path));
        const records = new Map<string, Uint8Array>();
        const { file, tornBytes } = await openJournalFile(fileSystem, path, dataKey, (changes) =>
          apply(records, changes),
        );
        if (tornBytes > 0) {
          options.warn?.(`${path}: dropped ${tornBytes} bytes of a last write that was never finished or acknowledged`);
        }
        return new FileKeyStore(path, options, lock, dataKey, file, records);
      } catch (error) {
        await lock.release();
        throw error;
      }
    } catch (error) {
      throw storeError(error, path);
    }
  }

  private constructor(
    path: string,
    options: FileKeyStoreOptions,
    lock: StoreLock,
    dataKey: Uint8Array,
    file: JournalFile,
    records: Map<string, Uint8Array>,
  ) {
    this.path = path;
    this.#fileSystem = options.fileSystem ?? nodeFileSystem;
    this.#scrypt = options.scrypt;
    this.#lock = lock;
    this.#dataKey = dataKey;
    this.#file = file;
    this.#records = records;
    this.#counters = new DurableCounters(this);
    for (const record of records) this.#liveBytes += changeSize(record);
  }

  /** Length of the file in bytes. */
  get fileSize(): number {
    return this.#file.size;
  }

  get(key: string): Uint8Array | undefined {
    return this.#records.get(key);
  }

  *keys(prefix: string): Iterable<string> {
    for (const key of this.#records.keys()) if (key.startsWith(prefix)) yield key;
  }

  next(counter: string): Promise<number> {
    return this.#counters.next(counter);
  }

  commit(changes: Readonly<Record<string, Uint8Array | null>>): Promise<void> {
    if (this.#closed) return Promise.reject(new KeyStoreError("closed", `${this.path} is closed.`));
    // Copied at once: the caller may reuse its buffers while the commit waits its turn.
    const list = Object.entries(changes).map(
      ([key, value]): Change => [key, value === null ? null : Uint8Array.from(value)],
    );
    if (list.length === 0) return Promise.resolve();
    if (sizeOf(list) > MAX_COMMIT_BYTES) {
      return Promise.reject(new KeyStoreError("no-space", `${this.path} does not take as much at once.`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes: list, resolve, reject });
      if (this.#flushing) return;
      this.#flushing = true;
      void this.#writes.take(() => this.#flush());
    });
  }

  /** Writes one batch of the commits that wait; never rejects, since each commit is told for itself. */
  async #flush(): Promise<void> {
    const batch: Commit[] = [];
    let size = 0;
    while (this.#waiting[0] !== undefined && (batch.length === 0 || size < BATCH_BYTES)) {
      const commit = this.#waiting.shift() as Commit;
      size += sizeOf(commit.changes);
      batch.push(commit);
    }
    try {
      const changes = batch.flatMap((commit) => commit.changes);
      if (this.#file.isDoubtful) await this.#rewrite();
      if (!this.#isNameSynced) await this.#syncName();
      await this.#file.append(changes);
      this.#remember(changes);
      for (const commit of batch) commit.resolve();
    } catch (error) {
      const reason = storeError(error, this.path);
      for (const commit of batch) commit.reject(reason);
    }
    if (this.#waiting.length > 0) void this.#writes.take(() => this.#flush());
    else this.#flushing = false;
    this.#compactWhenWorthIt();
  }

  #remember(changes: readonly Change[]): void {
    for (const [key, value] of changes) {
      const old = this.#records.get(key);
      if (old !== undefined) this.#liveBytes -= changeSize([key, old]);
      if (value !== null) this.#liveBytes += changeSize([key, value]);
    }
    apply(this.#records, changes);
    if (this.#sinceSnapshot !== undefined) for (const change of changes) this.#sinceSnapshot.push(change);
  }

  #compactWhenWorthIt(): void {
    const dead = this.#file.size - this.#liveBytes;
    if (this.#compaction !== undefined || this.#closed || dead < MIN_DEAD_BYTES || dead < this.#liveBytes) return;
    // A compaction that fails leaves the old file as it was; the next commit tries again.
    this.#compaction = this.compact()
      .catch(() => {})
      .finally(() => {
        this.#compaction = undefined;
      });
  }

  /**
   * Writes the live records to a new file, and changes over to it. Commits go on meanwhile, to the old file; what they
   * changed is appended at the end, which is all that a commit ever waits for.
   */
  compact(): Promise<void> {
    return this.#maintenance.take(() => this.#compact());
  }

  async #compact(): Promise<void> {
    const snapshot = [...this.#records];
    this.#sinceSnapshot = [];
    const path = compactedPath(this.path);
    let file: JournalFile | undefined;
    try {
      await this.#fileSystem.remove(path);
      file = await createJournalFile(this.#fileSystem, path, this.#file.header, this.#dataKey);
      await writeBatches(file, snapshot);
      await file.sync();
      const written = file;
      await this.#writes.take(async () => {
        await writeBatches(written, this.#sinceSnapshot as Change[]);
        await written.sync();
        await this.#changeOver(written, path);
      });
    } catch (error) {
      if (file !== undefined && this.#file !== file) await discardFile(this.#fileSystem, file, path);
      throw storeError(error, this.path);
    } finally {
      this.#sinceSnapshot = undefined;
    }
  }

  /** After a failed write whose traces could not be cut away: all records to a new file, within exclusive work. */
  async #rewrite(): Promise<void> {
    const path = rewrittenPath(this.path);
    await this.#fileSystem.remove(path);
    const file = await createJournalFile(this.#fileSystem, path, this.#file.header, this.#dataKey);
    try {
      await writeBatches(file, [...this.#records]);
      await file.sync();
      await this.#changeOver(file, path);
    } catch (error) {
      if (this.#file !== file) await discardFile(this.#fileSystem, file, path);
      throw error;
    }
  }

  async #changeOver(file: JournalFile, path: string): Promise<void> {
    await this.#fileSystem.rename(path, this.path);
    this.#isNameSynced = false;
    const old = this.#file;
    this.#file = file;
    await old.close().catch(() => {});
    await this.#syncName();
  }

  /** Until then a crash brings back the file that had the name before, and what was committed since is lost. */
  async #syncName(): Promise<void> {
    await this.#fileSystem.syncDirectory(this.path);
    this.#isNameSynced = true;
  }

  /** Lets `secret` unlock the store, in place of the secret of its kind that did. The records are not encrypted anew. */
  async setSecret(secret: Secret): Promise<void> {
    const slot = await createSlot(secret, this.#dataKey, this.#file.header.storeId, this.#scrypt);
    await this.#changeSlots((slots) => withSlot(slots, slot));
  }

  /** Takes away the secret of a kind. Throws RangeError when none would be left. */
  async removeSecret(kind: Secret["kind"]): Promise<void> {
    await this.#changeSlots((slots) => withoutKind(slots, kind));
  }

  #changeSlots(change: (slots: readonly Slot[]) => readonly Slot[]): Promise<void> {
    return this.#maintenance.take(() =>
      this.#writes.take(async () => {
        const path = compactedPath(this.path);
        try {
          await this.#fileSystem.remove(path);
          const slots = change(this.#file.header.slots);
          const file = await copyJournalFile(this.#fileSystem, this.#file, path, slots, this.#dataKey);
          await this.#changeOver(file, path);
        } catch (error) {
          if (error instanceof RangeError) throw error;
          throw storeError(error, this.path);
        }
      }),
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#counters.settle().catch(() => {});
    this.#closed = true;
    await this.#maintenance.take(async () => {});
    await this.#writes.take(async () => {});
    await this.#file.close().catch(() => {});
    await this.#lock.release();
    wipe(this.#dataKey, ...this.#records.values());
    this.#records.clear();
  }
}

/** An empty store, whole before it has its name: what a crash left of it would be none, and in the way of the next start. */
async function createNamed(
  fileSystem: FileSystem,
  path: string,
  identity: Identity,
  dataKey: Uint8Array,
): Promise<JournalFile> {
  let name = compactedPath(path);
  await fileSystem.remove(name);
  const file = await createJournalFile(fileSystem, name, identity, dataKey);
  try {
    await file.sync();
    await fileSystem.renameNew(name, path);
    name = path;
    await fileSystem.syncDirectory(path);
    return file;
  } catch (error) {
    await discardFile(fileSystem, file, name);
    throw error;
  }
}

function compactedPath(path: string): string {
  return `${path}.new`;
}

/** Not the compaction's, which may be under way. */
function rewrittenPath(path: string): string {
  return `${path}.rewrite`;
}

function sizeOf(changes: readonly Change[]): number {
  return changes.reduce((sum, change) => sum + changeSize(change), 0);
}

function apply(records: Map<string, Uint8Array>, changes: readonly Change[]): void {
  for (const [key, value] of changes) {
    if (value === null) records.delete(key);
    else records.set(key, value);
  }
}

async function writeBatches(file: JournalFile, changes: readonly Change[]): Promise<void> {
  let batch: Change[] = [];
  let size = 0;
  for (const change of changes) {
    batch.push(change);
    size += changeSize(change);
    if (size < BATCH_BYTES) continue;
    await file.write(batch);
    batch = [];
    size = 0;
  }
  if (batch.length > 0) await file.write(batch);
}
