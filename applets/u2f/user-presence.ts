// The touch, as U2F's clients see it: they ask again and again until it was given. FIDO U2F Raw Messages v1.2 §4.2, §5.3
import { toHex } from "../../src/bytes/hex.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";

/**
 * Returns if the person has touched since the client first asked. Throws 6985 as long as the prompt is open, and once
 * more when it timed out: the client's next poll opens another. A refusal is 6982, which no client polls on.
 */
export function requireUserPresence(
  platform: Platform,
  transport: Transport,
  action: string,
  application: Uint8Array,
): void {
  // The application is known by its hash alone.
  const prompt = { applet: "U2F", action, subject: `application ${toHex(application.subarray(0, 8))}…` };
  switch (platform.presence.poll(prompt, `${transport.name}:${transport.channel}`)) {
    case "granted":
      return;
    case "denied":
      throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
    default:
      throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  }
}
