// The keys that run now, by their sockets in the usual place; the sockets of dead ones are swept out on the way.
import { rmSync } from "node:fs";
import { ControlClient } from "./client.ts";
import type { KeyStatus } from "./messages.ts";
import { NotRunning } from "./refusal.ts";
import { listControlPaths } from "./socket-location.ts";

export interface RunningKey {
  /** The control socket. */
  readonly path: string;
  /** Undefined for one that does not answer, or not as a key does. */
  readonly status: KeyStatus | undefined;
}

/** Throws Refusal when the place is not this user's alone. */
export async function findRunningKeys(env: NodeJS.ProcessEnv): Promise<RunningKey[]> {
  const found = await Promise.all(listControlPaths(env).map(look));
  return found.filter((key) => key !== undefined);
}

async function look(path: string): Promise<RunningKey | undefined> {
  try {
    return { path, status: await new ControlClient(path).status() };
  } catch (error) {
    if (!(error instanceof NotRunning && error.isGone)) return { path, status: undefined };
    rmSync(path, { force: true });
    return undefined;
  }
}
