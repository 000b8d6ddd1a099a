// User interaction flags: which keys want a touch before they are used. OpenPGP 3.4.1 §4.4.3.6; 03 and 04 are Yubico's, as
// is what "cached" means: one touch is good for 15 seconds.
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { requestTouch } from "../../src/touch.ts";
import type { Transport } from "../../src/transport.ts";
import { BUTTON } from "./card.ts";
import type { OpenPgpContext } from "./context.ts";
import { type KeySlot, keySlots } from "./key-slots.ts";

/** The first byte of a UIF data object. Fixed: cannot be changed any more but by a reset. */
export const UserInteraction = { OFF: 0, ON: 1, FIXED: 2, CACHED: 3, CACHED_FIXED: 4 } as const;
export type UserInteraction = (typeof UserInteraction)[keyof typeof UserInteraction];

const CACHE_MS = 15_000;

export function userInteraction({ persistent }: OpenPgpContext, slot: KeySlot): UserInteraction {
  const value = persistent.dataObject(keySlots[slot].userInteraction)?.[0];
  return Object.values(UserInteraction).find((known) => known === value) ?? UserInteraction.OFF;
}

export function encodeUserInteraction(value: number): Uint8Array {
  return Uint8Array.of(value, BUTTON);
}

/** Throws StatusError 6A80, or 6985 when the flag is fixed. */
export function verifyUserInteractionChange(context: OpenPgpContext, slot: KeySlot, value: number | undefined): void {
  if (!Object.values<number | undefined>(UserInteraction).includes(value)) {
    throw new StatusError(StatusWord.WRONG_DATA);
  }
  if (isFixed(context, slot)) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
}

/** Whether nothing but a reset changes the flag any more. */
export function isFixed(context: OpenPgpContext, slot: KeySlot): boolean {
  const flag = userInteraction(context, slot);
  return flag === UserInteraction.FIXED || flag === UserInteraction.CACHED_FIXED;
}

/**
 * Asks for the touch that the key wants. Throws StatusError 6600, "reserved for UIF in this application" (§7.6), when
 * there is none: a time-out to GnuPG 2.3 and later, a "card error" to 2.2.
 */
export async function requireTouch(
  context: OpenPgpContext,
  transport: Transport,
  slot: KeySlot,
  action: string,
): Promise<void> {
  const { platform, persistent, volatile } = context;
  const flag = userInteraction(context, slot);
  if (flag === UserInteraction.OFF) return;
  const isCached = flag === UserInteraction.CACHED || flag === UserInteraction.CACHED_FIXED;
  const touchedAt = volatile.touchedAt.get(slot);
  if (isCached && touchedAt !== undefined && platform.clock.now() - touchedAt <= CACHE_MS) return;
  const name = persistent.cardholderName;
  const prompt = { applet: "OpenPGP", action, ...(name === "" ? {} : { subject: name }) };
  const outcome = await requestTouch(platform, transport, prompt);
  if (outcome !== "granted") throw new StatusError(StatusWord.SECURITY_RELATED);
  if (isCached) volatile.touchedAt.set(slot, platform.clock.now());
}
