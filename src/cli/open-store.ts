// Opening the store of a command: finding its secret, asking for it, and making the store at its first use.
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { KeyStoreError } from "../../keystore/index.ts";
import type { Secret } from "../../keystore/keys.ts";
import { storeError } from "../../keystore/store-file.ts";
import { askNewPassphrase, askPassphrase, type PassphraseTerminal } from "./ask-passphrase.ts";
import { Failure } from "./failure.ts";
import { createKeyFile } from "./key-file.ts";
import { type FoundSecret, findSecret, keyFileBeside, type SecretOptions } from "./secrets.ts";

export interface StoreOptions extends SecretOptions {
  readonly store: string;
}

/** What stands around a command: where it can ask, and the environment. */
export interface Surroundings {
  /** Undefined without a terminal. */
  readonly terminal: PassphraseTerminal | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly warn: (sentence: string) => void;
}

export interface OpenedStore {
  readonly store: FileKeyStore;
  /** What a person should know of it, as sentences: that it was made, and how it unlocks. */
  readonly notes: readonly string[];
}

const ATTEMPTS = 3;

/** Opens the store, or makes it where there is none. Throws Failure or KeyStoreError. */
export async function openOrCreateStore(options: StoreOptions, around: Surroundings): Promise<OpenedStore> {
  if (existsSync(options.store)) return { store: await openStore(options, around), notes: [] };
  return createStore(options, around);
}

/** Opens a store that exists. Throws Failure or KeyStoreError. */
export function openStore(options: StoreOptions, around: Surroundings): Promise<FileKeyStore> {
  return withSecret(options, around, (secret) => FileKeyStore.open(options.store, secret, { warn: around.warn }));
}

/**
 * Runs `use` with the secret of a store, or of `locked`, a backup of it; at a terminal, a mistyped passphrase may be
 * typed again. Throws Failure or KeyStoreError.
 */
export async function withSecret<T>(
  options: StoreOptions,
  { terminal, env }: Surroundings,
  use: (secret: Secret) => Promise<T>,
  locked = options.store,
): Promise<T> {
  const found = findSecret(options.store, options, env);
  if (found !== undefined) return use(found.secret);
  requireReadable(locked);
  if (terminal === undefined) {
    throw new Failure(
      `${locked} is locked, and there is no terminal to ask at: give --passphrase-file, --key-file or LATCHKEY_PASSPHRASE.`,
    );
  }
  for (let attempt = 1; ; attempt++) {
    const passphrase = await askPassphrase(terminal, `Passphrase of ${locked}: `);
    try {
      return await use({ kind: "passphrase", passphrase });
    } catch (error) {
      const isWrong = error instanceof KeyStoreError && error.code === "wrong-secret";
      if (!isWrong || attempt === ATTEMPTS) throw error;
      terminal.output.write("That is not it.\n");
    }
  }
}

/** Nobody is asked for the passphrase of what is not there. Throws KeyStoreError. */
function requireReadable(path: string): void {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) throw Object.assign(new Error("not a file"), { code: "EISDIR" });
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw storeError(error, path);
  }
}

/** Makes a store with the secret that there is, the one that the person chooses, or a key file of its own. */
export async function createStore(options: StoreOptions, around: Surroundings): Promise<OpenedStore> {
  const { secret, origin } = await chooseSecret(options, around);
  const store = await FileKeyStore.create(options.store, [secret]);
  return { store, notes: [`Made a new store, ${options.store}, unlocked by ${origin}.`] };
}

async function chooseSecret(options: StoreOptions, { terminal, env }: Surroundings): Promise<FoundSecret> {
  if (options.keyFile !== undefined && !existsSync(options.keyFile)) {
    return { secret: await createKeyFile(options.keyFile), origin: `the new key file ${options.keyFile}` };
  }
  const found = findSecret(options.store, options, env);
  if (found !== undefined) return found;
  const passphrase =
    terminal &&
    (await askNewPassphrase(
      terminal,
      `A passphrase for the new store ${options.store} (Enter alone: a key file beside it): `,
    ));
  if (passphrase !== undefined) return { secret: { kind: "passphrase", passphrase }, origin: "that passphrase" };
  const path = keyFileBeside(options.store);
  return {
    secret: await createKeyFile(path),
    origin: `a new key file beside it, ${path}: who reads both has everything`,
  };
}
