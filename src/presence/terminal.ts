// `--touch ask`: asks at the terminal that the key was started from. It shows one prompt at a time, oldest first.
import { describePrompt, isDeliberate } from "./describe.ts";
import type { PendingPresence, PresenceEvent } from "./pending.ts";

/** What process.stdin and process.stderr have in common with a test's streams. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/**
 * Shows what `presence` asks on the terminal and answers it by the lines typed there: an empty line (or y) grants,
 * n denies. Returns how to stop. A line counts only for the prompt that was on the screen when its first character
 * came, and one read answers one prompt at most, so that no key pressed beforehand grants what nobody has seen yet.
 */
export function answerAtTerminal(presence: PendingPresence, { input, output }: Terminal): () => void {
  let shown: number | undefined;
  /** Whether what is shown takes a "yes" that was typed: where a touch would be a long one, or a fingerprint. */
  let deliberate = false;
  /** The beginning of a line, and the prompt that it began under. */
  let partial: { text: string; under: number | undefined } | undefined;

  const showNext = () => {
    const next = presence.waiting[0];
    if (next === undefined || next.id === shown) return;
    shown = next.id;
    deliberate = isDeliberate(next.prompt);
    const question = next.prompt.verification === true ? "Is it you?" : "Touch?";
    const answers = deliberate ? "yes and Enter grants, n denies" : "Enter grants, n denies";
    output.write(`${question} ${describePrompt(next.prompt)}  [${answers}] `);
  };

  const listen = (event: PresenceEvent) => {
    if (event.kind === "settled" && event.waiting.id === shown) {
      shown = undefined;
      output.write(`${event.outcome}\n`);
    }
    showNext();
  };

  const answer = (line: string) => {
    if (shown === undefined) return;
    if ((deliberate ? ["yes"] : ["", "y", "yes"]).includes(line)) presence.answer(shown, true);
    else if (["n", "no"].includes(line)) presence.answer(shown, false);
    else output.write(`${deliberate ? "yes and Enter" : "Enter alone"} grants; n and Enter denies: `);
  };

  const read = (chunk: Buffer | string) => {
    const lines = chunk.toString().split("\n");
    const tail = lines.pop() ?? "";
    const started = partial ?? { text: "", under: shown };
    const first = lines[0];
    if (first === undefined) {
      partial = { ...started, text: started.text + tail };
      return;
    }
    partial = tail === "" ? undefined : { text: tail, under: undefined };
    if (started.under === shown) answer((started.text + first).trim().toLowerCase());
  };

  const end = () => {
    output.write("Standard input has ended, so nobody can answer here: every touch will time out.\n");
  };

  const unsubscribe = presence.subscribe(listen);
  input.on("data", read);
  input.once("end", end);
  input.once("error", end);
  input.resume();
  showNext();
  return () => {
    unsubscribe();
    input.off("data", read);
    input.off("end", end);
    input.off("error", end);
    input.pause();
  };
}
