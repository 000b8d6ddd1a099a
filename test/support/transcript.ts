// Scenario transcripts: what goes to a card and what comes back, as text files (test/transcripts/APPLET/*.apdu).
//
//   # text          a comment; the first ones name the source
//   > 00a40400…     a command APDU in hexadecimal; white space is ignored
//   < 6f.. * 9000   the answer: `..` is any byte, `*` any number of them (the fewest that fit)
//   ! words         something that happens besides: the test that runs the transcript says what each means
//
// Long lines go on in lines that begin with a space.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";

export type Exchange = (command: Uint8Array) => Promise<Uint8Array>;

export interface TranscriptCard {
  readonly exchange: Exchange;
  /** What `! words` means; a transcript with a word that is not here fails. */
  readonly actions?: Readonly<Record<string, () => void | Promise<void>>>;
}

interface Step {
  readonly kind: ">" | "<" | "!";
  readonly text: string;
  readonly line: number;
}

const folder = join(import.meta.dirname, "..", "transcripts");

/** One test for each transcript of the folder, each on a card of its own. */
export function testTranscripts(name: string, makeCard: () => TranscriptCard | Promise<TranscriptCard>): void {
  const files = readdirSync(join(folder, name)).filter((file) => file.endsWith(".apdu"));
  expect(files.length, `transcripts in ${name}`).toBeGreaterThan(0);
  test.each(files.sort())("%s", async (file) => {
    await runTranscript(readFileSync(join(folder, name, file), "utf8"), await makeCard());
  });
}

/** Throws at the first answer that is not as written. */
async function runTranscript(text: string, { exchange, actions = {} }: TranscriptCard): Promise<void> {
  let answer: string | undefined;
  let answered = 0;
  for (const { kind, text: words, line } of parseTranscript(text)) {
    if (kind === "!") {
      const action = actions[words];
      if (action === undefined) throw new Error(`line ${line}: nothing is known of "${words}"`);
      await action();
    } else if (kind === ">") {
      if (answer !== undefined) throw new Error(`line ${line}: the command before has no answer written`);
      answer = toHex(await exchange(fromHex(words)));
    } else {
      if (answer === undefined) throw new Error(`line ${line}: an answer to no command`);
      expect(answer, `line ${line}`).toMatch(answerPattern(words));
      answer = undefined;
      answered++;
    }
  }
  if (answer !== undefined || answered === 0) throw new Error("a transcript ends with an answer");
}

function parseTranscript(text: string): Step[] {
  const steps: Step[] = [];
  for (const [index, row] of text.split("\n").entries()) {
    if (row.startsWith("#") || row.trim() === "") continue;
    const last = steps.at(-1);
    if (row.startsWith(" ") && last !== undefined) {
      steps[steps.length - 1] = { ...last, text: last.text + row };
      continue;
    }
    const kind = row[0];
    if (kind !== ">" && kind !== "<" && kind !== "!") throw new Error(`line ${index + 1}: "${row}" is no step`);
    steps.push({ kind, text: row.slice(1).trim(), line: index + 1 });
  }
  return steps;
}

function answerPattern(words: string): RegExp {
  const digits = words.replace(/\s+/g, "").toLowerCase();
  if (!/^(?:[0-9a-f]{2}|\.\.|\*)+$/.test(digits)) throw new Error(`"${words}" is no answer`);
  return new RegExp(`^${digits.replaceAll("..", "[0-9a-f]{2}").replaceAll("*", "(?:[0-9a-f]{2})*?")}$`);
}
