/**
 * Real smart card clients at full speed: pcscd with vsmartcard's virtual reader and a key in it, in namespaces of their own, so that suites run
 * side by side, nothing listens on the machine's addresses, and whatever a client leaves running (gpg-agent, scdaemon) ends with the session.
 *
 *   describeNative("gpg and the card", { packages: ["gnupg", "scdaemon"] }, (suite) => {
 *     test("…", async () => expect(await suite.session.ok("gpg --card-status")).toMatch(/…/));
 *   });
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { repository } from "../vm/image.ts";
import { type KeyProcess, startServer } from "../vm/key-process.ts";
import { describeMissing, missingPackages } from "../vm/requirements.ts";

/** The reader that the card is in. The driver's second one, "Virtual PCD 00 01", stays empty. */
export const READER = "Virtual PCD 00 00";

const sessionPackages = ["pcscd", "vsmartcard-vpcd", "opensc", "iproute2", "util-linux"];
const START_TIMEOUT_MS = 15_000;
const program = join(repository, "dist/src/cli.js");

export interface RunOptions {
  /** The script and everything it waits for is killed after this time, and its status is 137. Default 30 s. */
  readonly timeoutMs?: number;
  readonly input?: string | Uint8Array;
}

export interface RunResult {
  readonly code: number;
  /** stdout and stderr as one stream. */
  readonly output: string;
}

export interface SessionOptions {
  /** Further arguments of `latchkey serve`, in place of `--ephemeral --touch auto`. */
  readonly serve?: readonly string[];
  /** Of the reader, in place of "Virtual PCD"; pcscd puts " 00 00" behind it. Yubico's clients go by it. */
  readonly readerName?: string;
}

/** In the namespaces: a loopback that acknowledges at once (the driver writes a length and then the rest, which Nagle's algorithm would hold back for 40 ms), and a socket of pcscd's own. */
const setUp = `
  ip link set lo up
  for to in 127.0.0.0/8 127.0.0.1; do
    ip route change local $to dev lo proto kernel scope host src 127.0.0.1 quickack 1 table local
  done
  mkdir -p /run/pcscd
  mount -t tmpfs tmpfs /run/pcscd
  exec /usr/sbin/pcscd --foreground --config "$SESSION/readers"`;

export class NativeSession {
  /** A directory of the session's own, which ends with it. */
  readonly directory: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #namespaces: ChildProcess;
  readonly #serve: readonly string[];
  #pcscdOutput = "";
  #nextRun = 1;
  #key: KeyProcess | undefined;

  /** Starts pcscd and the key, and waits until the one has the other in its reader. @throws with their output */
  static async start(options: SessionOptions = {}): Promise<NativeSession> {
    const session = new NativeSession(options);
    try {
      await session.#untilReady();
      await session.startKey();
    } catch (error) {
      const log = session.log();
      await session.stop();
      throw new Error(`the session did not start: ${(error as Error).message}\n${log}`);
    }
    return session;
  }

  private constructor({ serve = ["--ephemeral", "--touch", "auto"], readerName = "Virtual PCD" }: SessionOptions) {
    this.#serve = serve;
    // Short: the path of a socket has 107 characters.
    this.directory = mkdtempSync(join(tmpdir(), "lk-"));
    for (const name of ["gnupg", "home", "run", "readers", "bin"])
      mkdirSync(join(this.directory, name), { mode: 0o700 });
    const reader = readFileSync("/etc/reader.conf.d/vpcd", "utf8").replace('"Virtual PCD"', `"${readerName}"`);
    writeFileSync(join(this.directory, "readers/vpcd"), reader);
    writeFileSync(join(this.directory, "bin/latchkey"), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, {
      mode: 0o755,
    });
    this.#environment = {
      PATH: `${this.directory}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: `${this.directory}/home`,
      GNUPGHOME: `${this.directory}/gnupg`,
      XDG_RUNTIME_DIR: `${this.directory}/run`,
      SESSION: this.directory,
      LANG: "C.UTF-8",
    };
    // The first process of a namespace of process ids takes all others with it, and the kernel ends it with this process.
    const words = ["--pdeathsig", "KILL", "--", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"];
    this.#namespaces = spawn("setpriv", [...words, "--mount-proc", "sh", "-ec", setUp], {
      env: this.#environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#namespaces.stdout, this.#namespaces.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.#pcscdOutput = `${this.#pcscdOutput}${data}`.slice(-8192);
      });
    }
  }

  /** The key that is in the reader. */
  get key(): KeyProcess {
    if (this.#key === undefined) throw new Error("no key is running");
    return this.#key;
  }

  /** What pcscd and the key have said, its end. */
  log(): string {
    return `--- pcscd ---\n${this.#pcscdOutput}\n--- key ---\n${this.#key?.output().slice(-4000) ?? "none"}`;
  }

  /** Starts a key, when the one before was stopped, and waits for its card. `args` in place of the session's own. */
  async startKey(args: readonly string[] = this.#serve): Promise<KeyProcess> {
    const command = [process.execPath, program, "serve", "--port", "0", "--vpcd", ...args];
    this.#key = await startServer([...this.#enter(["--net", "--mount"]), ...command], { env: this.#environment });
    await this.key.waitFor(/the card is in the vpcd reader/, 0, START_TIMEOUT_MS);
    await this.untilCard(true);
    return this.key;
  }

  /** Waits until pcscd sees a card, or none: its driver looks every 0.4 s. */
  async untilCard(isThere: boolean): Promise<void> {
    const wanted = isThere ? /^0 +Yes/m : /^0 +No/m;
    for (const end = performance.now() + START_TIMEOUT_MS; performance.now() < end; await sleep(50)) {
      const { output } = await this.run("opensc-tool --list-readers");
      if (wanted.test(output)) return;
    }
    throw new Error(`pcscd saw ${isThere ? "no card" : "a card"} for ${START_TIMEOUT_MS} ms\n${this.log()}`);
  }

  /**
   * Runs a shell script as root, with GNUPGHOME, HOME and `$SESSION` (the session's directory) of its own and `latchkey` on its path. What it leaves
   * in the background (gpg-agent) goes on until the session ends.
   */
  run(script: string, { timeoutMs = 30_000, input = "" }: RunOptions = {}): Promise<RunResult> {
    const limit = ["timeout", "--kill-after=1", "--signal=KILL", String(timeoutMs / 1000)];
    const [command = "", ...args] = [
      ...this.#enter(["--net", "--mount", "--pid"], this.directory),
      ...limit,
      "sh",
      "-c",
      script,
    ];
    // A file, not a pipe: what goes on in the background would hold a pipe open.
    const path = join(this.directory, `output-${this.#nextRun++}`);
    const file = openSync(path, "w");
    const child = spawn(command, args, { env: this.#environment, cwd: this.directory, stdio: ["pipe", file, file] });
    closeSync(file);
    return new Promise((resolve, reject) => {
      child.stdin?.on("error", () => {}); // it did not read all of it
      child.stdin?.end(input);
      child.on("error", reject);
      child.on("exit", (code) => {
        const output = readFileSync(path, "utf8");
        rmSync(path);
        resolve({ code: code ?? 137, output });
      });
    });
  }

  /** Like `run`, but gives the output alone and throws, with the output, when the status is not 0. */
  async ok(script: string, options: RunOptions = {}): Promise<string> {
    const { code, output } = await this.run(script, options);
    if (code !== 0) throw new Error(`exit status ${code} from: ${script}\n${output}\n${this.log()}`);
    return output;
  }

  async stop(): Promise<void> {
    await this.#key?.stop();
    if (this.#namespaces.exitCode === null && this.#namespaces.signalCode === null) {
      const ended = new Promise((resolve) => this.#namespaces.once("exit", resolve));
      this.#namespaces.kill("SIGKILL");
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #untilReady(): Promise<void> {
    for (const end = performance.now() + START_TIMEOUT_MS; performance.now() < end; await sleep(50)) {
      if (this.#namespaces.exitCode !== null) throw new Error(`pcscd ended with status ${this.#namespaces.exitCode}`);
      if (this.#innerPid() === undefined) continue;
      const { code } = await this.run(
        "test -S /run/pcscd/pcscd.comm && test -d /proc/1/ns && ip link show lo | grep -q UP",
      );
      if (code === 0) return;
    }
    throw new Error(`pcscd did not come up within ${START_TIMEOUT_MS} ms`);
  }

  /** unshare's child: it alone is in the namespaces, its parent stays outside. */
  #innerPid(): string | undefined {
    const { pid } = this.#namespaces;
    const path = `/proc/${pid}/task/${pid}/children`;
    return existsSync(path) ? readFileSync(path, "utf8").trim().split(" ")[0] || undefined : undefined;
  }

  /** Without `--wd` nsenter goes to where the process of the target is. */
  #enter(namespaces: readonly string[], directory = "/"): string[] {
    return ["nsenter", "--target", this.#innerPid() ?? "0", ...namespaces, `--wd=${directory}`, "--"];
  }
}

export interface NativeSuite {
  /** The suite's session; there from the first test on. */
  readonly session: NativeSession;
}

export interface NativeSuiteOptions extends SessionOptions {
  /** Debian packages of the programs that the suite runs. */
  readonly packages?: readonly string[];
}

/** A suite with a session of its own, started before its first test. Needs root, for the namespaces. */
export function describeNative(title: string, options: NativeSuiteOptions, body: (suite: NativeSuite) => void): void {
  const missing = missingRequirements(options.packages ?? []);
  if (missing.length > 0) {
    describeMissing(title, missing, (reason) =>
      body({
        get session(): NativeSession {
          throw new Error(reason);
        },
      }),
    );
    return;
  }
  describe(title, () => {
    let session: NativeSession | undefined;
    beforeAll(async () => {
      session = await NativeSession.start(options);
    });
    afterEach(({ task }) => {
      if (task.result?.state === "fail") process.stderr.write(`${task.name} failed\n${session?.log()}\n`);
    });
    afterAll(async () => {
      await session?.stop();
    });
    body({
      get session() {
        if (session === undefined) throw new Error("the session is used before it has started");
        return session;
      },
    });
  });
}

function missingRequirements(packages: readonly string[]): string[] {
  if (process.platform !== "linux") return ["Linux"];
  const missing = missingPackages([...sessionPackages, ...packages]);
  const isAllowed =
    spawnSync("unshare", ["--net", "--mount", "--pid", "--fork", "true"], { timeout: 10_000 }).status === 0;
  return isAllowed ? missing : [...missing, "(and root, to make namespaces)"];
}
