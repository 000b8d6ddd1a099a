// Where the secret of a store comes from: what the command line names, the environment, systemd, a key file beside the
// store, or the person at the terminal; in that order.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Secret } from "../../keystore/keys.ts";
import { Failure } from "./failure.ts";
import { parseKeyFile, readKeyFile, readSecretFile } from "./key-file.ts";

export interface SecretOptions {
  readonly passphraseFile?: string;
  readonly keyFile?: string;
}

/** A secret, and how to name its origin to a person. */
export interface FoundSecret {
  readonly secret: Secret;
  readonly origin: string;
}

/** systemd's names for the credentials that a unit passes: `LoadCredential=latchkey-passphrase:…`. systemd.exec(5) */
const CREDENTIALS = { passphrase: "latchkey-passphrase", key: "latchkey-key" } as const;

export function keyFileBeside(storePath: string): string {
  return `${storePath}.key`;
}

/** The secret that needs nobody at a terminal; undefined when there is none. Throws Failure. */
export function findSecret(storePath: string, options: SecretOptions, env: NodeJS.ProcessEnv): FoundSecret | undefined {
  return namedSecret(options) ?? environmentSecret(env) ?? systemdSecret(env) ?? besideSecret(storePath);
}

function namedSecret({ passphraseFile, keyFile }: SecretOptions): FoundSecret | undefined {
  if (passphraseFile !== undefined && keyFile !== undefined) {
    throw new Failure("Give either --passphrase-file or --key-file: one secret is enough to unlock.");
  }
  if (passphraseFile !== undefined) {
    return { secret: passphraseOf(readSecretFile(passphraseFile), passphraseFile), origin: passphraseFile };
  }
  return keyFile === undefined ? undefined : { secret: readKeyFile(keyFile), origin: keyFile };
}

function environmentSecret(env: NodeJS.ProcessEnv): FoundSecret | undefined {
  const passphrase = env.LATCHKEY_PASSPHRASE;
  if (passphrase === undefined) return undefined;
  return { secret: passphraseOf(passphrase, "LATCHKEY_PASSPHRASE"), origin: "LATCHKEY_PASSPHRASE" };
}

/** The directory is systemd's, private to the unit, and its files may be readable by a group that holds the unit alone. */
function systemdSecret(env: NodeJS.ProcessEnv): FoundSecret | undefined {
  const directory = env.CREDENTIALS_DIRECTORY;
  if (directory === undefined) return undefined;
  const key = join(directory, CREDENTIALS.key);
  if (existsSync(key)) {
    const secret = parseKeyFile(readSecretFile(key));
    if (secret === undefined) throw new Failure(`The systemd credential ${CREDENTIALS.key} is not a key file.`);
    return { secret, origin: `the systemd credential ${CREDENTIALS.key}` };
  }
  const passphrase = join(directory, CREDENTIALS.passphrase);
  if (!existsSync(passphrase)) return undefined;
  const origin = `the systemd credential ${CREDENTIALS.passphrase}`;
  return { secret: passphraseOf(readSecretFile(passphrase), origin), origin };
}

function besideSecret(storePath: string): FoundSecret | undefined {
  const path = keyFileBeside(storePath);
  return existsSync(path) ? { secret: readKeyFile(path), origin: path } : undefined;
}

/** A passphrase as it stands in a file or a variable: without the end of its line. Throws Failure when it is empty. */
function passphraseOf(text: string, origin: string): Secret {
  const passphrase = text.replace(/\r?\n$/, "");
  if (passphrase === "") throw new Failure(`The passphrase in ${origin} is empty.`);
  return { kind: "passphrase", passphrase };
}
