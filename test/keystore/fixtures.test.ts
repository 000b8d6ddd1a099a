// Stores of every format version that was ever released. They must open for ever; none is ever made anew.
import { chmodSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { parseKeyFile } from "../../src/cli/key-file.ts";
import { contents, storeDirectory } from "../support/store-directory.ts";

const directory = storeDirectory();
const fixtures = join(import.meta.dirname, "../fixtures");

/** Opens a copy: git keeps no mode that is tight enough, and a torn tail would be cut off in place. */
async function copyOf(version: number): Promise<string> {
  const path = join(directory, `store-${version}`);
  copyFileSync(join(fixtures, `store-${version}`, "store"), path);
  chmodSync(path, 0o600);
  return path;
}

it.each([1])("version %i opens with its passphrase and with its key file, to what was put in", async (version) => {
  const folder = join(fixtures, `store-${version}`);
  const keyFile = parseKeyFile(readFileSync(join(folder, "store.key"), "utf8"));
  if (keyFile === undefined) throw new Error("the fixture's key file cannot be read");
  for (const secret of [keyFile, { kind: "passphrase", passphrase: "correct horse battery staple" } as const]) {
    const store = await FileKeyStore.open(await copyOf(version), secret);
    expect(`${contents(store)}\n`).toBe(readFileSync(join(folder, "contents.txt"), "utf8"));
    expect(await store.next("fido2/signature-counter")).toBeGreaterThan(42);
    await store.close();
  }
});
