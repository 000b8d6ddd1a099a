// A passphrase or a PIN typed at the terminal, without echo.
import { StringDecoder } from "node:string_decoder";
import { Failure } from "./failure.ts";

/** The terminal that a passphrase is typed at; `setRawMode` turns the echo off. */
export interface PassphraseTerminal {
  readonly input: NodeJS.ReadableStream & { setRawMode?(mode: boolean): unknown };
  readonly output: NodeJS.WritableStream;
  /** Aborts when the program is told to stop. */
  readonly signal?: AbortSignal;
}

/** What is asked for, in sentences about it. */
export type SecretNoun = "passphrase" | "PIN" | "URI" | "secret";

const ENTER = new Set(["\r", "\n"]);
const ERASE = new Set(["\b", "\x7f"]);
const CTRL_C = "\x03";
const CTRL_D = "\x04";
const CTRL_U = "\x15";

/** Asks once; the answer may be empty. Throws Failure at Ctrl-C, at Ctrl-D or the end of input, and at a signal to stop. */
export function askPassphrase(
  { input, output, signal }: PassphraseTerminal,
  question: string,
  noun: SecretNoun = "passphrase",
): Promise<string> {
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder("utf8");
    let typed: string[] = [];
    let isFinished = false;
    const finish = (settle: () => void) => {
      if (isFinished) return;
      isFinished = true;
      input.off("data", onData);
      input.off("end", onEnd);
      signal?.removeEventListener("abort", onEnd);
      input.setRawMode?.(false);
      input.off("error", onEnd);
      input.pause();
      output.write("\n");
      settle();
    };
    const giveUp = () => reject(new Failure(`No ${noun} was given.`));
    const onEnd = () => finish(giveUp);
    const onData = (data: Buffer | string) => {
      for (const character of typeof data === "string" ? data : decoder.write(data)) {
        if (ENTER.has(character)) {
          finish(() => resolve(typed.join("")));
          return;
        }
        if (character === CTRL_C || character === CTRL_D) {
          onEnd();
          return;
        }
        if (ERASE.has(character)) typed.pop();
        else if (character === CTRL_U) typed = [];
        else typed.push(character);
      }
    };
    if (signal?.aborted) {
      giveUp();
      return;
    }
    output.write(question);
    // A terminal that is gone fails to be read, and to be set.
    input.on("error", onEnd);
    input.on("data", onData);
    input.on("end", onEnd);
    signal?.addEventListener("abort", onEnd);
    input.setRawMode?.(true);
    if (!isFinished) input.resume();
  });
}

const ATTEMPTS = 3;

/** Asks for a new passphrase twice over; undefined when the person only presses Enter. Throws Failure. */
export async function askNewPassphrase(
  terminal: PassphraseTerminal,
  question: string,
  noun: SecretNoun = "passphrase",
): Promise<string | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const passphrase = await askPassphrase(terminal, question, noun);
    if (passphrase === "") return undefined;
    if ((await askPassphrase(terminal, "Once more: ", noun)) === passphrase) return passphrase;
    terminal.output.write(`These were two different ${noun}s.\n`);
  }
  throw new Failure(`No ${noun} was given twice alike.`);
}
