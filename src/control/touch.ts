// Answering a touch from beside: the oldest that waits, or one by its number, now or as soon as it is asked for.
import { describePrompt } from "../presence/describe.ts";
import type { PendingPresence, WaitingPrompt } from "../presence/pending.ts";
import type { KeyStatus, TouchAnswer, TouchRequest, WaitingTouch } from "./messages.ts";
import { Refusal } from "./refusal.ts";

/** Rejects with Refusal; `signal`: the one who asks has gone. */
export async function answerTouch(
  key: { status(): KeyStatus; readonly pending: PendingPresence | undefined },
  request: TouchRequest,
  signal: AbortSignal,
): Promise<TouchAnswer> {
  const { pending } = key;
  if (pending === undefined) {
    const message = `This key never waits for a touch: it was started with --touch ${key.status().touch}.`;
    throw new Refusal("not-asking", message);
  }
  const waiting = await findWaiting(pending, request, signal);
  if (request.granted) requireDeliberate(waiting, request);
  if (!pending.answer(waiting.id, request.granted)) throw nothingWaits(request.id);
  return { touch: asWaitingTouch(waiting), granted: request.granted };
}

export function asWaitingTouch({ id, prompt }: WaitingPrompt): WaitingTouch {
  return { id, ...prompt };
}

async function findWaiting(
  pending: PendingPresence,
  { id, waitMs = 0 }: TouchRequest,
  signal: AbortSignal,
): Promise<WaitingPrompt> {
  const matches = (waiting: WaitingPrompt) => id === undefined || waiting.id === id;
  const known =
    pending.waiting.find(matches) ?? (waitMs > 0 ? await nextAsked(pending, matches, waitMs, signal) : undefined);
  if (known === undefined) throw nothingWaits(id);
  return known;
}

/** Undefined when nothing was asked within that time. */
function nextAsked(
  pending: PendingPresence,
  matches: (waiting: WaitingPrompt) => boolean,
  waitMs: number,
  signal: AbortSignal,
): Promise<WaitingPrompt | undefined> {
  return new Promise((resolve) => {
    const finish = (found: WaitingPrompt | undefined) => {
      clearTimeout(timer);
      unsubscribe();
      signal.removeEventListener("abort", giveUp);
      resolve(found);
    };
    const giveUp = () => finish(undefined);
    const timer = setTimeout(giveUp, waitMs);
    const unsubscribe = pending.subscribe((event) => {
      if (event.kind === "asked" && matches(event.waiting)) finish(event.waiting);
    });
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}

/** A prompt that wants more than a touch is not granted by one that nobody looked at. */
function requireDeliberate({ prompt }: WaitingPrompt, { long = false, verified = false }: TouchRequest): void {
  if (prompt.verification === true && !verified) {
    throw new Refusal(
      "deliberate-touch",
      `${describePrompt(prompt)} asks who you are: say that it is you with --verify.`,
    );
  }
  if (prompt.long === true && !long) {
    throw new Refusal("deliberate-touch", `${describePrompt(prompt)} wants a long touch: give it with --long.`);
  }
}

function nothingWaits(id: number | undefined): Refusal {
  return new Refusal("nothing-waits", id === undefined ? "No touch is waited for." : `No touch ${id} is waited for.`);
}
