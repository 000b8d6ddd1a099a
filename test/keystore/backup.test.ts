import { lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { backupStore, restoreStore } from "../../keystore/backup.ts";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { inspectStore, recoverStore } from "../../keystore/inspect.ts";
import { type FileSystem, nodeFileSystem } from "../../keystore/store-file.ts";
import { contents, keyFileSecret, storeDirectory } from "../support/store-directory.ts";

const directory = storeDirectory();

let stores = 0;
const newPath = () => join(directory, `store-${++stores}`);

async function recorded(): Promise<string> {
  const path = newPath();
  const store = await FileKeyStore.create(path, [keyFileSecret]);
  await store.commit({ "fido2/1": Uint8Array.of(1) });
  await store.close();
  return path;
}

async function contentsOf(path: string): Promise<string> {
  const store = await FileKeyStore.open(path, keyFileSecret);
  const all = contents(store);
  await store.close();
  return all;
}

/** The real file system, on which `path` can be read but not written. */
function readOnly(path: string): FileSystem {
  return {
    ...nodeFileSystem,
    async open(asked) {
      if (asked === path) throw Object.assign(new Error("EROFS: injected"), { code: "EROFS", syscall: "open" });
      return nodeFileSystem.open(asked);
    },
  };
}

describe("A file that can only be read", () => {
  it("is restored from", async () => {
    const source = await recorded();
    const path = newPath();
    await restoreStore(source, path, keyFileSecret, false, readOnly(source));
    expect(await contentsOf(path)).toBe(await contentsOf(source));
  });

  it("is copied, looked at, and what is whole of it saved", async () => {
    const path = await recorded();
    const [copy, saved] = [newPath(), newPath()];
    await backupStore(path, copy, readOnly(path));
    expect(readFileSync(copy)).toEqual(readFileSync(path));
    expect(await inspectStore(path, keyFileSecret, readOnly(path))).toMatchObject({ frames: 1, damage: [] });
    await recoverStore(path, keyFileSecret, saved, readOnly(path));
    expect(await contentsOf(saved)).toBe(await contentsOf(path));
  });
});

describe("A backup that cannot be restored", () => {
  it("is named as the person named it, and leaves nothing behind", async () => {
    const path = newPath();
    const text = newPath();
    writeFileSync(text, "no backup", { mode: 0o600 });
    const refused = restoreStore(text, path, keyFileSecret, false);
    await expect(refused).rejects.toMatchObject({
      code: "not-a-store",
      message: expect.stringMatching(new RegExp(`^${text} is not a Latchkey store`)),
    });
    await expect(inspectStore(path, keyFileSecret)).rejects.toMatchObject({ code: "not-found" });

    const good = await recorded();
    const wrong = restoreStore(good, path, { kind: "key-file", key: new Uint8Array(32) }, false);
    await expect(wrong).rejects.toMatchObject({
      code: "wrong-secret",
      message: `this key file does not unlock ${good}; try another one.`,
    });
  });
});

it("A place where no store can be is said to be that", async () => {
  const source = await recorded();
  const below = restoreStore(source, join(source, "store"), keyFileSecret, false);
  await expect(below).rejects.toMatchObject({ name: "KeyStoreError", code: "not-found" });
});

it("A store is restored where a symbolic link leads, unless it is in use there", async () => {
  const [source, path, link] = [await recorded(), await recorded(), newPath()];
  symlinkSync(path, link);
  const store = await FileKeyStore.open(path, keyFileSecret);
  await store.commit({ "fido2/1": Uint8Array.of(2) });
  await expect(restoreStore(source, link, keyFileSecret, true)).rejects.toMatchObject({ code: "in-use" });
  await store.close();
  await restoreStore(source, link, keyFileSecret, true);
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(await contentsOf(path)).toBe(await contentsOf(source));
});

it("A copy without a directory for it is said to lack that, and not a store", async () => {
  const path = await recorded();
  const target = join(directory, "none", "copy");
  const sentence = `there is no directory for ${target}; make it first, or name another place.`;
  await expect(backupStore(path, target)).rejects.toMatchObject({ code: "not-found", message: sentence });
  await expect(recoverStore(path, keyFileSecret, target)).rejects.toMatchObject({ message: sentence });
});
