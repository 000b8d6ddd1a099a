// Says in the log what was asked and how it ended, whichever presence it stands in front of.
import type { Logger } from "../log.ts";
import type { UserPresence } from "../platform.ts";
import { describePrompt } from "./describe.ts";

export function loggedPresence(presence: UserPresence, log: Logger): UserPresence {
  return {
    async request(prompt, signal) {
      const outcome = await presence.request(prompt, signal);
      log.info(`${describePrompt(prompt)}: ${outcome}`);
      return outcome;
    },
    poll(prompt, client) {
      const outcome = presence.poll(prompt, client);
      if (outcome !== "pending") log.info(`${describePrompt(prompt)}: ${outcome}`);
      return outcome;
    },
    reset: () => presence.reset(),
  };
}
