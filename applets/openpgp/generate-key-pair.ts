// GENERATE ASYMMETRIC KEY PAIR: makes a key, or shows its public key. OpenPGP 3.4.1 §7.2.14
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Transport } from "../../src/transport.ts";
import type { OpenPgpContext } from "./context.ts";
import { requireAccess } from "./data-commands.ts";
import { encodePublicKey, generateKeyMaterial } from "./key-material.ts";
import { parseControlReference } from "./key-slots.ts";
import { KeyOrigin } from "./keys.ts";
import { requireKey } from "./security-operations.ts";

/** P1. */
const Mode = { GENERATE: 0x80, READ: 0x81 } as const;

export async function generateKeyPair(
  context: OpenPgpContext,
  { p1, p2, data }: CommandApdu,
  transport: Transport,
): Promise<Uint8Array> {
  if ((p1 !== Mode.GENERATE && p1 !== Mode.READ) || p2 !== 0) throw new StatusError(StatusWord.WRONG_P1_P2);
  const { keys, persistent } = context;
  const slot = parseControlReference(data);
  if (p1 === Mode.READ) return encodePublicKey(requireKey(context, slot).material);
  requireAccess(context, "PW3");
  transport.keepalive("processing");
  const material = await generateKeyMaterial(keys.attributes(slot).algorithm);
  requireAccess(context, "PW3"); // still: the card may have been reset meanwhile
  await persistent.commit(keys.replacement(slot, material, KeyOrigin.GENERATED));
  return encodePublicKey(material);
}
