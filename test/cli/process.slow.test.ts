// The program itself, as it is built: exit statuses, signals, and what goes to which stream.
import { once } from "node:events";
import { existsSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { listDevices } from "../../src/usbip/client.ts";
import { programRig, script } from "./program.ts";

const { run, serving } = programRig(() => process.env);

beforeAll(() => {
  expect(existsSync(script), "these tests run the built program: `npm run build` first").toBe(true);
});

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
  "%s ends a served key in an orderly way, with status 0",
  async (signal) => {
    const program = await serving("--ephemeral");
    const { child, port } = program;
    expect(await listDevices({ host: "127.0.0.1", port })).toHaveLength(1);
    child.kill(signal);
    expect(await once(child, "close")).toEqual([0, null]);
    expect(program.stderr).toBe("");
    await expect(listDevices({ host: "127.0.0.1", port })).rejects.toThrow();
  },
);

test("What cannot be done is one sentence on standard error, with status 1", async () => {
  const { port } = await serving("--ephemeral");
  const { status, stdout, stderr } = await run(["serve", "--port", String(port), "--ephemeral"]);
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^latchkey: Port \d+ on 127\.0\.0\.1 is in use: [^\n]+\.\n$/);
});

test("What is asked for wrongly is said in one line, with status 2", async () => {
  const mistakes = [
    [["serve", "--usb-id", "1209"], "A USB id is two groups of four hexadecimal digits, such as 1209:0001."],
    [["serve", "--touch", "maybe"], "It is one of auto, ask and deny."],
    [["attach", "--port", "0"], "A TCP port to connect to is a number from 1 to 65535."],
    [["store", "info", "--store", ""], "option '--store <file>' has an empty value"],
    [["serve", "--ephemeral", "--control", ""], "option '--control <path>' has an empty value"],
    [["list", "--verbose"], "unknown option '--verbose'"],
    [["frobnicate"], "unknown command 'frobnicate'"],
  ] as const;
  await Promise.all(
    mistakes.map(async ([args, complaint]) => {
      const { status, stderr } = await run(args);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^latchkey: [^\n]+\n$/);
      expect(stderr).toContain(complaint);
    }),
  );
});

test("Help and version are no errors", async () => {
  const version = await run(["--version"]);
  expect(version.status).toBe(0);
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const help = await run(["--help"]);
  expect(help.status).toBe(0);
  for (const command of ["serve", "list", "attach", "detach"]) expect(help.stdout).toContain(`  ${command} `);
});
