// Key files: one line of text that holds 32 random bytes, readable by its owner alone.
//
//   latchkey-key-1 <43 characters of base64url>
import { randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Secret } from "../../keystore/keys.ts";
import { nodeFileSystem as fileSystem, writeNewFile } from "../../keystore/store-file.ts";
import { Failure, systemCode } from "./failure.ts";

const LINE = /^latchkey-key-1 ([\w-]{43})\n?$/;

/** Parses a key file's text; undefined when it is none. */
export function parseKeyFile(text: string): Secret | undefined {
  const encoded = LINE.exec(text)?.[1];
  return encoded === undefined ? undefined : { kind: "key-file", key: Buffer.from(encoded, "base64url") };
}

/** Reads a key file. Throws Failure. */
export function readKeyFile(path: string): Secret {
  const secret = parseKeyFile(readSecretFile(path));
  if (secret === undefined) throw new Failure(`${path} is not a key file: "latchkey init --key-file" makes one.`);
  return secret;
}

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: "it exists already",
  "EEXIST mkdir": "a part of its path is a file",
  ENOENT: "there can be no directory for it",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system is mounted read-only",
  ENOSPC: "the disk is full",
};

/**
 * Makes a key file that must not exist, durable and whole at once: a part of one, which a crash or a full disk would leave,
 * would be refused as the key file of the next start. Throws Failure.
 */
export async function createKeyFile(path: string): Promise<Secret> {
  const key = randomBytes(32);
  const staged = `${path}.${process.pid}-${randomBytes(6).toString("hex")}`;
  try {
    await fileSystem.makeDirectory(path);
    await writeNewFile(fileSystem, staged, Buffer.from(`latchkey-key-1 ${key.toString("base64url")}\n`));
    try {
      await fileSystem.renameNew(staged, path);
    } finally {
      await fileSystem.remove(staged);
    }
    await fileSystem.syncDirectory(path);
  } catch (error) {
    const { code = "", syscall } = error as NodeJS.ErrnoException;
    const why = REASONS[`${code} ${syscall}`] ?? REASONS[code] ?? code;
    throw new Failure(`The key file ${path} cannot be made: ${why}.`, { cause: error });
  }
  return { kind: "key-file", key };
}

function unreadable(path: string, code = "unknown error"): string {
  if (code === "ENOENT" || code === "ENOTDIR") return `There is no file ${path}.`;
  if (code === "EACCES" || code === "EPERM") return `This user may not read ${path}.`;
  return `${path} cannot be read (${code}).`;
}

/** The text of a file that holds a secret. Throws Failure, also when others can read it. */
export function readSecretFile(path: string): string {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) throw new Failure(`${path} is a directory and not a file.`);
    if (process.platform !== "win32" && (stats.mode & 0o077) !== 0) {
      throw new Failure(`${path} can be read or written by other users: run "chmod 600 ${path}" first.`);
    }
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(unreadable(path, systemCode(error)), { cause: error });
  }
}
