// A disk that is full, read-only or broken: nothing is lost, memory shows what the disk has, and service goes on.
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { recoverStore } from "../../keystore/inspect.ts";
import { type FileSystem, nodeFileSystem, type StoreFile } from "../../keystore/store-file.ts";
import { contents, keyFileSecret, storeDirectory } from "../support/store-directory.ts";

const directory = storeDirectory();

type Operation = "write" | "truncate" | "sync" | "create" | "rename" | "syncDirectory";

/** The real file system, some operations of which fail while they stand in `failing`; a failing write writes half. */
function faultyFileSystem(failing: Map<Operation, string>): FileSystem {
  const check = (operation: Operation) => {
    const code = failing.get(operation);
    if (code !== undefined) throw Object.assign(new Error(`${code}: injected`), { code, syscall: operation });
  };
  const wrap = (file: StoreFile): StoreFile => ({
    read: () => file.read(),
    stat: () => file.stat(),
    close: () => file.close(),
    async write(bytes, position) {
      if (failing.has("write")) await file.write(bytes.subarray(0, bytes.length / 2), position);
      check("write");
      await file.write(bytes, position);
    },
    async truncate(length) {
      check("truncate");
      await file.truncate(length);
    },
    async sync() {
      check("sync");
      await file.sync();
    },
  });
  return {
    ...nodeFileSystem,
    open: async (path) => wrap(await nodeFileSystem.open(path)),
    create: async (path) => {
      check("create");
      return wrap(await nodeFileSystem.create(path));
    },
    rename: async (from, to) => {
      check("rename");
      await nodeFileSystem.rename(from, to);
    },
    syncDirectory: async (path) => {
      check("syncDirectory");
      await nodeFileSystem.syncDirectory(path);
    },
  };
}

describe.each([
  ["a full disk", [["write", "ENOSPC"]], "no-space"],
  ["a write error", [["write", "EIO"]], "io"],
  ["a failing sync", [["sync", "EIO"]], "io"],
  [
    "a full disk that cannot be cut either",
    [
      ["write", "ENOSPC"],
      ["truncate", "EIO"],
    ],
    "no-space",
  ],
  [
    "a disk on which nothing works any more",
    [
      ["write", "EIO"],
      ["truncate", "EIO"],
      ["sync", "EIO"],
      ["create", "EIO"],
    ],
    "io",
  ],
] as const)("%s", (name, faults, code) => {
  it("rejects the commit, keeps the state, and commits again when it is over", async () => {
    const path = join(directory, name.replaceAll(" ", "-"));
    const failing = new Map<Operation, string>();
    const store = await FileKeyStore.create(path, [keyFileSecret], { fileSystem: faultyFileSystem(failing) });
    await store.commit({ "a/1": Uint8Array.of(1), "a/2": Uint8Array.of(2) });
    const before = contents(store);
    for (const [operation, error] of faults) failing.set(operation, error);
    for (let n = 0; n < 3; n++) {
      await expect(store.commit({ "a/1": new Uint8Array(5_000), "a/3": Uint8Array.of(3) })).rejects.toMatchObject({
        code,
      });
      expect(contents(store)).toBe(before);
    }
    failing.clear();
    await store.commit({ "a/4": Uint8Array.of(4) });
    const after = contents(store);
    expect(after).toBe(`${before}\na/4=04`);
    await store.close();
    const again = await FileKeyStore.open(path, keyFileSecret);
    expect(contents(again)).toBe(after);
    await again.close();
  });
});

describe("a compaction that fails", () => {
  it.each(["create", "write", "sync", "rename"] as const)("at %s leaves the old file in service", async (operation) => {
    const path = join(directory, `compaction-${operation}`);
    const failing = new Map<Operation, string>();
    const store = await FileKeyStore.create(path, [keyFileSecret], { fileSystem: faultyFileSystem(failing) });
    await store.commit({ "a/1": Uint8Array.of(1) });
    failing.set(operation, "ENOSPC");
    await expect(store.compact()).rejects.toMatchObject({ code: "no-space" });
    failing.clear();
    await store.commit({ "a/2": Uint8Array.of(2) });
    await store.compact();
    const before = contents(store);
    await store.close();
    const again = await FileKeyStore.open(path, keyFileSecret);
    expect(contents(again)).toBe(before);
    await again.close();
  });
});

describe("what a crash left beside a store", () => {
  it("is gone when it was opened", async () => {
    const place = join(directory, "leavings");
    await (await FileKeyStore.create(join(place, "store"), [keyFileSecret])).close();
    for (const name of ["store.new", "store.rewrite"]) writeFileSync(join(place, name), "half");
    await (await FileKeyStore.open(join(place, "store"), keyFileSecret)).close();
    expect(readdirSync(place)).toEqual(["store"]);
  });
});

describe("a file whose new name may not be on the disk yet", () => {
  it("takes no commit before it is", async () => {
    const path = join(directory, "unnamed");
    const failing = new Map<Operation, string>();
    const store = await FileKeyStore.create(path, [keyFileSecret], { fileSystem: faultyFileSystem(failing) });
    await store.commit({ "a/1": Uint8Array.of(1) });
    failing.set("syncDirectory", "EMFILE");
    await expect(store.compact()).rejects.toMatchObject({ code: "io" });
    await expect(store.commit({ "a/2": Uint8Array.of(2) })).rejects.toMatchObject({ code: "io" });
    failing.clear();
    await store.commit({ "a/3": Uint8Array.of(3) });
    expect(contents(store)).toBe("a/1=01\na/3=03");
    await store.close();
  });
});

describe.each(["write", "sync", "syncDirectory"] as const)("a new file that fails at %s", (operation) => {
  it("leaves nothing behind, of a new store and of what is saved from an old one", async () => {
    const place = join(directory, `new-${operation}`);
    const fileSystem = faultyFileSystem(new Map([[operation, "ENOSPC"]]));
    const made = FileKeyStore.create(join(place, "made"), [keyFileSecret], { fileSystem });
    await expect(made).rejects.toMatchObject({ code: "no-space" });
    const store = await FileKeyStore.create(join(place, "whole"), [keyFileSecret]);
    await store.commit({ "a/1": Uint8Array.of(1) });
    await store.close();
    const saved = recoverStore(join(place, "whole"), keyFileSecret, join(place, "saved"), fileSystem);
    await expect(saved).rejects.toMatchObject({ code: "no-space" });
    expect(readdirSync(place)).toEqual(["whole"]);
  });
});
