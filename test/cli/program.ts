// The program as it is built, run as a process: what it prints, and how it ends.
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterEach, expect, vi } from "vitest";

/** It is there after `npm run build`. */
export const script = join(import.meta.dirname, "../../dist/src/cli.js");

/** A process, and what it wrote so far. */
export interface Program {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  stdout: string;
  stderr: string;
}

/** How a process ended. */
export interface Ended {
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramRig {
  start(args: readonly string[], extra?: NodeJS.ProcessEnv): Program;
  /** Until it ends by itself. */
  run(args: readonly string[], extra?: NodeJS.ProcessEnv): Promise<Ended>;
  /** `serve` on a free port, once it listens. */
  serving(...args: readonly string[]): Promise<Program & { readonly port: number }>;
}

/** `env`: asked at each start. What still runs when a test ends is killed. */
export function programRig(env: () => NodeJS.ProcessEnv): ProgramRig {
  const programs = new Set<Program>();
  afterEach(() => {
    for (const { child } of programs) child.kill("SIGKILL");
    programs.clear();
  });

  function start(args: readonly string[], extra: NodeJS.ProcessEnv = {}): Program {
    const child = spawn(process.execPath, [script, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, ...env(), ...extra },
    });
    const program: Program = { child, stdout: "", stderr: "" };
    programs.add(program);
    child.stdout.on("data", (data: Buffer) => {
      program.stdout += data.toString();
    });
    child.stderr.on("data", (data: Buffer) => {
      program.stderr += data.toString();
    });
    return program;
  }

  return {
    start,
    async run(args, extra) {
      const program = start(args, extra);
      const [status, signal] = (await once(program.child, "close")) as [number | null, NodeJS.Signals | null];
      return { status: signal ?? status ?? 0, stdout: program.stdout, stderr: program.stderr };
    },
    async serving(...args) {
      const program = start(["serve", "--port", "0", ...args]);
      await vi.waitFor(() => expect(program.stdout).toContain("Ctrl-C"), { timeout: 10_000 });
      const port = Number(/^Listening on 127\.0\.0\.1:(\d+)$/m.exec(program.stdout)?.[1]);
      return Object.assign(program, { port });
    },
  };
}
