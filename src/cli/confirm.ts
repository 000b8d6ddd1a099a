// What cannot be undone is asked for twice: with --yes, or by a "yes" at the terminal.
import { createInterface } from "node:readline/promises";
import { Failure } from "./failure.ts";
import type { Surroundings } from "./open-store.ts";

/** Throws Failure unless it is wanted. `question`: without its question mark. */
export async function confirm(question: string, yes: boolean, { terminal }: Surroundings): Promise<void> {
  if (yes) return;
  if (terminal === undefined) throw new Failure("This cannot be undone: say --yes if you mean it.");
  const lines = createInterface({ input: terminal.input, output: terminal.output });
  try {
    const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = await Promise.race([lines.question(`${question}? Type yes: `), ended]);
    if (answer.trim().toLowerCase() !== "yes") throw new Failure("Nothing was done.");
  } finally {
    lines.close();
  }
}
