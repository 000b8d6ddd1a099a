// Fills the file system of a directory with commits until one is refused, frees space, and commits again; says at each
// stage what it found. The directory is a file system of about 1 MiB of its own.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { KeyStoreError } from "../../keystore/index.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);
const secret = { kind: "key-file", key: new Uint8Array(32) } as const;
const directory = process.argv[2] ?? "";
const path = join(directory, "store");
const ballast = join(directory, "ballast");

writeFileSync(ballast, new Uint8Array(512 * 1024));
const store = await FileKeyStore.create(path, [secret]);
const isWhole = (holder: FileKeyStore, count: number) =>
  [...holder.keys("a/")].length === count &&
  holder.get(`a/${count - 1}`)?.length === 5_000 &&
  !holder.get(`a/${count}`);

let commits = 0;
try {
  for (; commits < 1_000; commits++) await store.commit({ [`a/${commits}`]: new Uint8Array(5_000) });
} catch (error) {
  say(`full after ${commits} commits: ${error instanceof KeyStoreError ? error.code : error}`);
}
for (let n = 0; n < 3; n++) await store.commit({ "b/1": new Uint8Array(5_000) }).catch(() => {});
if (isWhole(store, commits) && store.get("b/1") === undefined) say("the state is as it was");

rmSync(ballast);
await store.commit({ [`a/${commits}`]: new Uint8Array(5_000) });
say("committed again");
await store.close();

const again = await FileKeyStore.open(path, secret);
if (isWhole(again, commits + 1)) say("reopened: whole");
await again.close();
