// CHAL_HMAC and CHAL_OTP: answers to challenges, after a touch where the slot wants one. ykpersonalize(1),
// "Challenge-response"; YubiKey SDK user's manual, "Challenge-response"
import { hmacSha1 } from "../../src/crypto/hash.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import { requestTouch } from "../../src/touch.ts";
import type { Transport } from "../../src/transport.ts";
import { ConfigFlag, HMAC_CHALLENGE_SIZE, OTP_CHALLENGE_SIZE, type SlotNumber } from "./parameters.ts";
import { nextTicketFields } from "./press.ts";
import { isDormant, kindOf, needsTouch, type SlotConfig, type SlotKind } from "./slot-config.ts";
import type { Slot, Slots } from "./slots.ts";
import { encryptTicket, hmacKeyOf } from "./ticket.ts";

/** What a challenge is to be answered with. */
interface Challenged {
  readonly platform: Platform;
  readonly slots: Slots;
  readonly slot: SlotNumber;
  readonly transport: Transport;
}

/** 20 bytes. */
export async function respondHmac(challenged: Challenged, challenge: Uint8Array): Promise<Uint8Array> {
  const { config } = requireKind(challenged, "chal-hmac");
  const message = hmacMessage(config, challenge);
  if (needsTouch(config)) await requireTouch(challenged);
  return hmacSha1(hmacKeyOf(config), message);
}

/**
 * 16 bytes: a Yubico OTP that has the challenge for its private id, "meaning two subsequent calls with the same challenge
 * will result in different responses" (ykchalresp(1)); who verifies it ignores the other fields.
 */
export async function respondOtp(
  challenged: Challenged,
  challenge: Uint8Array,
  poweredAt: number,
): Promise<Uint8Array> {
  if (challenge.length < OTP_CHALLENGE_SIZE) throw new StatusError(StatusWord.WRONG_LENGTH);
  const uid = Uint8Array.from(challenge.subarray(0, OTP_CHALLENGE_SIZE));
  if (needsTouch(requireKind(challenged, "chal-otp").config)) await requireTouch(challenged);
  const { platform, slots, slot } = challenged;
  return slots.inTurn(async () => {
    const state = requireKind(challenged, "chal-otp");
    const fields = await nextTicketFields(platform, slots, slot, state, poweredAt);
    if (fields === undefined) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
    return encryptTicket({ uid, key: state.config.key }, fields);
  });
}

/** As a Nitrokey 3: to KeePassXC, CONDITIONS_NOT_SATISFIED is a slot that waits for a touch, and it would offer this one. */
function requireKind({ slots, slot }: Challenged, kind: SlotKind): Slot {
  const state = slots.get(slot);
  if (state === undefined || isDormant(state.config) || kindOf(state.config) !== kind) {
    throw new StatusError(StatusWord.FILE_OR_APPLICATION_NOT_FOUND);
  }
  return state;
}

/**
 * With HMAC_LT64 a challenge may be shorter than 64 bytes: "whatever is in the last byte of the challenge is used as end
 * of input marker (backtracking from end of payload)". A short APDU is filled up with zeros, as a frame is.
 */
function hmacMessage({ cfgFlags }: SlotConfig, challenge: Uint8Array): Uint8Array {
  if (challenge.length > HMAC_CHALLENGE_SIZE) throw new StatusError(StatusWord.WRONG_LENGTH);
  const payload = new Uint8Array(HMAC_CHALLENGE_SIZE);
  payload.set(challenge);
  if ((cfgFlags & ConfigFlag.HMAC_LT64) === 0) return payload;
  const marker = payload[HMAC_CHALLENGE_SIZE - 1];
  return payload.subarray(0, payload.findLastIndex((byte) => byte !== marker) + 1);
}

async function requireTouch({ platform, slot, transport }: Challenged): Promise<void> {
  const prompt = { applet: "OTP", action: "answer a challenge", subject: `slot ${slot}` };
  const outcome = await requestTouch(platform, transport, prompt);
  if (outcome !== "granted") throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
}
