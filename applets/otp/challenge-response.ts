// CHAL_HMAC and CHAL_OTP: answers to challenges, after a touch where the slot wants one. ykpersonalize(1),
// "Challenge-response"; YubiKey SDK user's manual, "Challenge-response"
import { concat } from "../../src/bytes/concat.ts";
import { encryptAesEcb } from "../../src/crypto/aes.ts";
import { hmacSha1 } from "../../src/crypto/hash.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import { ConfigFlag, HMAC_CHALLENGE_SIZE, OTP_CHALLENGE_SIZE, type SlotNumber } from "./parameters.ts";
import { isDormant, kindOf, needsTouch, type SlotConfig, type SlotKind } from "./slot-config.ts";
import type { Slots } from "./slots.ts";
import { hmacKeyOf } from "./ticket.ts";

/** What fills the block of CHAL_OTP behind the challenge: the serial number, in decimal. */
const DEVICE_FIELDS_SIZE = 10;

/** 20 or 16 bytes. */
export async function respond(
  platform: Platform,
  slots: Slots,
  slot: SlotNumber,
  kind: Extract<SlotKind, "chal-hmac" | "chal-otp">,
  challenge: Uint8Array,
  transport: Transport,
): Promise<Uint8Array> {
  const config = slots.get(slot)?.config;
  if (config === undefined || isDormant(config) || kindOf(config) !== kind) {
    throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  }
  const message = kind === "chal-hmac" ? hmacMessage(config, challenge) : otpBlock(platform, challenge);
  if (needsTouch(config)) await requireTouch(platform, slot, transport);
  return kind === "chal-hmac" ? hmacSha1(hmacKeyOf(config), message) : encryptAesEcb(config.key, message);
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

/** The challenge and "10 bytes of unique device fields", which verifiers ignore. */
function otpBlock({ device }: Platform, challenge: Uint8Array): Uint8Array {
  if (challenge.length < OTP_CHALLENGE_SIZE) throw new StatusError(StatusWord.WRONG_LENGTH);
  const fields = String(device.serialNumber).padStart(DEVICE_FIELDS_SIZE, "0");
  return concat(challenge.subarray(0, OTP_CHALLENGE_SIZE), new TextEncoder().encode(fields));
}

async function requireTouch({ presence }: Platform, slot: SlotNumber, transport: Transport): Promise<void> {
  transport.keepalive("upneeded");
  const prompt = { applet: "OTP", action: "answer a challenge", subject: `slot ${slot}` };
  const outcome = await presence.request(prompt, transport.signal);
  transport.keepalive("processing");
  if (outcome !== "granted") throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
}
