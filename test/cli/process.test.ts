// The program itself, as it is built: exit statuses, signals, and what goes to which stream.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { listDevices } from "../../src/usbip/client.ts";

const script = join(import.meta.dirname, "../../dist/src/cli.js");
const children = new Set<ChildProcess>();

beforeAll(() => {
  expect(existsSync(script), "these tests run the built program: `npm run build` first").toBe(true);
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  children.add(child);
  const program = { child, stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    program.stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    program.stderr += chunk.toString();
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("close", (status, signal) => resolve(signal ?? status));
  });
  return { program, ended };
}

async function startServing(...args: string[]) {
  const { program, ended } = start("serve", "--port", "0", "--ephemeral", ...args);
  const port = await vi.waitFor(
    () => {
      const match = /^Listening on 127\.0\.0\.1:(\d+)$/m.exec(program.stdout);
      if (match === null) throw new Error(`not listening yet: ${program.stderr}`);
      return Number(match[1]);
    },
    { timeout: 5_000 },
  );
  return { program, ended, port };
}

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s ends a served key in an orderly way, with status 0",
  async (signal) => {
    const { program, ended, port } = await startServing();
    expect(await listDevices({ host: "127.0.0.1", port })).toHaveLength(1);
    program.child.kill(signal);
    expect(await ended).toBe(0);
    expect(program.stderr).toBe("");
    await expect(listDevices({ host: "127.0.0.1", port })).rejects.toThrow();
  },
);

test("What cannot be done is one sentence on standard error, with status 1", async () => {
  const { port } = await startServing();
  const { program, ended } = start("serve", "--port", String(port), "--ephemeral");
  expect(await ended).toBe(1);
  expect(program.stdout).toBe("");
  expect(program.stderr).toMatch(/^latchkey: Port \d+ on 127\.0\.0\.1 is in use: [^\n]+\.\n$/);
});

test("What is asked for wrongly is said in one line, with status 2", async () => {
  const mistakes = [
    [["serve", "--usb-id", "1209"], "A USB id is two groups of four hexadecimal digits, such as 1209:0001."],
    [["serve", "--touch", "maybe"], "It is one of auto, ask and deny."],
    [["attach", "--port", "0"], "A TCP port to connect to is a number from 1 to 65535."],
    [["list", "--verbose"], "unknown option '--verbose'"],
    [["frobnicate"], "unknown command 'frobnicate'"],
  ] as const;
  await Promise.all(
    mistakes.map(async ([args, complaint]) => {
      const { program, ended } = start(...args);
      expect(await ended).toBe(2);
      expect(program.stderr).toMatch(/^latchkey: [^\n]+\n$/);
      expect(program.stderr).toContain(complaint);
    }),
  );
});

test("Help and version are no errors", async () => {
  const version = start("--version");
  expect(await version.ended).toBe(0);
  expect(version.program.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const help = start("--help");
  expect(await help.ended).toBe(0);
  for (const command of ["serve", "list", "attach", "detach"]) expect(help.program.stdout).toContain(`  ${command} `);
});
