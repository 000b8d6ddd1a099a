// What a crash or a flaw of the disk leaves of a store file: every cut and every flipped bit of a recorded history.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { parseHeader, unlockHeader } from "../../keystore/header.ts";
import { KeyStoreError } from "../../keystore/index.ts";
import { JOURNAL_START, type JournalPosition, readFrame } from "../../keystore/journal.ts";
import { FileKeys } from "../../keystore/keys.ts";
import { contents, keyFileSecret, storeDirectory } from "../support/store-directory.ts";

const TRANSACTIONS = 200;
const directory = storeDirectory();
const path = join(directory, "history");

/** The file after the whole history, and after each transaction the length of the file and the contents. */
let whole: Uint8Array;
let headerLength: number;
let keys: FileKeys;
const history: { size: number; contents: string }[] = [];

beforeAll(async () => {
  const store = await FileKeyStore.create(path, [keyFileSecret]);
  const remember = () => history.push({ size: store.fileSize, contents: contents(store) });
  remember();
  for (let n = 0; n < TRANSACTIONS; n++) {
    await store.commit({
      [`a/${n % 11}`]: Buffer.from(`value ${n}`),
      [`b/${n}`]: new Uint8Array(n % 40).fill(n),
      [`b/${n - 5}`]: null,
    });
    remember();
  }
  await store.close();
  whole = readFileSync(path).subarray(0, history.at(-1)?.size);
  const header = parseHeader(whole, path);
  headerLength = header.length;
  keys = new FileKeys(await unlockHeader(header, keyFileSecret, path), header.storeId, header.generation);
  for (let n = 0; n < TRANSACTIONS; n++) {
    const result = readFrame(whole.subarray(headerLength), positions[n] as JournalPosition, keys);
    if (result.kind !== "frame") throw new Error(`transaction ${n} is not there`);
    positions.push(result.next);
  }
});

/** Where each transaction of the history begins: a sweep need not replay again what stands before its cut. */
const positions: JournalPosition[] = [JOURNAL_START];

/** Replays a journal as opening does, from the `first` transaction on, without the file around it. */
function replay(file: Uint8Array, first = 0): { end: "whole" | "torn" | "damaged"; frames: number } {
  const journal = file.subarray(headerLength);
  let position = positions[first] as JournalPosition;
  for (let frames = first; ; frames++) {
    const result = readFrame(journal, position, keys);
    if (result.kind !== "frame") return { end: result.kind === "end" ? "whole" : result.kind, frames };
    position = result.next;
  }
}

function transactionsAt(size: number): number {
  let n = 0;
  while (n + 1 < history.length && (history[n + 1] as { size: number }).size <= size) n++;
  return n;
}

describe("a store file cut short", () => {
  it("opens to a prefix of whole transactions at every byte behind the header", { timeout: 30_000 }, () => {
    for (let cut = headerLength; cut <= whole.length; cut++) {
      const expected = transactionsAt(cut);
      const { end, frames } = replay(whole.subarray(0, cut), Math.max(0, expected - 1));
      if (frames !== expected) expect.fail(`cut at ${cut}: ${frames} instead of ${expected} transactions`);
      if (end !== (cut === history[expected]?.size ? "whole" : "torn")) expect.fail(`cut at ${cut}: ${end}`);
    }
  });

  it("shows the contents of that prefix when it is opened", async () => {
    for (let n = 0; n < history.length; n += 9) {
      const cutPath = join(directory, "cut");
      writeFileSync(cutPath, whole.subarray(0, (history[n]?.size as number) + 7 * n), { mode: 0o600 });
      const store = await FileKeyStore.open(cutPath, keyFileSecret);
      expect(contents(store)).toBe(history[transactionsAt((history[n]?.size as number) + 7 * n)]?.contents);
      await store.close();
    }
  });

  it("says how much it dropped, cuts it off, and goes on from there", async () => {
    const cut = (history[150] as { size: number }).size - 5;
    const torn = join(directory, "torn");
    writeFileSync(torn, whole.subarray(0, cut), { mode: 0o600 });
    const warnings: string[] = [];
    const store = await FileKeyStore.open(torn, keyFileSecret, { warn: (sentence) => warnings.push(sentence) });
    expect(contents(store)).toBe(history[149]?.contents);
    expect(warnings).toEqual([expect.stringContaining(`dropped ${cut - (history[149]?.size ?? 0)} bytes`)]);
    await store.commit({ "a/new": Uint8Array.of(1) });
    await store.close();
    const again = await FileKeyStore.open(torn, keyFileSecret);
    expect(again.get("a/new")).toEqual(Uint8Array.of(1));
    await again.close();
  });

  it("is refused with one sentence at every byte of the header", () => {
    for (let cut = 0; cut < headerLength; cut++) {
      expect(() => parseHeader(whole.subarray(0, cut), "store")).toThrow(KeyStoreError);
    }
  });

  it("takes a tail of zeros, as file systems leave it after a crash, for torn", () => {
    const size = (history[100] as { size: number }).size;
    const zeros = new Uint8Array(size + 5000);
    zeros.set(whole.subarray(0, size));
    expect(replay(zeros)).toMatchObject({ end: "torn", frames: 100 });
  });
});

describe("a store file with one flipped bit", () => {
  it("gives the whole history but at most its last transaction, or is refused, wherever the bit is", {
    timeout: 30_000,
  }, () => {
    const last = TRANSACTIONS - 1;
    const tail = history[last]?.size as number;
    const flipped = Uint8Array.from(whole);
    for (let at = headerLength; at < whole.length; at++) {
      flipped[at] = (whole[at] as number) ^ (1 << (at % 8));
      const { end, frames } = replay(flipped, transactionsAt(at));
      flipped[at] = whole[at] as number;
      if (end !== (at < tail ? "damaged" : "torn")) expect.fail(`byte ${at}: ${end}`);
      if (end === "torn" && frames !== last) expect.fail(`byte ${at}: ${frames} transactions`);
    }
  });

  it("is refused wherever the bit is in the header", async () => {
    const flippedPath = join(directory, "flipped");
    for (let at = 0; at < headerLength; at++) {
      const flipped = Uint8Array.from(whole.subarray(0, headerLength));
      flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
      writeFileSync(flippedPath, flipped, { mode: 0o600 });
      await expect(FileKeyStore.open(flippedPath, keyFileSecret)).rejects.toThrow(KeyStoreError);
    }
  });

  it("is refused with the offset of the damaged frame", async () => {
    const offset = (history[40] as { size: number }).size;
    const flippedPath = join(directory, "offset");
    const flipped = Uint8Array.from(whole);
    flipped[offset + 2] = (flipped[offset + 2] as number) ^ 1; // in the length
    writeFileSync(flippedPath, flipped, { mode: 0o600 });
    await expect(FileKeyStore.open(flippedPath, keyFileSecret)).rejects.toThrow(`damaged at byte ${offset};`);
  });
});

describe("frames that are not where they were written", () => {
  const frame = (n: number) => whole.subarray(history[n]?.size, history[n + 1]?.size);
  const assemble = (...parts: Uint8Array[]) => Buffer.concat([whole.subarray(0, history[20]?.size), ...parts]);

  it("are refused when one is missing in the middle", () => {
    expect(replay(assemble(...[21, 22, 23].map(frame)))).toMatchObject({ frames: 20 });
    expect(replay(assemble(frame(21), whole.subarray(history[22]?.size)))).toMatchObject({ frames: 20 });
  });

  it("are refused when two are swapped, or one stands twice", () => {
    expect(replay(assemble(frame(21), frame(20), frame(22)))).toMatchObject({ frames: 20 });
    expect(replay(assemble(frame(20), frame(20)))).toMatchObject({ frames: 21 });
  });

  it("are refused when they come from another store of the same secret", async () => {
    const otherPath = join(directory, "other");
    const other = await FileKeyStore.create(otherPath, [keyFileSecret]);
    for (let n = 0; n < 3; n++) await other.commit({ [`a/${n % 11}`]: Buffer.from(`value ${n}`) });
    await other.close();
    const foreign = readFileSync(otherPath).subarray(headerLength);
    expect(replay(Buffer.concat([whole.subarray(0, headerLength), foreign]))).toMatchObject({ frames: 0 });
  });
});
