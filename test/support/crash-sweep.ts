// What a crash at any moment of a command leaves: the file is cut at every byte that the command wrote, and each cut
// must open to the old state or to the new one. For every command of an applet that writes more than one record.
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { contents, keyFileSecret } from "./store-directory.ts";

/** Runs `command` on a store at `path` that `prepare` has filled. The command must change something. */
export async function expectOldOrNew(
  path: string,
  prepare: (store: FileKeyStore) => Promise<void>,
  command: (store: FileKeyStore) => Promise<void>,
): Promise<void> {
  const store = await FileKeyStore.create(path, [keyFileSecret]);
  await prepare(store);
  const before = { size: store.fileSize, contents: contents(store) };
  await command(store);
  const after = { size: store.fileSize, contents: contents(store) };
  const file = readFileSync(path);
  await store.close();

  expect(after.contents).not.toBe(before.contents);
  for (let cut = before.size; cut <= after.size; cut++) {
    writeFileSync(path, file.subarray(0, cut));
    const crashed = await FileKeyStore.open(path, keyFileSecret);
    const found = contents(crashed);
    await crashed.close();
    if (found !== before.contents && found !== after.contents) expect.fail(`cut at ${cut - before.size}: in between`);
    if (cut === before.size) expect(found).toBe(before.contents);
  }
}
