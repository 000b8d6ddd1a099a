import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const repository = resolve(import.meta.dirname, "../..");
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "latchkey-summary-"));
  symlinkSync(join(repository, "node_modules"), join(directory, "node_modules"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs vitest over the given test files, with the reporter beside the default one as in this repository. */
function runVitest(files: Record<string, string>): { lines: string[]; status: number | null } {
  for (const [name, body] of Object.entries(files)) {
    writeFileSync(join(directory, name), `import { beforeAll, describe, expect, test } from "vitest";\n${body}\n`);
  }
  const reporter = JSON.stringify(join(repository, "test/support/summary-reporter.ts"));
  writeFileSync(
    join(directory, "vitest.config.mjs"),
    `export default { test: { reporters: ["default", ${reporter}], maxWorkers: 1, isolate: false } };`,
  );
  const { VITEST: _, ...env } = process.env;
  const vitest = join(repository, "node_modules/vitest/vitest.mjs");
  const { stdout, status } = spawnSync(process.execPath, [vitest, "run", "--root", directory], {
    encoding: "utf8",
    timeout: 30_000,
    env,
  });
  return { lines: stdout.trimEnd().split("\n"), status };
}

const passing = 'test("a", () => {}); test("b", () => {});';

test("ends a good run with the numbers alone on the last line", () => {
  const { lines, status } = runVitest({ "good.test.js": passing });
  expect(lines.at(-1)).toBe("2 passed, 0 failed");
  expect(status).toBe(0);
}, 30_000);

test("counts failed tests, files that cannot be loaded, failed hooks and stray rejections as failures", () => {
  const { lines, status } = runVitest({
    "good.test.js": passing,
    "bad.test.js": 'test("c", () => expect(1).toBe(2)); test.skip("d", () => {});',
    "unloadable.test.js": 'import "./not-there.js"; test("e", () => {});',
    "hook.test.js": 'describe("s", () => { beforeAll(() => { throw new Error("no"); }); test("f", () => {}); });',
    "stray.test.js": 'test("g", () => { void Promise.reject(new Error("stray")); });',
  });
  expect(lines.at(-1)).toBe("3 passed, 4 failed, 2 skipped");
  expect(status).not.toBe(0);
}, 30_000);
