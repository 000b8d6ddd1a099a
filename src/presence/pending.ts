// Touches that somebody has to give: the list of what is being asked, and the answers to it. It knows no screen; the
// terminal shows the list and answers it, and so can anything else that runs beside it.
import type { PresenceOutcome, PresencePrompt, UserPresence } from "../platform.ts";

/** How long a prompt waits for its answer. CTAP 2.3 §6.1.2 asks for at least 10 s; keys in the shops wait 30 s. */
export const PROMPT_MS = 30_000;

/** How long the outcome of a polled prompt waits to be fetched. */
const OUTCOME_MS = 10_000;

/** A polled prompt is withdrawn when its client has not asked for this long: clients poll several times a second. */
const POLL_GAP_MS = 5_000;

/** Polled prompts at a time, so that a client that polls for ever other things asks a person and the memory for so many. */
const MAX_POLLED = 64;

export interface WaitingPrompt {
  readonly id: number;
  readonly prompt: PresencePrompt;
}

export type PresenceEvent =
  | { readonly kind: "asked"; readonly waiting: WaitingPrompt }
  | { readonly kind: "settled"; readonly waiting: WaitingPrompt; readonly outcome: PresenceOutcome };

interface Open extends WaitingPrompt {
  readonly settle: (outcome: PresenceOutcome) => void;
}

/** What poll() remembers of one client's prompt. */
interface Polled {
  open: Open | undefined;
  outcome: PresenceOutcome | undefined;
  timer: NodeJS.Timeout | undefined;
}

export class PendingPresence implements UserPresence {
  readonly #open: Open[] = [];
  readonly #polled = new Map<string, Polled>();
  readonly #listeners = new Set<(event: PresenceEvent) => void>();
  #nextId = 1;

  /** What waits for an answer now, oldest first. */
  get waiting(): readonly WaitingPrompt[] {
    return this.#open;
  }

  /** Tells `listener` of every prompt and every outcome from now on; returns how to stop that. */
  subscribe(listener: (event: PresenceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Answers one prompt; false when it does not wait any more. */
  answer(id: number, granted: boolean): boolean {
    const open = this.#open.find((candidate) => candidate.id === id);
    open?.settle(granted ? "granted" : "denied");
    return open !== undefined;
  }

  request(prompt: PresencePrompt, signal: AbortSignal): Promise<PresenceOutcome> {
    if (signal.aborted) return Promise.resolve("cancelled");
    return new Promise((resolve) => {
      const abort = () => open.settle("cancelled");
      signal.addEventListener("abort", abort, { once: true });
      const open = this.#ask(prompt, (outcome) => {
        signal.removeEventListener("abort", abort);
        resolve(outcome);
      });
    });
  }

  poll(prompt: PresencePrompt, client: string): PresenceOutcome | "pending" {
    const key = JSON.stringify([client, prompt.applet, prompt.action, prompt.subject, prompt.account]);
    const known = this.#polled.get(key);
    if (known === undefined && this.#polled.size >= MAX_POLLED) return "pending"; // asked for when there is room
    const polled = known ?? this.#openPolled(prompt, key);
    if (polled.outcome !== undefined) {
      this.#forget(key, polled);
      return polled.outcome;
    }
    clearTimeout(polled.timer);
    polled.timer = setTimeout(() => {
      this.#forget(key, polled);
      polled.open?.settle("cancelled");
    }, POLL_GAP_MS).unref();
    return "pending";
  }

  reset(): void {
    for (const [key, polled] of this.#polled) this.#forget(key, polled);
    for (const open of [...this.#open]) open.settle("cancelled");
  }

  #openPolled(prompt: PresencePrompt, key: string): Polled {
    const polled: Polled = { open: undefined, outcome: undefined, timer: undefined };
    this.#polled.set(key, polled);
    polled.open = this.#ask(prompt, (outcome) => {
      if (this.#polled.get(key) !== polled) return;
      polled.open = undefined;
      polled.outcome = outcome;
      clearTimeout(polled.timer);
      polled.timer = setTimeout(() => this.#forget(key, polled), OUTCOME_MS).unref();
    });
    return polled;
  }

  #forget(key: string, polled: Polled): void {
    clearTimeout(polled.timer);
    this.#polled.delete(key);
  }

  #ask(prompt: PresencePrompt, settled: (outcome: PresenceOutcome) => void): Open {
    const timer = setTimeout(() => open.settle("timeout"), PROMPT_MS);
    const open: Open = {
      id: this.#nextId++,
      prompt,
      settle: (outcome) => {
        const at = this.#open.indexOf(open);
        if (at < 0) return;
        this.#open.splice(at, 1);
        clearTimeout(timer);
        settled(outcome);
        this.#tell({ kind: "settled", waiting: open, outcome });
      },
    };
    this.#open.push(open);
    this.#tell({ kind: "asked", waiting: open });
    return open;
  }

  #tell(event: PresenceEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
