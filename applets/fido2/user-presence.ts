// Evidence of user interaction: asking for the touch, and CTAP's status for each outcome.
import type { PresenceOutcome, PresencePrompt } from "../../src/platform.ts";
import { requestTouch } from "../../src/touch.ts";
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import { CtapError, CtapStatus } from "./status.ts";

type Prompt = Omit<PresencePrompt, "applet">;

export function askForUserPresence(
  { platform, state }: Fido2Context,
  transport: Transport,
  prompt: Prompt,
): Promise<PresenceOutcome> {
  return requestTouch(platform, transport, { applet: "FIDO2", ...prompt }, () => state.timesForgotten);
}

/**
 * Resolves once the person has touched, and throws CtapError otherwise. §6.1.2 step 14 and §6.2.2 step 9 give
 * OPERATION_DENIED for a time-out too; like other keys we say USER_ACTION_TIMEOUT, as §6.6 and §6.9 do, because clients
 * tell a person who refused from one who was not there.
 */
export async function requireUserPresence(context: Fido2Context, transport: Transport, prompt: Prompt): Promise<void> {
  const outcome = await askForUserPresence(context, transport, prompt);
  switch (outcome) {
    case "granted":
      return;
    case "denied":
      throw new CtapError(CtapStatus.CTAP2_ERR_OPERATION_DENIED);
    case "timeout":
      throw new CtapError(CtapStatus.CTAP2_ERR_USER_ACTION_TIMEOUT);
    case "cancelled":
      throw new CtapError(CtapStatus.CTAP2_ERR_KEEPALIVE_CANCEL);
  }
}
