// One store file that is open: its header, its keys, and where its journal ends. Appending leaves either the whole
// frame, synced, or nothing: what a failed write left behind is cut away before anybody is told of the failure.
import { randomBytes } from "node:crypto";
import type { Change } from "./format.ts";
import { encodeHeader, type Header, type ParsedHeader, parseHeader, type Slot } from "./header.ts";
import { KeyStoreError } from "./index.ts";
import { JOURNAL_START, type JournalPosition, readFrame, sealFrame } from "./journal.ts";
import { FileKeys } from "./keys.ts";
import { discardFile, type FileSystem, type StoreFile } from "./store-file.ts";

/** What a file keeps of its header when it is written anew. */
export type Identity = Pick<Header, "storeId" | "slots">;

export class JournalFile {
  readonly header: Omit<Header, "version">;
  readonly #file: StoreFile;
  readonly #headerLength: number;
  readonly #keys: FileKeys;
  #position: JournalPosition;
  #doubtful = false;

  constructor(
    file: StoreFile,
    header: Omit<Header, "version">,
    headerLength: number,
    keys: FileKeys,
    position: JournalPosition,
  ) {
    this.#file = file;
    this.header = header;
    this.#headerLength = headerLength;
    this.#keys = keys;
    this.#position = position;
  }

  /** Length in bytes. */
  get size(): number {
    return this.#headerLength + this.#position.offset;
  }

  /** A failed write could not be undone, so what the disk holds behind the last frame is unknown. */
  get isDoubtful(): boolean {
    return this.#doubtful;
  }

  /** Writes one frame without syncing: for files that nobody relies on yet. */
  async write(changes: readonly Change[]): Promise<void> {
    const { bytes, next } = sealFrame(changes, this.#position, this.#keys);
    await this.#file.write(bytes, this.size);
    this.#position = next;
  }

  /** Writes one frame and syncs it; when it rejects, the file is as it was, or isDoubtful. */
  async append(changes: readonly Change[]): Promise<void> {
    const before = this.#position;
    try {
      await this.write(changes);
      await this.#file.sync();
    } catch (error) {
      this.#position = before;
      // After a failed sync the kernel may have dropped the pages and call the next sync a success: only a new file
      // can be trusted then. After a failed write, cutting is enough if that can be synced.
      this.#doubtful = !((error as NodeJS.ErrnoException).syscall === "write" && (await this.#cut()));
      throw error;
    }
  }

  /** Cuts off what is behind the last frame; false when the disk does not let it. */
  async #cut(): Promise<boolean> {
    try {
      await this.#file.truncate(this.size);
      await this.#file.sync();
      return true;
    } catch {
      return false;
    }
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  /** The bytes of the journal as they are on the disk. */
  async readJournal(): Promise<Uint8Array> {
    return (await this.#file.read()).subarray(this.#headerLength, this.size);
  }

  /** Takes over the journal of a file of the same generation. */
  async adopt(journal: Uint8Array, source: JournalFile): Promise<void> {
    await this.#file.write(journal, this.#headerLength);
    this.#position = source.#position;
  }

  async close(): Promise<void> {
    this.#keys.wipe();
    await this.#file.close();
  }
}

/** Reads the header of the file at `path`, after checking that it is a file that only its owner can read. */
export async function readHeader(fileSystem: FileSystem, path: string): Promise<ParsedHeader> {
  const file = await fileSystem.open(path);
  try {
    await verifyPrivate(file, path);
    return parseHeader(await file.read(), path);
  } finally {
    await file.close();
  }
}

async function verifyPrivate(file: StoreFile, path: string): Promise<void> {
  const { mode, isFile } = await file.stat();
  if (!isFile) throw new KeyStoreError("not-a-store", `${path} is not a regular file; name another one with --store.`);
  // Windows keeps access in lists that the mode does not show.
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new KeyStoreError(
      "permission",
      `${path} can be read or written by other users; run "chmod 600 ${path}" first.`,
    );
  }
}

/** Opens an unlocked file and hands the changes of each frame to `apply`. A torn tail is cut off. */
export async function openJournalFile(
  fileSystem: FileSystem,
  path: string,
  dataKey: Uint8Array,
  apply: (changes: readonly Change[]) => void,
): Promise<{ readonly file: JournalFile; readonly tornBytes: number }> {
  const file = await fileSystem.open(path);
  try {
    const bytes = await file.read();
    const header = parseHeader(bytes, path);
    const keys = new FileKeys(dataKey, header.storeId, header.generation);
    const journal = bytes.subarray(header.length);
    let position = JOURNAL_START;
    for (;;) {
      const result = readFrame(journal, position, keys);
      if (result.kind === "frame") {
        apply(result.changes);
        position = result.next;
        continue;
      }
      if (result.kind === "damaged") {
        throw new KeyStoreError(
          "corrupt",
          `${path} is damaged at byte ${header.length + position.offset}; see "latchkey store check", and save what is whole with "latchkey store recover" or restore a backup.`,
        );
      }
      const tornBytes = journal.length - position.offset;
      if (tornBytes > 0) {
        await file.truncate(header.length + position.offset);
        await file.sync();
      }
      return { file: new JournalFile(file, header, header.length, keys, position), tornBytes };
    }
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Begins a new file of a store, with a generation of its own and no frames. Not yet synced. */
export async function createJournalFile(
  fileSystem: FileSystem,
  path: string,
  identity: Identity,
  dataKey: Uint8Array,
): Promise<JournalFile> {
  const { storeId, slots } = identity;
  const header = { storeId, slots, generation: randomBytes(16) };
  return writeHeader(fileSystem, path, header, new FileKeys(dataKey, storeId, header.generation));
}

/** Copies a file with other slots and the same frames, synced. */
export async function copyJournalFile(
  fileSystem: FileSystem,
  source: JournalFile,
  path: string,
  slots: readonly Slot[],
  dataKey: Uint8Array,
): Promise<JournalFile> {
  const header = { ...source.header, slots };
  const copy = await writeHeader(fileSystem, path, header, new FileKeys(dataKey, header.storeId, header.generation));
  try {
    await copy.adopt(await source.readJournal(), source);
    await copy.sync();
    return copy;
  } catch (error) {
    await discardFile(fileSystem, copy, path);
    throw error;
  }
}

async function writeHeader(
  fileSystem: FileSystem,
  path: string,
  header: Omit<Header, "version">,
  keys: FileKeys,
): Promise<JournalFile> {
  const bytes = encodeHeader(header, keys);
  const file = await fileSystem.create(path);
  try {
    await file.write(bytes, 0);
  } catch (error) {
    await discardFile(fileSystem, file, path);
    throw error;
  }
  return new JournalFile(file, header, bytes.length, keys, JOURNAL_START);
}
