// A touch that nobody asked for: the slot's ticket as keys, after what it uses up is durable, so that nothing that was
// typed is ever typed again.
import { Reader } from "../../src/bytes/reader.ts";
import type { Platform } from "../../src/platform.ts";
import type { SlotNumber } from "./parameters.ts";
import type { ScanCode } from "./scan-map.ts";
import { isChallengeResponse, isDormant, kindOf } from "./slot-config.ts";
import type { Slot, Slots } from "./slots.ts";
import { hotp, pacingOf, scanCodeTicket, staticTicket, type TicketFields, yubicoOtp } from "./ticket.ts";

export interface Keystrokes {
  readonly codes: readonly ScanCode[];
  /** Milliseconds between two keys, on top of the usual. */
  readonly pacingMs: number;
}

/** Why a slot has nothing to type. */
export type Silence = "empty" | "dormant" | "challenge-response" | "used-up";

/** "The use counter stops at 0x7fff", whose last session is the last. ykdef.h, TICKET_CTR_MASK */
const MAX_USE_CTR = 0x7fff;
const MAX_SESSION_CTR = 0xff;
const MAX_MOVING_FACTOR = 0xffff_ffff_ffff_ffffn;

/** One eighth of a second: the unit of a ticket's timestamp. */
const TICK_MS = 125;
const TIMESTAMP_MASK = 0xff_ffff;

/** `poweredAt`: on the platform's clock. */
export async function press(
  platform: Platform,
  slots: Slots,
  slot: SlotNumber,
  poweredAt: number,
): Promise<Keystrokes | Silence> {
  const state = slots.get(slot);
  if (state === undefined) return "empty";
  const { config } = state;
  if (isChallengeResponse(config)) return "challenge-response";
  if (isDormant(config)) return "dormant";
  const codes = await makeTicket(platform, slots, slot, state, poweredAt);
  return codes === undefined ? "used-up" : { codes, pacingMs: pacingOf(config) };
}

/** Undefined when the counter has come to its end. */
async function makeTicket(
  platform: Platform,
  slots: Slots,
  slot: SlotNumber,
  state: Slot,
  poweredAt: number,
): Promise<ScanCode[] | undefined> {
  const { config, movingFactor } = state;
  const map = slots.scanMap;
  switch (kindOf(config)) {
    case "scan-codes":
      return scanCodeTicket(config, map);
    case "static-ticket":
      return staticTicket(config, map);
    case "hotp":
      if (movingFactor >= MAX_MOVING_FACTOR) return undefined;
      await slots.advance(slot, { ...state, movingFactor: movingFactor + 1n });
      return hotp(config, movingFactor, map);
    default: {
      const fields = await nextTicketFields(platform, slots, slot, state, poweredAt);
      return fields && yubicoOtp(config, fields, map);
    }
  }
}

/** What makes the next Yubico OTP of a slot different from all before it; undefined when its counter has come to its end. */
export async function nextTicketFields(
  platform: Platform,
  slots: Slots,
  slot: SlotNumber,
  state: Slot,
  poweredAt: number,
): Promise<TicketFields | undefined> {
  const counters = await nextUse(slots, slot, state);
  if (counters === undefined) return undefined;
  const timestamp = Math.floor((platform.clock.now() - poweredAt) / TICK_MS) & TIMESTAMP_MASK;
  return { ...counters, timestamp, rnd: new Reader(platform.randomBytes(2)).u16be() };
}

/** The use counter goes up at the first use after power-up, and when the session's counter has come round. */
async function nextUse(
  slots: Slots,
  slot: SlotNumber,
  state: Slot,
): Promise<Pick<TicketFields, "useCtr" | "sessionCtr"> | undefined> {
  const last = slots.sessionCtr(slot);
  const isNewUse = last === undefined || last === MAX_SESSION_CTR;
  const useCtr = isNewUse ? state.useCtr + 1 : state.useCtr;
  if (useCtr > MAX_USE_CTR) return undefined;
  if (isNewUse) await slots.advance(slot, { ...state, useCtr });
  const sessionCtr = isNewUse ? 0 : last + 1;
  slots.setSessionCtr(slot, sessionCtr);
  return { useCtr, sessionCtr };
}
