import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { inspectStore, recoverStore } from "../../keystore/inspect.ts";
import { keyFileSecret, storeDirectory } from "../support/store-directory.ts";

const directory = storeDirectory();

/** A store of 20 transactions, and where each ends. */
async function recorded(path: string): Promise<number[]> {
  const store = await FileKeyStore.create(path, [keyFileSecret]);
  const ends: number[] = [];
  for (let n = 0; n < 20; n++) {
    await store.commit({ [`fido2/${n}`]: Uint8Array.of(n), "piv/last": Uint8Array.of(n) });
    ends.push(store.fileSize);
  }
  await store.close();
  return ends;
}

describe("store check", () => {
  it("counts what a whole store holds", async () => {
    const path = join(directory, "whole");
    await recorded(path);
    expect(await inspectStore(path, keyFileSecret)).toMatchObject({
      version: 1,
      secrets: ["key file"],
      frames: 20,
      records: new Map([
        ["fido2", 20],
        ["piv", 1],
      ]),
      tornBytes: 0,
      damage: [],
    });
  });

  it("tells a torn tail from damage, and where the damage is", async () => {
    const path = join(directory, "damaged");
    const ends = await recorded(path);
    const bytes = readFileSync(path);
    for (const n of [5, 12]) bytes[(ends[n] as number) + 40] = (bytes[(ends[n] as number) + 40] as number) ^ 1;
    const cut = bytes.subarray(0, bytes.length - 3);
    writeFileSync(path, cut, { mode: 0o600 });
    const report = await inspectStore(path, keyFileSecret);
    expect(report.damage).toEqual(
      [5, 12].map((n) => ({ offset: ends[n], length: (ends[n + 1] as number) - (ends[n] as number) })),
    );
    expect(report.frames).toBe(17);
    expect(report.tornBytes).toBe(cut.length - (ends[18] as number));
  });
});

describe("store recover", () => {
  it("saves every record that is whole into a new store, and leaves the damaged file alone", async () => {
    const path = join(directory, "to-recover");
    const ends = await recorded(path);
    const bytes = readFileSync(path);
    bytes.fill(0, (ends[7] as number) + 2, (ends[9] as number) - 20);
    writeFileSync(path, bytes, { mode: 0o600 });
    await expect(FileKeyStore.open(path, keyFileSecret)).rejects.toMatchObject({ code: "corrupt" });
    const target = join(directory, "recovered");
    await recoverStore(path, keyFileSecret, target);
    const saved = await FileKeyStore.open(target, keyFileSecret);
    const expected = Array.from({ length: 20 }, (_, n) => n).filter((n) => n < 8 || n > 9);
    expect([...saved.keys("fido2/")].sort()).toEqual(expected.map((n) => `fido2/${n}`).sort());
    expect(saved.get("piv/last")).toEqual(Uint8Array.of(19));
    await saved.close();
    expect(readFileSync(path)).toEqual(bytes);
    await expect(recoverStore(path, keyFileSecret, target)).rejects.toMatchObject({ code: "in-use" });
  });
});
