// The processes on the other side of the loopback: the key that is measured, and the echo that says what a round trip
// costs without one.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Child {
  readonly port: number;
  stop(): Promise<void>;
}

/** Both files stand where the build puts them: the bench runs from there too. */
const CLI = fileURLToPath(new URL("../../src/cli.js", import.meta.url));
const ECHO = fileURLToPath(new URL("./echo.js", import.meta.url));

const START_TIMEOUT_MS = 10_000;

/** A key that forgets, on a free port of the loopback, where every touch is granted. */
export function startKey(): Promise<Child> {
  return start([CLI, "serve", "--port", "0", "--ephemeral", "--touch", "auto"]);
}

export function startEcho(): Promise<Child> {
  return start([ECHO]);
}

/** Starts a program that says "Listening on HOST:PORT". Rejects with its output when it does not. */
async function start(command: readonly string[]): Promise<Child> {
  const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"] });
  const exit = () => void child.kill("SIGKILL");
  process.once("exit", exit);
  const stop = async () => {
    process.off("exit", exit);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  };
  try {
    return { port: await listeningPort(child), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function listeningPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (what: string) => reject(new Error(`${child.spawnargs.join(" ")} ${what}\n${output}`));
    const timer = setTimeout(() => fail("does not listen"), START_TIMEOUT_MS);
    child.once("error", reject);
    child.once("exit", (code, signal) => fail(`ended (${signal ?? code})`));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        output += data.toString();
        const port = /^Listening on .*:(\d+)$/m.exec(output)?.[1];
        if (port === undefined) return;
        clearTimeout(timer);
        resolve(Number(port));
      });
    }
  });
}
