// authenticatorReset (0x07): back to the state of a new key. CTAP 2.3 §6.6
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import { requireNoParameters } from "./parameters.ts";
import { CtapError, CtapStatus } from "./status.ts";
import { requireUserPresence } from "./user-presence.ts";

export async function reset(context: Fido2Context, data: Uint8Array, transport: Transport): Promise<undefined> {
  requireNoParameters(data);
  // The window counts at the request, not at the touch: what a person plugs in again is what they mean to erase.
  if (!context.state.isWithinResetWindow()) {
    throw new CtapError(CtapStatus.CTAP2_ERR_NOT_ALLOWED, "more than 10 s after power-up");
  }
  const prompt = { action: "erase all FIDO credentials" };
  const long = context.settings.longTouchForReset ? { long: true } : {};
  await requireUserPresence(context, transport, { ...prompt, ...long });
  await resetAuthenticator(context);
}

/**
 * Forgets the credentials, the PIN, the large blobs, the settings and the identity, all in one commit: everything that
 * is stored under "fido2/". The signature counter goes on: relying parties take one that fell for a cloned key.
 */
export async function resetAuthenticator(context: Fido2Context): Promise<void> {
  await context.credentials.reset();
  context.settings.forget();
  context.pin.forgetMisses();
  context.token.stopUsing();
  for (const protocol of context.protocols.values()) protocol.regenerate();
  context.state.forgetSequences();
}
