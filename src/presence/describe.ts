// A prompt as one line of text. Its subject and account come from the relying party, so they are shown inside quotes,
// cut, and without anything that could move a terminal's cursor or reorder the line.
import type { PresencePrompt } from "../platform.ts";

const MAX_CHARACTERS = 64;

/** Control and format characters (which include the bidirectional overrides), line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** For a terminal: cut, without quotation marks, and without anything that is not shown as itself. */
export function printable(text: string): string {
  const characters = [...text.replace(UNPRINTABLE, "\u{fffd}").replaceAll('"', "'")];
  return characters.length <= MAX_CHARACTERS ? characters.join("") : `${characters.slice(0, MAX_CHARACTERS).join("")}…`;
}

/** Whether a mere touch will not do: the person has to say who they are, or that they mean it. */
export function isDeliberate({ verification, long }: PresencePrompt): boolean {
  return verification === true || long === true;
}

/** For example `fido2: register for "example.com" as "alice"`. */
export function describePrompt({ applet, action, subject, account }: PresencePrompt): string {
  let text = `${applet}: ${action}`;
  if (subject !== undefined) text += ` for "${printable(subject)}"`;
  if (account !== undefined) text += ` as "${printable(account)}"`;
  return text;
}
