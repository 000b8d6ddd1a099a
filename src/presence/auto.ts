// `--touch auto`: a key that is touched the moment it asks. For tests, CI and throw-away keys.
import type { UserPresence } from "../platform.ts";

export const autoPresence: UserPresence = {
  request: async (_prompt, signal) => (signal.aborted ? "cancelled" : "granted"),
  poll: () => "granted",
  reset() {},
};
