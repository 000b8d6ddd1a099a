// What a command is run in: for each test a runtime directory and a usual store of its own, what was printed, and keys
// that run in this process.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect } from "vitest";
import type { Surroundings } from "../../src/cli/open-store.ts";
import { type ServeOptions, type Serving, serve } from "../../src/cli/serve.ts";
import { init } from "../../src/cli/store.ts";
import { storeDirectory } from "../support/store-directory.ts";

/** What is here stays the same object from test to test, and has what is the test's own in it. */
export interface CommandRig {
  /** Of the whole file. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** No terminal. */
  readonly around: Surroundings;
  readonly printed: string[];
  print(line: string): void;
  /** The only thing that was printed, which is JSON. */
  printedJson(): ReturnType<typeof JSON.parse>;
  /** Where the usual store is, or would be. */
  usualStore(): string;
  /** Makes the usual store. */
  makeStore(): Promise<void>;
  /** A file with the text in it, that nobody else may read. */
  secretFile(text: string): string;
  /** Runs a key until the test ends: an ephemeral one on the usual socket, unless told otherwise. */
  start(changes?: Partial<ServeOptions>): Promise<Serving>;
  stop(serving: Serving): Promise<void>;
  /** What the key that was started last printed. */
  banner(): string;
}

/** `defaults`: of the keys that are started. */
export function commandRig(defaults: Partial<ServeOptions> = {}): CommandRig {
  const directory = storeDirectory();
  const env: NodeJS.ProcessEnv = {};
  const around: Surroundings = { terminal: undefined, env, warn: () => {} };
  const printed: string[] = [];
  const running = new Set<Serving>();
  let place: string;
  let places = 0;
  let files = 0;
  let banner = "";

  beforeEach(() => {
    place = join(directory, `place-${++places}`);
    mkdirSync(place, { mode: 0o700 });
    for (const name of Object.keys(env)) delete env[name];
    Object.assign(env, { XDG_RUNTIME_DIR: place, XDG_DATA_HOME: place });
    printed.length = 0;
  });
  afterEach(async () => {
    for (const serving of running) await serving.close();
    running.clear();
  });

  const usualStore = () => join(place, "latchkey", "store");

  return {
    directory,
    env,
    around,
    printed,
    print: (line) => void printed.push(line),
    printedJson() {
      expect(printed).toHaveLength(1);
      return JSON.parse(printed.splice(0)[0] ?? "");
    },
    usualStore,
    makeStore: () => init({ store: usualStore() }, around, () => {}),
    secretFile(text) {
      const path = join(place, `secret-${++files}`);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    },
    async start(changes = {}) {
      const options: ServeOptions = {
        host: "127.0.0.1",
        port: 0,
        ephemeral: true,
        store: usualStore(),
        logLevel: "error",
        touch: "ask",
        ...defaults,
        ...changes,
      };
      const streams = { input: new PassThrough(), output: new PassThrough(), errors: new PassThrough().resume() };
      banner = "";
      streams.output.on("data", (data: Buffer) => {
        banner += data.toString();
      });
      const serving = await serve(options, { ...streams, isTerminal: false, script: "/opt/latchkey/cli.js" }, around);
      running.add(serving);
      await new Promise(setImmediate);
      return serving;
    },
    async stop(serving) {
      running.delete(serving);
      await serving.close();
    },
    banner: () => banner,
  };
}
