// Answering a touch from beside: the oldest that waits, or one by its number, now or as soon as it is asked for. One that
// nothing waits for types what an OTP slot types, where there is a keyboard for it.
import { describePrompt } from "../presence/describe.ts";
import type { PendingPresence, WaitingPrompt } from "../presence/pending.ts";
import type { KeyStatus, TouchAnswer, TouchRequest, WaitingTouch } from "./messages.ts";
import { Refusal } from "./refusal.ts";

/** What came of a touch that nothing waited for: SecurityKey.pressTouch. */
export type PressOutcome =
  | "typed"
  | "unread"
  | "busy"
  | "empty"
  | "dormant"
  | "challenge-response"
  | "used-up"
  | "no-keyboard";

export interface TouchedKey {
  status(): KeyStatus;
  readonly pending: PendingPresence | undefined;
  readonly hasKeyboard: boolean;
  pressTouch(long: boolean): Promise<PressOutcome>;
}

/** Rejects with Refusal; `signal`: the one who asks has gone. */
export async function answerTouch(key: TouchedKey, request: TouchRequest, signal: AbortSignal): Promise<TouchAnswer> {
  const { pending } = key;
  if (pending === undefined || (pending.waiting.length === 0 && isPress(request))) return pressTouch(key, request);
  const waiting = await findWaiting(pending, request, signal);
  if (request.granted) requireDeliberate(waiting, request);
  if (!pending.answer(waiting.id, request.granted)) throw nothingWaits(request.id);
  return { touch: asWaitingTouch(waiting), granted: request.granted };
}

/** A touch and nothing else: not the answer to a certain question, nor to one that is yet to come. */
function isPress({ granted, id, verified = false, waitMs = 0 }: TouchRequest): boolean {
  return granted && id === undefined && !verified && waitMs === 0;
}

async function pressTouch(key: TouchedKey, request: TouchRequest): Promise<TouchAnswer> {
  const { touch, attachedTo } = key.status();
  const never = `This key never waits for a touch: it was started with --touch ${touch}.`;
  if (touch === "deny" || !isPress(request)) throw new Refusal("not-asking", never);
  const slot = request.long === true ? 2 : 1;
  if (touch === "auto" && !key.hasKeyboard) throw new Refusal("not-asking", never);
  // Nothing is used up for a host that is not there.
  const isUnattached = key.hasKeyboard && attachedTo === null;
  const outcome = isUnattached ? "unattached" : await key.pressTouch(slot === 2);
  if (outcome === "typed") return { typed: slot };
  throw new Refusal("nothing-waits", `No touch is waited for${whyNotTyped(outcome, slot)}.`);
}

function whyNotTyped(outcome: Exclude<PressOutcome, "typed"> | "unattached", slot: 1 | 2): string {
  switch (outcome) {
    case "unattached":
      return ", and the key is attached to no host that it could type to";
    case "no-keyboard":
      return ", and the key has no keyboard that would type an OTP slot";
    case "empty":
      return `, and OTP slot ${slot} has nothing to type: it is not configured`;
    case "dormant":
      return `, and OTP slot ${slot} is dormant`;
    case "challenge-response":
      return `, and OTP slot ${slot} types nothing: it answers challenges`;
    case "used-up":
      return `, and the counter of OTP slot ${slot} has come to its end: configure the slot anew`;
    case "busy":
      return ", and the key is typing already";
    case "unread":
      return ", and the host did not read all that the key typed: no program on it has the keyboard open";
  }
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
