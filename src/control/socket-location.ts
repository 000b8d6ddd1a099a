// Where control sockets are: in a directory of their user alone, one file for each running key, so that a command finds
// the only one and can list several. On Windows: named pipes, which have no directory.
import { randomBytes } from "node:crypto";
import { lstatSync, readdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { makeDirectories } from "../directories.ts";
import { Refusal } from "./refusal.ts";

const SUFFIX = ".sock";
const PIPES = "\\\\.\\pipe\\";

/**
 * `$XDG_RUNTIME_DIR/latchkey`, which goes away with the login; without that variable (it has to be absolute: XDG Base
 * Directory Specification) a directory in the place for temporary files.
 */
export function controlDirectory(env: NodeJS.ProcessEnv): string {
  const runtime = env.XDG_RUNTIME_DIR;
  return runtime?.startsWith("/") ? join(runtime, "latchkey") : join(tmpdir(), `latchkey-${process.getuid?.() ?? 0}`);
}

/** A name that no other key has: the TCP port is for people. Makes the directory. Throws Refusal. `platform` is this one, or a test's. */
export function newControlPath(env: NodeJS.ProcessEnv, port: number, platform = process.platform): string {
  const name = `${port}-${randomBytes(4).toString("hex")}`;
  if (platform === "win32") return `${PIPES}${pipePrefix()}${name}`;
  const directory = controlDirectory(env);
  try {
    makeDirectories(directory);
  } catch (error) {
    throw new Refusal("failed", `${directory} cannot be made: name a place for the control socket with --control.`, {
      cause: error,
    });
  }
  requireOwnDirectory(directory);
  return join(directory, `${name}${SUFFIX}`);
}

/**
 * The sockets that are there, of dead keys too. Throws Refusal when somebody else may have put them there, or when the
 * place cannot be looked into.
 */
export function listControlPaths(env: NodeJS.ProcessEnv): string[] {
  if (process.platform === "win32") {
    const prefix = pipePrefix();
    return readdirSync(PIPES)
      .filter((name) => name.startsWith(prefix))
      .map((name) => PIPES + name);
  }
  const directory = controlDirectory(env);
  if (!isThere(directory)) return [];
  requireOwnDirectory(directory);
  return readdirSync(directory)
    .filter((name) => name.endsWith(SUFFIX) && !name.startsWith("."))
    .sort()
    .map((name) => join(directory, name));
}

/** After `su`, XDG_RUNTIME_DIR often is still the other user's. */
function isThere(directory: string): boolean {
  try {
    return lstatSync(directory, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw new Refusal(
      "failed",
      `${directory} cannot be looked into for running keys: correct XDG_RUNTIME_DIR, or name a key's socket with --control.`,
      { cause: error },
    );
  }
}

/** In a place for everybody, another user could have made it first, and would be told PINs. */
function requireOwnDirectory(directory: string): void {
  const stat = lstatSync(directory);
  const isOwn = stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0;
  if (isOwn) return;
  throw new Refusal(
    "forbidden",
    `${directory} is not a directory of this user alone: remove it, or name a place for the control socket with --control.`,
  );
}

function pipePrefix(): string {
  return `latchkey-control-${userInfo().username}-`;
}
