// Built-in user verification: the person at the presence prompt says that it is they, as a finger on a reader would.
// CTAP 2.3 §6.5.3.1, "performBuiltInUv()"
import type { PresenceOutcome, PresencePrompt } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import { askForUserPresence } from "./user-presence.ts";

/**
 * getInfo's uvModality, and how the uvm extension calls the method: USER_VERIFY_PRESENCE_INTERNAL of the FIDO Registry
 * of Predefined Values §3.1. The person says who they are by an answer; nothing of their body or memory is compared.
 */
export const UV_MODALITY = 0x01;

export type UvOutcome = "verified" | Exclude<PresenceOutcome, "granted"> | "blocked";

/** Whether the `uv` option is reported, and true. It is either on and configured or not there at all. */
export function hasBuiltInUv({ options }: Fido2Context): boolean {
  return options.uv !== "off";
}

/**
 * Asks once: each prompt is one attempt, durably counted before the person is asked. A refusal is a failed attempt; a
 * prompt that nobody answered is none. Success fills the counter up. A verified person was present, too.
 */
export async function performBuiltInUv(
  context: Fido2Context,
  transport: Transport,
  prompt: Omit<PresencePrompt, "applet">,
): Promise<UvOutcome> {
  const { pin, options } = context;
  if (pin.uvRetries === 0) return "blocked";
  await pin.spendUvRetry();
  const verification = options.uv === "ask" ? { verification: true } : {};
  const outcome = await askForUserPresence(context, transport, { ...prompt, ...verification });
  switch (outcome) {
    case "granted":
      await pin.refillUvRetries();
      return "verified";
    case "denied":
      return pin.uvRetries === 0 ? "blocked" : "denied";
    default:
      await pin.restoreUvRetry();
      return outcome;
  }
}
