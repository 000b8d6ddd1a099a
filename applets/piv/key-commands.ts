// How keys come into their slots and leave them: GENERATE ASYMMETRIC KEY PAIR (SP 800-73-4 pt 2 §3.3.2), and Yubico's
// IMPORT ASYMMETRIC KEY and MOVE KEY. A certificate stays where it is, whatever becomes of its key.
//
//   47 00 slot   AC { 80 algorithm, 81 RSA's exponent, AA PIN policy, AB touch policy }
//                → 7F49 { 81 modulus 82 exponent, or 86 point }
//   FE alg slot  01 p 02 q …, or 06 07 08 private key; AA and AB as above
//   F6 to from   nothing; to FF: delete
import { isEqual } from "../../src/bytes/equal.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv, findTlv } from "../../src/iso7816/tlv.ts";
import type { Transport } from "../../src/transport.ts";
import type { KeyAlgorithm } from "./algorithms/algorithm.ts";
import { EXPONENT } from "./algorithms/rsa.ts";
import { findAlgorithm } from "./algorithms/table.ts";
import { type PivContext, requireManagementKey } from "./context.ts";
import { isKeySlot, isUsableSlot, KeyReference, Origin } from "./identifiers.ts";
import { encodeKey, findKey, keyRecord, requireKey, resolvePolicies } from "./slot-keys.ts";
import { findByte, openTemplate, parseObjects, refuseAsWrongData } from "./templates.ts";

const GenerateTag = { TEMPLATE: 0xac, ALGORITHM: 0x80, EXPONENT: 0x81, PUBLIC_KEY: 0x7f49 } as const;
const PolicyTag = { PIN: 0xaa, TOUCH: 0xab } as const;

/** P1 of MOVE KEY: to nowhere. */
const DELETE = 0xff;

const NOTHING = new Uint8Array(0);

export async function generateKeyPair(
  context: PivContext,
  { p1, p2: slot, data }: CommandApdu,
  transport: Transport,
): Promise<Uint8Array> {
  requireManagementKey(context);
  const objects = openTemplate(data, GenerateTag.TEMPLATE);
  if (p1 !== 0x00 || !isKeySlot(slot)) throw new StatusError(StatusWord.INCORRECT_P1_P2);
  const algorithm = requireAlgorithm(slot, findByte(objects, GenerateTag.ALGORITHM));
  const exponent = findTlv(objects, GenerateTag.EXPONENT);
  if (exponent !== undefined && !isEqual(exponent, EXPONENT)) throw new StatusError(StatusWord.WRONG_DATA);
  const policies = resolvePolicies(slot, findByte(objects, PolicyTag.PIN), findByte(objects, PolicyTag.TOUCH));
  transport.keepalive("processing");
  const pair = await algorithm.generate();
  // A card that was pulled out meanwhile would not have the key.
  if (transport.signal.aborted) throw new StatusError(StatusWord.EXECUTION_ERROR);
  requireManagementKey(context); // still: the owner may have reset the application meanwhile
  await putKeys(context, { [slot]: encodeKey(algorithm, policies, Origin.GENERATED, pair) });
  return encodeTlv(GenerateTag.PUBLIC_KEY, algorithm.encodePublicKey(pair.publicKey));
}

export async function importKey(context: PivContext, { p1, p2: slot, data }: CommandApdu): Promise<Uint8Array> {
  requireManagementKey(context);
  if (!isKeySlot(slot)) throw new StatusError(StatusWord.WRONG_DATA);
  const algorithm = requireAlgorithm(slot, p1);
  const objects = parseObjects(data);
  const policies = resolvePolicies(slot, findByte(objects, PolicyTag.PIN), findByte(objects, PolicyTag.TOUCH));
  const pair = refuseAsWrongData(() => algorithm.parseImport(objects));
  await putKeys(context, { [slot]: encodeKey(algorithm, policies, Origin.IMPORTED, pair) });
  return NOTHING;
}

/** A key goes with its policies and its origin, and only to where no key is. The attestation key stays. */
export async function moveKey(context: PivContext, { p1: to, p2: from }: CommandApdu): Promise<Uint8Array> {
  requireManagementKey(context);
  const { platform } = context;
  if (to !== DELETE && !isUsableSlot(to)) throw new StatusError(StatusWord.WRONG_DATA);
  if (!isUsableSlot(from)) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  if (to === from) throw new StatusError(StatusWord.WRONG_DATA);
  requireKey(platform, from);
  if (to === DELETE) {
    await putKeys(context, { [from]: null });
    return NOTHING;
  }
  if (findKey(platform, to) !== undefined) throw new StatusError(StatusWord.WRONG_DATA);
  const record = platform.store.get(keyRecord(from)) ?? null;
  await putKeys(context, { [to]: record, [from]: null });
  return NOTHING;
}

/** Sets and empties slots in one commit. A touch that is remembered for a slot was for the key that was in it. */
async function putKeys(
  { platform, session }: PivContext,
  keys: Readonly<Record<number, Uint8Array | null>>,
): Promise<void> {
  const slots = Object.entries(keys).map(([slot, record]) => ({ slot: Number(slot), record }));
  await platform.store.commit(Object.fromEntries(slots.map(({ slot, record }) => [keyRecord(slot), record])));
  for (const { slot } of slots) session.touchedAt.delete(slot);
}

/** Throws 6A80 for an algorithm that is not here, or that the attestation key cannot have. */
function requireAlgorithm(slot: number, id: number | undefined): KeyAlgorithm {
  const algorithm = id === undefined ? undefined : findAlgorithm(id);
  const isFit = slot !== KeyReference.ATTESTATION || algorithm?.canAttest === true;
  if (algorithm === undefined || !isFit) throw new StatusError(StatusWord.WRONG_DATA);
  return algorithm;
}
