// GENERAL AUTHENTICATE: everything that is done with a key. P1 is the algorithm, P2 the key. SP 800-73-4 pt 2 §3.2.4
//
//   7C 82 empty 81 block or digest or message   → 7C 82 what the private key makes of it
//   7C 82 empty 85 public key                   → 7C 82 the shared secret
//   9B: management-key.ts
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv, type Tlv } from "../../src/iso7816/tlv.ts";
import type { Transport } from "../../src/transport.ts";
import type { PivContext } from "./context.ts";
import { AuthenticationTag } from "./dynamic-authentication.ts";
import { AlgorithmId, isUsableSlot, KeyReference, PinPolicy } from "./identifiers.ts";
import { authenticateManagement } from "./management-key.ts";
import { requireKey, type SlotKey } from "./slot-keys.ts";
import { openTemplate, refuseAsWrongData } from "./templates.ts";
import { requireTouch } from "./touch.ts";

export async function generalAuthenticate(
  context: PivContext,
  apdu: CommandApdu,
  transport: Transport,
): Promise<Uint8Array> {
  const objects = openTemplate(apdu.data, AuthenticationTag.TEMPLATE);
  if (apdu.p2 === KeyReference.MANAGEMENT) return authenticateManagement(context, apdu, objects, transport);
  // The attestation key is there, but signs nothing that a client brings.
  if (!isUsableSlot(apdu.p2)) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  return usePrivateKey(context, apdu, objects, transport);
}

/** The order of the refusals is a YubiKey's: no key, no PIN, another algorithm, no touch; only then is the key used. */
async function usePrivateKey(
  context: PivContext,
  { p1, p2: slot }: CommandApdu,
  objects: readonly Tlv[],
  transport: Transport,
): Promise<Uint8Array> {
  const { platform, session } = context;
  const key = requireKey(platform, slot);
  requirePinFor(context, key);
  const { use, input } = findOperation(key, objects);
  if (!isSameAlgorithm(p1, key.algorithm.id) || use === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  await requireTouch(context, transport, slot, key.touchPolicy, "use the key");
  // Spent even when the key then cannot do anything with the client's data.
  if (key.pinPolicy !== PinPolicy.NEVER) session.spendPinFreshness();
  const output = refuseAsWrongData(() => use(key.pair, input));
  return encodeTlv(AuthenticationTag.TEMPLATE, encodeTlv(AuthenticationTag.RESPONSE, output));
}

const RSA_IDS: readonly number[] = [AlgorithmId.RSA1024, AlgorithmId.RSA2048, AlgorithmId.RSA3072, AlgorithmId.RSA4096];

/** An RSA key does not mind which size a client believes it has: pico-openpgp's tests ask for it, as of a YubiKey. */
function isSameAlgorithm(asked: number, id: number): boolean {
  return asked === id || (RSA_IDS.includes(asked) && RSA_IDS.includes(id));
}

function requirePinFor({ session }: PivContext, { pinPolicy }: SlotKey): void {
  const isSatisfied =
    pinPolicy === PinPolicy.NEVER || (session.isPinVerified && (pinPolicy === PinPolicy.ONCE || session.isPinFresh));
  if (!isSatisfied) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
}

/** Challenge or exponentiation, whichever comes first; an empty response is where the answer goes. */
function findOperation({ algorithm }: SlotKey, objects: readonly Tlv[]) {
  const { CHALLENGE, EXPONENTIATION } = AuthenticationTag;
  const operation = objects.find(({ tag }) => tag === CHALLENGE || tag === EXPONENTIATION);
  const use = operation?.tag === EXPONENTIATION ? algorithm.agree : algorithm.answer;
  return { use: operation === undefined ? undefined : use, input: operation?.value ?? new Uint8Array(0) };
}
