// Where a PIN comes from: a file, the environment, or the person at the terminal, in that order; never the command line,
// which every user of the machine can read.
import { askNewPassphrase, askPassphrase } from "./ask-passphrase.ts";
import { Failure } from "./failure.ts";
import { readSecretFile } from "./key-file.ts";
import type { Surroundings } from "./open-store.ts";

export interface PinOptions {
  readonly pinFile?: string;
}

export interface NewPinOptions {
  readonly newPinFile?: string;
}

/** The PIN that is set. Throws Failure. */
export async function obtainPin({ pinFile }: PinOptions, { env, terminal }: Surroundings): Promise<string> {
  const known = givenPin(pinFile, env, "LATCHKEY_PIN");
  if (known !== undefined) return known;
  if (terminal === undefined) {
    throw new Failure("The PIN is needed, and there is no terminal to ask at: give --pin-file or LATCHKEY_PIN.");
  }
  return notEmpty(await askPassphrase(terminal, "PIN: ", "PIN"), "that was typed");
}

/** A PIN to be set. Throws Failure. */
export async function obtainNewPin({ newPinFile }: NewPinOptions, { env, terminal }: Surroundings): Promise<string> {
  const known = givenPin(newPinFile, env, "LATCHKEY_NEW_PIN");
  if (known !== undefined) return known;
  if (terminal === undefined) {
    throw new Failure(
      "The new PIN is needed, and there is no terminal to ask at: give --new-pin-file or LATCHKEY_NEW_PIN.",
    );
  }
  return notEmpty((await askNewPassphrase(terminal, "New PIN: ", "PIN")) ?? "", "that was typed");
}

function givenPin(file: string | undefined, env: NodeJS.ProcessEnv, variable: string): string | undefined {
  if (file !== undefined) return notEmpty(readSecretFile(file).replace(/\r?\n$/, ""), `in ${file}`);
  const value = env[variable];
  return value === undefined ? undefined : notEmpty(value, `in ${variable}`);
}

function notEmpty(pin: string, where: string): string {
  if (pin === "") throw new Failure(`The PIN ${where} is empty.`);
  return pin;
}
