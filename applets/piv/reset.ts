// RESET: everything as delivered, except the attestation key and its certificate, as on a YubiKey. Yubico.
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import type { PivContext } from "./context.ts";
import { ObjectId, objectRecord } from "./data-objects.ts";
import { KeyReference } from "./identifiers.ts";
import { keyRecord } from "./slot-keys.ts";

const PREFIX = "piv/";

/** For a client, only once both the PIN and the PUK are blocked. */
export async function reset(context: PivContext, { p1, p2 }: CommandApdu): Promise<Uint8Array> {
  if (p1 !== 0x00 || p2 !== 0x00) throw new StatusError(StatusWord.INCORRECT_P1_P2);
  if (!context.pin.isBlocked || !context.puk.isBlocked) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  await eraseAll(context.platform);
  context.session.forget();
  return new Uint8Array(0);
}

/** In one commit. */
export async function eraseAll({ store }: Platform): Promise<void> {
  const kept = new Set([keyRecord(KeyReference.ATTESTATION), objectRecord(ObjectId.ATTESTATION_CERTIFICATE)]);
  const erased = [...store.keys(PREFIX)].filter((key) => !kept.has(key));
  await store.commit(Object.fromEntries(erased.map((key) => [key, null])));
}
