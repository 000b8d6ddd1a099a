// The file operations of the keystore, with their order of durability, behind one small face: so that tests can let
// each of them fail. The only importer of node:fs here but the lock.
import { constants } from "node:fs";
import { type FileHandle, link, open, realpath, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { makeDirectories } from "../src/directories.ts";
import { KeyStoreError } from "./index.ts";

/** An open file that is only ever appended to, cut back, and synced. */
export interface StoreFile {
  read(): Promise<Uint8Array>;
  /** Size in bytes and the permission bits. */
  stat(): Promise<{ readonly size: number; readonly mode: number; readonly isFile: boolean }>;
  write(bytes: Uint8Array, position: number): Promise<void>;
  truncate(length: number): Promise<void>;
  /** fdatasync: data and the length are on the disk when it resolves. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileSystem {
  /** The file that a path leads to, past symbolic links. */
  resolve(path: string): Promise<string>;
  /** Opens for reading and writing. */
  open(path: string): Promise<StoreFile>;
  /** The whole of a file, which need not be writable: a backup, or a damaged store on a disk that is mounted read-only. */
  read(path: string): Promise<Uint8Array>;
  /** Creates with mode 0600; fails when it exists. */
  create(path: string): Promise<StoreFile>;
  /** Renames to what nothing may have as its name yet, in one step wherever the disk can; durable after syncDirectory. */
  renameNew(from: string, to: string): Promise<void>;
  /** Makes the directory of a file, mode 0700, where there is none. */
  makeDirectory(path: string): Promise<void>;
  /** Renames over `to`; durable after syncDirectory. */
  rename(from: string, to: string): Promise<void>;
  /** Makes the names in the directory of a file durable. */
  syncDirectory(path: string): Promise<void>;
  remove(path: string): Promise<void>;
}

class NodeStoreFile implements StoreFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(): Promise<Uint8Array> {
    const { size } = await this.#handle.stat();
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await this.#handle.read(bytes, at, size - at, at);
      if (bytesRead === 0) return bytes.subarray(0, at);
      at += bytesRead;
    }
    return bytes;
  }

  async stat() {
    const stats = await this.#handle.stat();
    return { size: stats.size, mode: stats.mode & 0o777, isFile: stats.isFile() };
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

export const nodeFileSystem: FileSystem = {
  resolve: (path) => realpath(path),

  async open(path) {
    return new NodeStoreFile(await open(path, constants.O_RDWR));
  },

  async read(path) {
    const file = new NodeStoreFile(await open(path, constants.O_RDONLY));
    try {
      return await file.read();
    } finally {
      await file.close();
    }
  },

  async create(path) {
    return new NodeStoreFile(await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600));
  },

  async makeDirectory(path) {
    makeDirectories(dirname(path));
  },

  async renameNew(from, to) {
    try {
      await link(from, to);
    } catch (error) {
      if (!NO_SECOND_NAME.includes((error as NodeJS.ErrnoException).code)) throw error;
      // An empty file takes the name first: a crash in this moment leaves that, a second process finds it.
      await (await nodeFileSystem.create(to)).close();
      await rename(from, to);
      return;
    }
    await rm(from);
  },

  rename,

  async syncDirectory(path) {
    // Windows cannot open a directory; NTFS journals the rename itself.
    if (process.platform === "win32") return;
    const directory = await open(dirname(path), constants.O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },

  async remove(path) {
    await rm(path, { force: true });
  },
};

/** Takes a file away that came to nothing. */
export async function discardFile(fileSystem: FileSystem, file: Pick<StoreFile, "close">, path: string): Promise<void> {
  await file.close().catch(() => {});
  await fileSystem.remove(path).catch(() => {});
}

/** A new file with these bytes, on the disk when it resolves; its name is so after syncDirectory. */
export async function writeNewFile(fileSystem: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const file = await fileSystem.create(path);
  try {
    await file.write(bytes, 0);
    await file.sync();
  } catch (error) {
    await discardFile(fileSystem, file, path);
    throw error;
  }
  await file.close();
}

/** What link says where a file can have one name only (FAT, some network disks), or where it is not allowed. */
const NO_SECOND_NAME: readonly (string | undefined)[] = ["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

const SENTENCES: Readonly<Record<string, readonly [KeyStoreError["code"], (path: string) => string]>> = {
  ENOENT: ["not-found", (path) => `there is no store at ${path}; make one with "latchkey init".`],
  EACCES: [
    "permission",
    (path) =>
      `${path} may not be read and written by this user; correct its owner or choose another file with --store.`,
  ],
  EPERM: [
    "permission",
    (path) =>
      `${path} may not be read and written by this user; correct its owner or choose another file with --store.`,
  ],
  EROFS: [
    "permission",
    (path) => `${path} lies on a file system that is mounted read-only; choose another place with --store.`,
  ],
  EISDIR: ["not-a-store", (path) => `${path} is a directory; name a file with --store.`],
  ENOTDIR: ["not-found", (path) => `a part of ${path} is a file and not a directory; name another file with --store.`],
  EEXIST: ["in-use", (path) => `${path} exists already; move it away first, or name another file.`],
  ENOSPC: [
    "no-space",
    (path) => `the disk that holds ${path} is full; nothing was lost, and it goes on when there is space.`,
  ],
  EDQUOT: [
    "no-space",
    (path) =>
      `the quota on the disk that holds ${path} is used up; nothing was lost, and it goes on when there is space.`,
  ],
};

/** What the system said, as a KeyStoreError with a sentence for people. */
export function storeError(error: unknown, path: string): KeyStoreError {
  if (error instanceof KeyStoreError) return error;
  const { code: given = "unknown error", syscall } = error as NodeJS.ErrnoException;
  // A directory cannot be made where a file is, nor in /proc.
  const code = syscall === "mkdir" ? ({ EEXIST: "ENOTDIR", ENOENT: "EACCES" }[given] ?? given) : given;
  const [kind, sentence] = SENTENCES[code] ?? [
    "io",
    () => `${path} could not be read or written (${code}); look at the disk and the system's log.`,
  ];
  return new KeyStoreError(kind, sentence(path), { cause: error });
}

/** The same, of a copy that could not be made: what is missing then is its directory, and not a store. */
export function creationError(error: unknown, path: string): KeyStoreError {
  if (error instanceof KeyStoreError || (error as NodeJS.ErrnoException).code !== "ENOENT") {
    return storeError(error, path);
  }
  return new KeyStoreError("not-found", `there is no directory for ${path}; make it first, or name another place.`, {
    cause: error,
  });
}
