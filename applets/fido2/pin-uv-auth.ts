// The pinUvAuthParam of requests, as an authenticator without PIN answers it. CTAP 2.3 §6.1.2 and §6.2.2, steps 1 and 2
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import type { Parameters } from "./parameters.ts";
import { CtapError, CtapStatus } from "./status.ts";
import { requireUserPresence } from "./user-presence.ts";

/** The parameter pair of a request, by its two keys, which differ from command to command. */
export interface PinUvAuth {
  readonly param: Uint8Array | undefined;
  readonly protocol: number | undefined;
}

export function parsePinUvAuth(parameters: Parameters, paramKey: number, protocolKey: number): PinUvAuth {
  return { param: parameters.optionalBytes(paramKey), protocol: parameters.optionalInteger(protocolKey) };
}

/** Returns for a request without pinUvAuthParam, and throws CtapError for any other. */
export async function checkPinUvAuth(context: Fido2Context, transport: Transport, auth: PinUvAuth): Promise<void> {
  if (auth.param === undefined) return;
  // Step 1. A zero-length pinUvAuthParam means "blink, and say whether a PIN is set": libfido2 lets a person choose
  // among several keys with it, whether or not a key has a PIN.
  if (auth.param.length === 0) {
    await requireUserPresence(context, transport, { action: "select this key" });
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_NOT_SET);
  }
  // Step 2. No protocol is supported yet.
  if (auth.protocol === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_MISSING_PARAMETER, "pinUvAuthProtocol");
  throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "pinUvAuthProtocol");
}
