// What happens to a running key, told to whoever watches.
import type { PresenceEvent } from "../presence/pending.ts";
import type { KeyEvent } from "./messages.ts";
import { asWaitingTouch } from "./touch.ts";

export class KeyEvents {
  readonly #listeners = new Set<(event: KeyEvent) => void>();

  /** Returns how to stop listening. */
  subscribe(listener: (event: KeyEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(event: KeyEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  tellPresence(event: PresenceEvent): void {
    const touch = asWaitingTouch(event.waiting);
    if (event.kind === "asked") this.tell({ event: "asked", touch });
    else this.tell({ event: "settled", touch, outcome: event.outcome });
  }
}
