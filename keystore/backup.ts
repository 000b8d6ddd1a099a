// Copies of a store file that are consistent while it is being served, without its lock and without its secret: the
// journal only grows, so that what has been read is a prefix of it, and frames that were acknowledged are whole in it.
import { isEqual } from "../src/bytes/equal.ts";
import { FileKeyStore } from "./file-keystore.ts";
import { parseHeader } from "./header.ts";
import { KeyStoreError } from "./index.ts";
import type { Secret } from "./keys.ts";
import { StoreLock } from "./lock.ts";
import { creationError, type FileSystem, nodeFileSystem, storeError, writeNewFile } from "./store-file.ts";

const ATTEMPTS = 5;

/** Copies the store at `path` to `target`, which must not exist. Still encrypted, unlocked by the same secrets. */
export async function backupStore(
  path: string,
  target: string,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<void> {
  const bytes = await readSettled(path, fileSystem);
  parseHeader(bytes, path);
  await writeNew(bytes, target, fileSystem);
}

/**
 * The bytes of a file that may be growing. A write that fails is cut away again and another may take its place, so what
 * was read counts only when a second look finds it unchanged.
 */
async function readSettled(path: string, fileSystem: FileSystem): Promise<Uint8Array> {
  try {
    let bytes = await fileSystem.read(path);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const again = await fileSystem.read(path);
      if (again.length >= bytes.length && isEqual(bytes, again.subarray(0, bytes.length))) return bytes;
      bytes = again;
    }
  } catch (error) {
    throw storeError(error, path);
  }
  throw new KeyStoreError("io", `${path} changes faster than it can be copied; try again.`);
}

/**
 * Puts the backup at `source` in the place of the store at `path`, after proving that `secret` opens the whole of it.
 * Throws KeyStoreError: in-use when a process serves the store, or when it exists and `force` is false.
 */
export async function restoreStore(
  source: string,
  target: string,
  secret: Secret,
  force: boolean,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<void> {
  const bytes = await readSettled(source, fileSystem);
  let path = target;
  let lock: StoreLock | undefined;
  try {
    await fileSystem.makeDirectory(target);
    // Whoever serves the store has locked the file that a symbolic link leads to.
    path = await fileSystem.resolve(target).catch(() => target);
    lock = await StoreLock.acquire(path);
    if (!force && (await exists(path, fileSystem))) {
      throw new KeyStoreError("in-use", `${path} exists already; give --force to replace it with the backup.`);
    }
    const staged = `${path}.restored`;
    await fileSystem.remove(staged);
    await writeNew(bytes, staged, fileSystem);
    try {
      await (await FileKeyStore.open(staged, secret, { fileSystem })).close();
      await fileSystem.rename(staged, path);
    } catch (error) {
      await fileSystem.remove(staged);
      throw ofSource(error, staged, source);
    }
    await fileSystem.syncDirectory(path);
  } catch (error) {
    throw storeError(error, path);
  } finally {
    await lock?.release();
  }
}

/** What is wrong with the copy is wrong with the backup, and that is the file that people know. */
function ofSource(error: unknown, staged: string, source: string): unknown {
  if (!(error instanceof KeyStoreError)) return error;
  return new KeyStoreError(error.code, error.message.replaceAll(staged, source), { cause: error });
}

async function exists(path: string, fileSystem: FileSystem): Promise<boolean> {
  try {
    await (await fileSystem.open(path)).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function writeNew(bytes: Uint8Array, target: string, fileSystem: FileSystem): Promise<void> {
  try {
    await writeNewFile(fileSystem, target, bytes);
    await fileSystem.syncDirectory(target);
  } catch (error) {
    throw creationError(error, target);
  }
}
