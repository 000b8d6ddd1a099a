// A route of the control socket: what it acts on, and what the tables of routes are made of.
import type { PendingPresence } from "../presence/pending.ts";
import type { KeyEvents } from "./events.ts";
import type { JsonMembers } from "./json-members.ts";
import type { Administration, CardAnswer, KeyStatus, PowerCycleAnswer } from "./messages.ts";
import type { PressOutcome } from "./touch.ts";

/** A running key, as its socket sees it. */
export interface ControlledKey {
  status(): KeyStatus;
  readonly events: KeyEvents;
  /** Undefined when nobody is asked: `--touch auto` and `deny`. */
  readonly pending: PendingPresence | undefined;
  /** Whether there is one since the key was plugged in. */
  readonly hasKeyboard: boolean;
  /** A touch that nothing waits for. */
  pressTouch(long: boolean): Promise<PressOutcome>;
  /** Unplugs the key and takes its power away. */
  powerCycle(): Promise<PowerCycleAnswer>;
  /** Takes the card out of its reader, or puts it back. */
  moveCard(where: CardAnswer["card"]): CardAnswer;
  readonly administration: Administration;
}

/** Resolves with what becomes JSON, rejects with Refusal. `signal` aborts when the client has gone. */
export type Route = (key: ControlledKey, body: JsonMembers, signal: AbortSignal) => Promise<unknown>;

/** Its path, and what it does. */
export type RouteEntry = readonly [path: string, route: Route];

/** A route that takes nothing. */
export function bare(run: (key: ControlledKey) => Promise<unknown>): Route {
  return async (key, body) => {
    body.end();
    return run(key);
  };
}
