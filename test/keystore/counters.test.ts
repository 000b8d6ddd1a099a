import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { keyFileSecret, storeDirectory } from "../support/store-directory.ts";

const directory = storeDirectory();

describe("a counter of the store", () => {
  it("counts by one from 1, and over a clean close without a gap", async () => {
    const path = join(directory, "clean");
    const store = await FileKeyStore.create(path, [keyFileSecret]);
    for (let n = 1; n <= 1_500; n++) expect(await store.next("fido2/signature-counter")).toBe(n);
    await store.close();
    const again = await FileKeyStore.open(path, keyFileSecret);
    expect(await again.next("fido2/signature-counter")).toBe(1_501);
    expect(await again.next("another")).toBe(1);
    await again.close();
  });

  it("skips after a crash, and never goes back", async () => {
    const path = join(directory, "crash");
    const store = await FileKeyStore.create(path, [keyFileSecret]);
    let last = 0;
    for (let n = 0; n < 900; n++) last = await store.next("c");
    const crashed = join(directory, "crashed");
    copyFileSync(path, crashed); // what a kill leaves: the file, and nothing that was only in memory
    await store.close();
    const again = await FileKeyStore.open(crashed, keyFileSecret);
    const first = await again.next("c");
    expect(first).toBeGreaterThan(last);
    expect(first).toBeLessThanOrEqual(last + 2_000);
    await again.close();
  });

  it("costs a write of the file only once in many values", async () => {
    const store = await FileKeyStore.create(join(directory, "cheap"), [keyFileSecret]);
    await store.next("c");
    const before = store.fileSize;
    for (let n = 0; n < 700; n++) await store.next("c");
    expect(store.fileSize).toBe(before);
    await store.close();
  });

  it("gives every one of many callers at once a value of its own", async () => {
    const store = await FileKeyStore.create(join(directory, "many"), [keyFileSecret]);
    const values = await Promise.all(Array.from({ length: 3_000 }, () => store.next("c")));
    expect(new Set(values).size).toBe(3_000);
    await store.close();
  });
});
