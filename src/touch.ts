// A touch that a command waits for.
import type { Platform, PresenceOutcome, PresencePrompt } from "./platform.ts";
import type { Transport } from "./transport.ts";

/** Asks and waits. The keepalives say "upneeded" as long as it lasts, and "processing" from then on. CTAP 2.3 §11.2.9.1.7 */
export async function requestTouch(
  { presence }: Platform,
  transport: Transport,
  prompt: PresencePrompt,
): Promise<PresenceOutcome> {
  transport.keepalive("upneeded");
  const outcome = await presence.request(prompt, transport.signal);
  transport.keepalive("processing");
  return outcome;
}
