/**
 * A `latchkey serve` of its own, outside the guest: a child process on a free port of the loopback, killed with the test process.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { launchWords } from "./guest.ts";
import { repository } from "./image.ts";

export interface KeyProcess {
  readonly pid: number;
  readonly port: number;
  /** Everything it has written so far, stdout and stderr as one. */
  output(): string;
  /** Writes to its standard input: the keyboard of `--touch ask`. */
  type(text: string): void;
  /** Resolves when the output holds `pattern` after position `from`. @throws after `timeoutMs` */
  waitFor(pattern: RegExp, from?: number, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Ends it as Ctrl-C's cousin does (SIGTERM), by force after 5 s. @returns the exit status, or the signal that ended it */
  stop(): Promise<number | NodeJS.Signals>;
  /** Ends it without a chance to clean up. */
  kill9(): Promise<void>;
}

export interface KeyProcessOptions {
  /** Run on a terminal of its own, so that `--touch ask` prompts; `type` then presses keys there. */
  readonly terminal?: boolean;
  /** See GuestOptions. */
  readonly urgent?: boolean;
  /** Its environment, in place of this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

const START_TIMEOUT_MS = 20_000;
const listening = /127\.0\.0\.1:(\d+)/;

/** Starts `latchkey serve --port 0 ARGUMENTS…` from the built tree and waits for the line that names its port. */
export function startKey(args: readonly string[], options: KeyProcessOptions = {}): Promise<KeyProcess> {
  const command = [process.execPath, join(repository, "dist/src/cli.js"), "serve", "--port", "0", ...args];
  return startServer(command, options);
}

/** Starts any server that prints `127.0.0.1:PORT` once it listens. @throws with its output when it ends or stays silent */
export async function startServer(command: readonly string[], options: KeyProcessOptions = {}): Promise<KeyProcess> {
  // script(1) gives its child a terminal and passes on what is typed; the child ends with it by SIGHUP.
  const words = options.terminal ? ["script", "-qefc", command.map(quoteWord).join(" "), "/dev/null"] : command;
  const [program = "", ...args] = [...launchWords(options.urgent ?? false), ...words];
  const child = spawn(program, args, { stdio: "pipe", cwd: repository, env: options.env ?? process.env });
  const server = new ServerProcess(child);
  try {
    const match = await server.waitFor(listening, 0, START_TIMEOUT_MS);
    server.port = Number(match[1]);
  } catch (error) {
    await server.kill9();
    throw error;
  }
  return server;
}

function quoteWord(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

class ServerProcess implements KeyProcess {
  port = 0;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<number | NodeJS.Signals>;
  readonly #watchers = new Set<() => void>();
  #output = "";
  #end: number | NodeJS.Signals | undefined;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stdin.on("error", () => {}); // its end is reported by `close`
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => {
        this.#output += data.toString();
        this.#notify();
      });
    }
    this.#ended = new Promise((resolve) => {
      const end = (status: number | NodeJS.Signals) => {
        this.#end = status;
        this.#notify();
        resolve(status);
      };
      child.on("error", (error) => {
        this.#output += error.message;
        end(127);
      });
      child.on("close", (code, signal) => end(signal ?? code ?? 0));
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  output(): string {
    return this.#output;
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  waitFor(pattern: RegExp, from = 0, timeoutMs = 10_000): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const look = () => {
        const match = pattern.exec(this.#output.slice(from));
        if (match !== null) finish(() => resolve(match));
        else if (this.#end !== undefined)
          finish(() => reject(this.#surprise(`it ended (${this.#end}) without ${pattern}`)));
      };
      const late = () => finish(() => reject(this.#surprise(`no ${pattern} within ${timeoutMs} ms`)));
      const timer = setTimeout(late, timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  async stop(): Promise<number | NodeJS.Signals> {
    const force = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    this.#child.kill("SIGTERM");
    const end = await this.#ended;
    clearTimeout(force);
    return end;
  }

  async kill9(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #notify(): void {
    for (const look of [...this.#watchers]) look();
  }

  #surprise(message: string): Error {
    return new Error(`${message}; the server's output:\n${this.#output.slice(-4000)}`);
  }
}
