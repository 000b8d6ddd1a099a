// Listening on a Unix domain socket that only its user reaches, and taking the place of a dead one.
//
// The socket is bound in a new directory of mode 0700, made 0600 there, and moved to its name when it listens: nobody
// else ever reaches it, and a socket that refuses a connection under its name is dead for sure.
import { chmodSync, lstatSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import type { Server } from "node:http";
import { dirname, join } from "node:path";
import { isAnswered } from "./client.ts";
import { Refusal } from "./refusal.ts";

/** sun_path has 108 bytes on Linux, its final NUL included, and 104 on macOS. */
const MAX_SOCKET_PATH = 103;

/** Resolves with how to remove the socket when the server is closed. Rejects with Refusal. */
export async function listenAt(server: Server, path: string): Promise<() => void> {
  if (process.platform === "win32") {
    await listen(server, path);
    return () => {};
  }
  const directory = makePrivateDirectory(path);
  try {
    const own = join(directory, "s");
    if (Math.max(Buffer.byteLength(own), Buffer.byteLength(path)) > MAX_SOCKET_PATH) {
      throw new Refusal(
        "failed",
        `The path of the control socket is too long for the system: give a shorter one than ${path} with --control.`,
      );
    }
    await requireFree(path);
    await listen(server, own);
    chmodSync(own, 0o600);
    const { ino } = statSync(own);
    renameSync(own, path);
    return () => {
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === ino) rmSync(path, { force: true });
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function makePrivateDirectory(path: string): string {
  const parent = dirname(path);
  try {
    return mkdtempSync(join(parent, ".c-"));
  } catch (error) {
    throw new Refusal("failed", `No control socket can be made in ${parent}: name another place with --control.`, {
      cause: error,
    });
  }
}

/** Nothing is there, or a socket that nobody listens on any more. */
async function requireFree(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new Refusal("failed", `${path} exists and is not a socket: name another with --control.`);
  }
  if (await isAnswered(path)) {
    throw new Refusal("failed", `${path} belongs to a key that is running: name another with --control.`);
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      reject(new Refusal("failed", `The control socket ${path} cannot be had: ${error.message}.`, { cause: error }));
    };
    server.once("error", fail);
    server.listen(path, () => {
      server.off("error", fail);
      resolve();
    });
  });
}
