// kill -9 at any moment: every transaction that was acknowledged is there, and none is there by half.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { keyFileSecret, storeDirectory } from "../support/store-directory.ts";

const RUNS = 500;
const writer = fileURLToPath(new URL("../../dist/test/children/store-writer.js", import.meta.url));
const directory = storeDirectory();

/** Runs the writer until a random moment after it began to write; gives the last transaction that it acknowledged. */
async function runAndKill(path: string): Promise<number> {
  const key = keyFileSecret.kind === "key-file" ? toHex(keyFileSecret.key) : "";
  const child = spawn(process.execPath, [writer, path, key], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data: Buffer) => {
    if (output === "") setTimeout(() => child.kill("SIGKILL"), Math.random() * 30);
    output += data.toString();
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await once(child, "close");
  clearTimeout(limit);
  return Number(output.trimEnd().split("\n").at(-1));
}

async function verifyWhole(path: string, acknowledged: number): Promise<void> {
  const store = await FileKeyStore.open(path, keyFileSecret);
  const number = (key: string) => {
    const record = store.get(key);
    return record === undefined ? undefined : new Reader(record).u32be();
  };
  const last = number("last") as number;
  expect(last).toBeGreaterThanOrEqual(acknowledged);
  for (let n = Math.max(0, last - 49); n <= last; n++) {
    expect([number(`left/${n % 50}`), number(`right/${n % 50}`), number(`old/${n}`)]).toEqual([n, n, n]);
  }
  expect([...store.keys("old/")]).toHaveLength(Math.min(last + 1, 50));
  await store.close();
}

describe("a writing process killed at a random moment", () => {
  it(`leaves whole transactions, and all that it acknowledged, ${RUNS} times of ${RUNS}`, {
    timeout: 300_000,
  }, async () => {
    expect(existsSync(writer), "run npm run build first").toBe(true);
    const paths = [join(directory, "a"), join(directory, "b")];
    await Promise.all(
      paths.map(async (path) => {
        await (await FileKeyStore.create(path, [keyFileSecret])).close();
        for (let run = 0; run < RUNS / paths.length; run++) await verifyWhole(path, await runAndKill(path));
      }),
    );
  });
});
