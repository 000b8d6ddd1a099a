// Tells what was asked and how it ended, in front of a presence that answers by itself and has nothing to wait for.
import type { PresencePrompt, UserPresence } from "../platform.ts";
import type { PresenceEvent, WaitingPrompt } from "./pending.ts";

export function observedPresence(presence: UserPresence, tell: (event: PresenceEvent) => void): UserPresence {
  let nextId = 1;
  const ask = (prompt: PresencePrompt): WaitingPrompt => {
    const waiting = { id: nextId++, prompt };
    tell({ kind: "asked", waiting });
    return waiting;
  };
  return {
    async request(prompt, signal) {
      const waiting = ask(prompt);
      const outcome = await presence.request(prompt, signal);
      tell({ kind: "settled", waiting, outcome });
      return outcome;
    },
    poll(prompt, client) {
      const outcome = presence.poll(prompt, client);
      if (outcome !== "pending") tell({ kind: "settled", waiting: ask(prompt), outcome });
      return outcome;
    },
    reset: () => presence.reset(),
  };
}
