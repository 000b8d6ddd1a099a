// Who gives the touches of a served key, when nobody said.

const MODES = ["auto", "ask", "deny"] as const;
export type TouchMode = (typeof MODES)[number];

export function isTouchMode(text: string): text is TouchMode {
  return (MODES as readonly string[]).includes(text);
}

/**
 * Asks at a terminal. Without one, a key that forgets everything is there for tests and grants; a key that keeps its
 * credentials denies, because granting unseen would let every process on the machine sign in.
 */
export function defaultTouchMode(terminal: boolean, ephemeral: boolean): TouchMode {
  if (terminal) return "ask";
  return ephemeral ? "auto" : "deny";
}
