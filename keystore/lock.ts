// One writer to a store, by a lock that ends with its holder: a listening Unix domain socket beside the file (a named
// pipe on Windows). The kernel closes it even after kill -9, so that no stale lock has to be deleted by hand, and it
// keeps apart processes in different network or process namespaces that share a directory.
//
// A name is taken over in four steps, each atomic in the file system: listen under a name of one's own; link that to
// the lock's name, which fails if there is one; if nobody answers there, rename the dead one away, and make sure that
// it was the dead one; try again.
import { createHash, randomBytes } from "node:crypto";
import { closeSync, constants, linkSync, lstatSync, openSync, renameSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { basename, dirname, join } from "node:path";
import { KeyStoreError } from "./index.ts";

const ANSWER_MS = 2_000;
const ATTEMPTS = 20;

/** sun_path has 108 bytes on Linux, its final NUL included, and 104 on macOS. */
const MAX_SOCKET_PATH = 103;
/** What is left of that for a name behind "/proc/self/fd/12345/", without ".lock". */
const MAX_NAME = 75;

export class StoreLock {
  readonly #server: Server;
  readonly #release: () => void;

  private constructor(server: Server, release: () => void) {
    this.#server = server;
    this.#release = release;
  }

  /** Takes the lock of the store at `path`. Throws KeyStoreError in-use, with the holder's pid in its sentence. */
  static async acquire(path: string): Promise<StoreLock> {
    return process.platform === "win32" ? StoreLock.#acquirePipe(path) : StoreLock.#acquireSocket(path);
  }

  release(): Promise<void> {
    this.#release();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** A pipe's name is free as soon as its holder is gone: listening is the lock. */
  static async #acquirePipe(path: string): Promise<StoreLock> {
    const name = `\\\\.\\pipe\\latchkey-${createHash("sha256").update(path.toLowerCase()).digest("hex").slice(0, 32)}`;
    const server = createHolder();
    try {
      await listen(server, name);
    } catch {
      throw inUse(path, await askPid(name));
    }
    return new StoreLock(server, () => {});
  }

  static async #acquireSocket(path: string): Promise<StoreLock> {
    const lockPath = lockPathOf(path);
    const ownPath = besidePath(lockPath);
    const server = createHolder();
    const directory = shortDirectory(ownPath);
    try {
      await listen(server, directory.short(ownPath));
      const own = lstatSync(ownPath).ino;
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (tryLink(ownPath, lockPath)) {
          rmSync(ownPath);
          return new StoreLock(server, () => {
            if (inodeOf(lockPath) === own) rmSync(lockPath, { force: true });
          });
        }
        const holder = inodeOf(lockPath);
        if (holder === undefined) continue;
        const answer = await askPid(directory.short(lockPath));
        if (answer !== "nobody") throw inUse(path, answer);
        removeDead(lockPath, holder);
      }
      throw inUse(path, undefined);
    } catch (error) {
      rmSync(ownPath, { force: true });
      server.close();
      throw error;
    } finally {
      directory.close();
    }
  }
}

/** The store's name with `.lock` behind it; a digest of it where that would not fit a socket address. */
function lockPathOf(path: string): string {
  const name = basename(path);
  if (Buffer.byteLength(name) <= MAX_NAME) return `${path}.lock`;
  return join(dirname(path), `.${createHash("sha256").update(name).digest("hex").slice(0, 32)}.lock`);
}

/** A name of our own in the same directory. */
function besidePath(lockPath: string): string {
  return join(dirname(lockPath), `.${process.pid}-${randomBytes(6).toString("hex")}.lock`);
}

function inUse(path: string, pid: number | "nobody" | undefined): KeyStoreError {
  const who = typeof pid === "number" ? `the process with pid ${pid}` : "another process";
  return new KeyStoreError(
    "in-use",
    `${path} is in use by ${who}; stop that one first, or name another file with --store.`,
  );
}

/** Answers every connection with the pid, and keeps no process alive. */
function createHolder(): Server {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end(`${process.pid}\n`);
  });
  return server.unref();
}

function listen(server: Server, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(name, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** The pid behind a socket; undefined when somebody is there but does not say; "nobody" when the socket is dead or gone. */
function askPid(name: string): Promise<number | "nobody" | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(name);
    let text = "";
    socket.setTimeout(ANSWER_MS, () => {
      resolve(undefined);
      socket.destroy();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "ECONNREFUSED" || error.code === "ENOENT" ? "nobody" : undefined);
    });
    socket.on("data", (data) => {
      text = (text + data.toString("latin1")).slice(0, 16);
    });
    socket.on("end", () => {
      const pid = Number.parseInt(text, 10);
      resolve(pid > 0 ? pid : undefined);
    });
  });
}

function tryLink(ownPath: string, lockPath: string): boolean {
  try {
    linkSync(ownPath, lockPath);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function inodeOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}

/** Removes the lock whose holder did not answer; puts it back when it is not that one any more. */
function removeDead(lockPath: string, holder: number): void {
  const grave = besidePath(lockPath);
  try {
    renameSync(lockPath, grave);
  } catch {
    return; // another process was faster
  }
  if (inodeOf(grave) !== holder) tryLink(grave, lockPath);
  rmSync(grave, { force: true });
}

/** Names in the directory of `path` that fit a socket address, by way of an open descriptor where the path is too long. */
function shortDirectory(path: string): { short(path: string): string; close(): void } {
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH || process.platform !== "linux") {
    return { short: (name) => name, close() {} };
  }
  const descriptor = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return {
    short: (name) => join(`/proc/self/fd/${descriptor}`, basename(name)),
    close: () => closeSync(descriptor),
  };
}
