// The commands that concern the store as a file: init, passwd, backup, restore, store info, check and recover.

import { existsSync } from "node:fs";
import { backupStore, restoreStore } from "../../keystore/backup.ts";
import { inspectStore, recoverStore, type StoreReport } from "../../keystore/inspect.ts";
import type { Secret } from "../../keystore/keys.ts";
import { askNewPassphrase } from "./ask-passphrase.ts";
import { Failure } from "./failure.ts";
import { createKeyFile, readKeyFile } from "./key-file.ts";
import { createStore, openStore, type StoreOptions, type Surroundings, withSecret } from "./open-store.ts";
import type { JsonOption, Print } from "./output.ts";
import { findSecret } from "./secrets.ts";

export async function init(options: StoreOptions, around: Surroundings, print: Print): Promise<void> {
  if (existsSync(options.store)) {
    throw new Failure(`${options.store} exists already: move it away first, or name another file with --store.`);
  }
  const { store, notes } = await createStore(options, around);
  await store.close();
  for (const note of notes) print(note);
}

export interface PasswdOptions extends StoreOptions {
  readonly newPassphraseFile?: string;
  readonly newKeyFile?: string;
  readonly remove?: Secret["kind"];
}

/** Sets the store's passphrase or key file, or takes one of the two away; the records are not encrypted anew. */
export async function passwd(options: PasswdOptions, around: Surroundings, print: Print): Promise<void> {
  const store = await openStore(options, around);
  try {
    if (options.remove !== undefined) {
      await store.removeSecret(options.remove).catch((error: unknown) => {
        if (!(error instanceof RangeError)) throw error;
        throw new Failure(`Nothing else unlocks ${options.store}: set another secret first.`, { cause: error });
      });
      print(`${options.store} is not unlocked by a ${options.remove} any more.`);
      return;
    }
    const secret = await newSecret(options, around);
    await store.setSecret(secret);
    print(`${options.store} is unlocked by the new ${secret.kind} from now on.`);
  } finally {
    await store.close();
  }
}

async function newSecret(options: PasswdOptions, { terminal }: Surroundings): Promise<Secret> {
  const { newKeyFile, newPassphraseFile } = options;
  if (newKeyFile !== undefined) return existsSync(newKeyFile) ? readKeyFile(newKeyFile) : createKeyFile(newKeyFile);
  if (newPassphraseFile !== undefined) {
    const found = findSecret(options.store, { passphraseFile: newPassphraseFile }, {});
    if (found !== undefined) return found.secret;
  }
  const passphrase = terminal && (await askNewPassphrase(terminal, "New passphrase: "));
  if (passphrase !== undefined) return { kind: "passphrase", passphrase };
  throw new Failure("No new secret was given: type a passphrase, or give --new-passphrase-file or --new-key-file.");
}

export async function backup(target: string, { store }: Pick<StoreOptions, "store">, print: Print): Promise<void> {
  await backupStore(store, target);
  print(`${target} is a backup of ${store}, encrypted as it is and unlocked by the same secrets.`);
}

export async function restore(
  source: string,
  options: StoreOptions & { readonly force: boolean },
  around: Surroundings,
  print: Print,
): Promise<void> {
  if (!existsSync(source)) throw new Failure(`There is no backup ${source}.`);
  await withSecret(options, around, (secret) => restoreStore(source, options.store, secret, options.force), source);
  print(`${options.store} is what ${source} was.`);
}

export async function storeInfo(options: StoreOptions & JsonOption, around: Surroundings, print: Print): Promise<void> {
  const report = await withSecret(options, around, (secret) => inspectStore(options.store, secret));
  if (options.json) {
    print(JSON.stringify({ ...report, records: Object.fromEntries(report.records) }));
    return;
  }
  print(
    `${options.store}: format version ${report.version}, ${report.fileSize} bytes, ${describeCount(report.frames, "frame")}`,
  );
  print(`unlocked by: ${report.secrets.join(", ")}`);
  for (const [applet, count] of [...report.records].sort()) print(`records of ${applet}: ${count}`);
}

/** Says what is whole; fails when something is not. */
export async function storeCheck(
  options: StoreOptions & JsonOption,
  around: Surroundings,
  print: Print,
): Promise<void> {
  const report = await withSecret(options, around, (secret) => inspectStore(options.store, secret));
  const { frames, tornBytes, damage } = report;
  if (options.json) print(JSON.stringify({ frames, tornBytes, damage }));
  else describeFrames(options.store, report, print);
  if (report.damage.length > 0) {
    throw new Failure(
      `${options.store} is damaged: save what is whole with "latchkey store recover", or restore a backup.`,
    );
  }
}

export async function storeRecover(
  target: string,
  options: StoreOptions,
  around: Surroundings,
  print: Print,
): Promise<void> {
  const report = await withSecret(options, around, (secret) => recoverStore(options.store, secret, target));
  describeFrames(options.store, report, print);
  print(`${target} holds what is whole, unlocked by the same secrets.`);
}

function describeFrames(path: string, { frames, tornBytes, damage }: StoreReport, print: Print): void {
  print(`${path}: ${describeCount(frames, "whole frame")}`);
  if (tornBytes > 0) print(`a torn tail of ${tornBytes} bytes, from a write that was never acknowledged`);
  for (const { offset, length } of damage) print(`damage at byte ${offset}, ${length} bytes`);
}

function describeCount(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
