// authenticatorGetNextAssertion (0x08): the next of several accounts. CTAP 2.3 §6.3; the steps are its own.
import type { CborMap } from "../../src/cbor.ts";
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import { createAssertion } from "./get-assertion.ts";
import { requireNoParameters } from "./parameters.ts";
import { CtapError, CtapStatus } from "./status.ts";

export async function getNextAssertion(
  context: Fido2Context,
  data: Uint8Array,
  transport: Transport,
): Promise<CborMap> {
  requireNoParameters(data);
  // Steps 1 to 4; newest first, from a list that is oldest first.
  const assertion = context.state.recallAssertion(transport);
  const credential = assertion?.credentials.at(-1 - assertion.answered);
  if (assertion === undefined || credential === undefined || !context.credentials.isStored(credential)) {
    context.state.forgetAssertion(transport);
    throw new CtapError(CtapStatus.CTAP2_ERR_NOT_ALLOWED);
  }
  // Steps 5 to 8.
  const response = await createAssertion(context, assertion, credential);
  context.state.rememberAssertion(transport, { ...assertion, answered: assertion.answered + 1 });
  return response;
}
