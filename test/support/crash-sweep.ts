// What a crash at any moment of a command leaves: the file is cut at every byte that the command wrote, and each cut
// must open to the old state or to the new one. For every command of an applet that writes more than one record.
import { readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { parseHeader, unlockHeader } from "../../keystore/header.ts";
import { JOURNAL_START, readFrame } from "../../keystore/journal.ts";
import { FileKeys } from "../../keystore/keys.ts";
import { contents, keyFileSecret } from "./store-directory.ts";

/** A cut that is opened for good, on the disk, and not only read: every so many bytes. */
const OPENED = 16;

/**
 * Runs `command` on a store at `path` that `prepare` has filled. The command must change something. `except`: records that
 * do not count, as that of the tries, which a command has to spend on its own before it compares a PIN.
 */
export async function expectOldOrNew(
  path: string,
  prepare: (store: FileKeyStore) => Promise<void>,
  command: (store: FileKeyStore) => Promise<void>,
  except: readonly string[] = [],
): Promise<void> {
  const store = await FileKeyStore.create(path, [keyFileSecret]);
  await prepare(store);
  const before = { size: store.fileSize, contents: contents(store, except) };
  await command(store);
  const after = { size: store.fileSize, contents: contents(store, except) };
  const file = readFileSync(path);
  await store.close();
  expect(after.contents).not.toBe(before.contents);

  const replay = await journalReader(file, path);
  const ends = replay(after.size);
  for (let cut = before.size; cut <= after.size; cut++) {
    // What is cut off a transaction takes the whole of it along …
    expect(replay(cut).at(-1)).toBe(ends.findLast((end) => end <= cut));
    if (cut !== before.size && !ends.includes(cut) && cut % OPENED !== 0) continue;
    // … and what the whole ones before it leave is old or new.
    writeFileSync(path, file.subarray(0, cut));
    const crashed = await FileKeyStore.open(path, keyFileSecret);
    const found = contents(crashed, except);
    await crashed.close();
    if (found !== before.contents && found !== after.contents) expect.fail(`cut at ${cut - before.size}: in between`);
    if (cut === before.size) expect(found).toBe(before.contents);
  }
}

/** Replays a file that ends at `size` as opening does. @returns where each of its whole transactions ends */
async function journalReader(file: Uint8Array, path: string): Promise<(size: number) => readonly number[]> {
  const header = parseHeader(file, path);
  const keys = new FileKeys(await unlockHeader(header, keyFileSecret, path), header.storeId, header.generation);
  return (size) => {
    const journal = file.subarray(header.length, size);
    const ends: number[] = [];
    for (let position = JOURNAL_START; ; ) {
      const result = readFrame(journal, position, keys);
      if (result.kind === "damaged") throw new Error(`damaged at ${header.length + position.offset}`);
      if (result.kind !== "frame") return ends;
      position = result.next;
      ends.push(header.length + position.offset);
    }
  };
}
