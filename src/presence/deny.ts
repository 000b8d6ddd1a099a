// `--touch deny`: a key that nobody touches, and that says so at once instead of letting clients wait.
import type { UserPresence } from "../platform.ts";

export const denyPresence: UserPresence = {
  request: async (_prompt, signal) => (signal.aborted ? "cancelled" : "denied"),
  poll: () => "denied",
  reset() {},
};
