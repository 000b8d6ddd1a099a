// Who gives a served key its touches, by --touch; each prompt and its outcome is told to the watchers, and logged where
// no terminal shows it.
import type { KeyEvents } from "../control/events.ts";
import type { Logger } from "../log.ts";
import type { UserPresence } from "../platform.ts";
import { autoPresence } from "../presence/auto.ts";
import { denyPresence } from "../presence/deny.ts";
import { describePrompt } from "../presence/describe.ts";
import type { TouchMode } from "../presence/mode.ts";
import { observedPresence } from "../presence/observed.ts";
import { PendingPresence, type PresenceEvent } from "../presence/pending.ts";
import { answerAtTerminal } from "../presence/terminal.ts";
import type { Console } from "./console.ts";

export interface OpenedPresence {
  readonly presence: UserPresence;
  /** What waits for an answer, where something can. */
  readonly pending: PendingPresence | undefined;
  readonly stopAsking: () => void;
}

export function openPresence(touch: TouchMode, console: Console, log: Logger, events: KeyEvents): OpenedPresence {
  const { input, errors: output, isTerminal } = console;
  const tell = (event: PresenceEvent) => events.tellPresence(event);
  const tellAndLog = (event: PresenceEvent) => {
    tell(event);
    if (event.kind === "settled") log.info(`${describePrompt(event.waiting.prompt)}: ${event.outcome}`);
    else if (touch === "ask") log.info(`${describePrompt(event.waiting.prompt)}: waits for touch ${event.waiting.id}`);
  };
  if (touch !== "ask") {
    const presence = observedPresence(touch === "auto" ? autoPresence : denyPresence, tellAndLog);
    return { presence, pending: undefined, stopAsking: () => {} };
  }
  const pending = new PendingPresence();
  // A terminal shows each prompt and its outcome itself.
  pending.subscribe(isTerminal ? tell : tellAndLog);
  const stopAsking = isTerminal ? answerAtTerminal(pending, { input, output }) : () => {};
  return { presence: pending, pending, stopAsking };
}
