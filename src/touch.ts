// A touch that a command waits for.
import type { Platform, PresenceOutcome, PresencePrompt } from "./platform.ts";
import type { Transport } from "./transport.ts";

/**
 * Asks and waits. The keepalives say "upneeded" as long as it lasts, and "processing" from then on. CTAP 2.3 §11.2.9.1.7
 * An applet that counts its resets and losses of power in `timesForgotten` has the touch denied if one came meanwhile: it
 * was given for what is no more.
 */
export async function requestTouch(
  { presence }: Platform,
  transport: Transport,
  prompt: PresencePrompt,
  timesForgotten: () => number = () => 0,
): Promise<PresenceOutcome> {
  const before = timesForgotten();
  transport.keepalive("upneeded");
  const outcome = await presence.request(prompt, transport.signal);
  transport.keepalive("processing");
  return outcome === "granted" && timesForgotten() !== before ? "denied" : outcome;
}
