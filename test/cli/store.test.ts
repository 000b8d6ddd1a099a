// What the commands that concern the store say when something is missing. Most of their tests run the program that is
// built: store.slow.test.ts.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openOrCreateStore } from "../../src/cli/open-store.ts";
import { backup, passwd, restore, storeCheck, storeInfo, storeRecover } from "../../src/cli/store.ts";
import { commandRig } from "./rig.ts";

const { directory, around, printed, print, printedJson, usualStore, makeStore, secretFile } = commandRig();

test("Where there is no store, that is said, and nobody is asked for a passphrase", async () => {
  const options = { store: usualStore(), json: false };
  const sentence = `there is no store at ${usualStore()}; make one with "latchkey init".`;
  for (const command of [
    () => passwd(options, around, print),
    () => backup(join(directory, "copy"), options, print),
    () => storeInfo(options, around, print),
    () => storeCheck(options, around, print),
    () => storeRecover(join(directory, "saved"), options, around, print),
  ]) {
    await expect(command()).rejects.toThrow(sentence);
  }
  await expect(openOrCreateStore({ store: directory }, around)).rejects.toThrow(`${directory} is a directory`);
});

test("A backup that is not there, and one that is locked, are named, and not the store", async () => {
  const options = { store: usualStore(), force: false };
  const missing = join(directory, "missing");
  await expect(restore(missing, options, around, print)).rejects.toThrow(`There is no backup ${missing}.`);
  const locked = secretFile("whatever");
  await expect(restore(locked, options, around, print)).rejects.toThrow(
    `${locked} is locked, and there is no terminal`,
  );
});

test("A file of a secret that is missing, or a directory, is said to be that", async () => {
  const options = { store: usualStore(), json: false };
  await makeStore();
  const missing = join(directory, "missing");
  const withFile = (passphraseFile: string) => storeInfo({ ...options, passphraseFile }, around, print);
  await expect(withFile(missing)).rejects.toThrow(`There is no file ${missing}.`);
  await expect(withFile(directory)).rejects.toThrow(`${directory} is a directory and not a file.`);
});

test("A check's JSON holds what is whole and what is not", async () => {
  await makeStore();
  const options = { store: usualStore(), json: true };
  await storeCheck(options, around, print);
  expect(printedJson()).toEqual({ frames: 0, tornBytes: 0, damage: [] });
  writeFileSync(usualStore(), Buffer.alloc(300, 0x4c), { flag: "a" });
  await storeCheck(options, around, print).catch(() => {});
  const { frames, tornBytes, damage } = printedJson();
  expect(frames).toBe(0);
  expect(tornBytes + (damage[0]?.length ?? 0)).toBe(300);
  expect(printed).toEqual([]);
});
