// The OTP slots of a key, for its owner: what they do, and other configurations for them. It needs no access code, which
// protects slots from programs that reach the key over USB.
import type { OtpApplet } from "../../applets/otp/applet.ts";
import { initialMovingFactor } from "../../applets/otp/configure.ts";
import { ConfigFlag, SLOT_NUMBERS, type SlotNumber } from "../../applets/otp/parameters.ts";
import { encodeModhex } from "../../applets/otp/scan-map.ts";
import { isDormant, kindOf, needsTouch, type SlotKind } from "../../applets/otp/slot-config.ts";
import type { Slot } from "../../applets/otp/slots.ts";
import type { Platform } from "../platform.ts";
import type { Administration, OtpInfo, OtpSlotSummary } from "./messages.ts";
import { buildSlot } from "./otp-configuration.ts";
import { Refusal } from "./refusal.ts";

/** What of a key this concerns. */
export interface OtpKey {
  readonly serialNumber: string;
  readonly otp: OtpApplet;
  readonly hasKeyboard: boolean;
  readonly platform: Platform;
}

type OtpAdministration = Pick<Administration, "otpInfo" | "setOtpSlot" | "deleteOtpSlot" | "swapOtpSlots">;

const KINDS = {
  "yubico-otp": "yubico",
  hotp: "hotp",
  "static-ticket": "static",
  "scan-codes": "static",
  "chal-hmac": "chalresp",
  "chal-otp": "chalresp-yubico",
} as const satisfies Record<SlotKind, string>;

export function administerOtp(key: OtpKey): OtpAdministration {
  const { platform } = key;
  const { slots } = key.otp;
  return {
    otpInfo: async () => info(key),
    async setOtpSlot(request) {
      const { slot, replace = false } = request;
      const { config, generated } = buildSlot(request, platform);
      await slots.inTurn(async () => {
        if (!replace && slots.get(slot) !== undefined) {
          throw new Refusal("otp-slot-configured", `Slot ${slot} is configured already: replace that with --replace.`);
        }
        await slots.writeConfig(slot, config, initialMovingFactor(config));
      });
      platform.log.info(`the owner configured OTP slot ${slot}`);
      return { slot: summarize(slot, slots.get(slot)), generated };
    },
    async deleteOtpSlot(slot) {
      await slots.inTurn(async () => {
        if (slots.get(slot) === undefined) throw new Refusal("otp-slot-empty", `Slot ${slot} is not configured.`);
        await slots.writeConfig(slot, undefined);
      });
      platform.log.info(`the owner deleted OTP slot ${slot}`);
    },
    async swapOtpSlots() {
      await slots.inTurn(async () => {
        if (slots.configured.length === 0) throw new Refusal("otp-slot-empty", "Neither slot is configured.");
        await slots.writeSwapped();
      });
      platform.log.info("the owner swapped the OTP slots");
      return info(key);
    },
  };
}

function info({ serialNumber, otp, hasKeyboard, platform }: OtpKey): OtpInfo {
  return {
    serial: serialNumber,
    cardSerial: platform.device.serialNumber,
    keyboard: hasKeyboard,
    slots: SLOT_NUMBERS.map((slot) => summarize(slot, otp.slots.get(slot))),
  };
}

function summarize(slot: SlotNumber, state: Slot | undefined): OtpSlotSummary {
  if (state === undefined) return { slot, configured: false };
  const { config, movingFactor } = state;
  const kind = kindOf(config);
  return {
    slot,
    configured: true,
    kind: KINDS[kind],
    touch: needsTouch(config),
    dormant: isDormant(config),
    accessCode: config.accCode.some((byte) => byte !== 0),
    ...(kind === "yubico-otp" && { publicId: encodeModhex(config.fixed.subarray(0, config.fixedSize)) }),
    ...(kind === "hotp" && {
      digits: (config.cfgFlags & ConfigFlag.OATH_HOTP8) !== 0 ? (8 as const) : (6 as const),
      counter: String(movingFactor),
    }),
  };
}
