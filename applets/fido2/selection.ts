// authenticatorSelection (0x0B): the person picks this key among several by touching it. CTAP 2.3 §6.9
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import { requireNoParameters } from "./parameters.ts";
import { requireUserPresence } from "./user-presence.ts";

export async function selection(context: Fido2Context, data: Uint8Array, transport: Transport): Promise<undefined> {
  requireNoParameters(data);
  await requireUserPresence(context, transport, { action: "select this key" });
}
