// The OTP slots of a key, for its owner: what they do, and other configurations for them. It needs no access code, which
// protects slots from programs that reach the key over USB.
import type { OtpApplet } from "../../applets/otp/applet.ts";
import { initialMovingFactor } from "../../applets/otp/configure.ts";
import { ConfigFlag, SLOT_NUMBERS, type SlotNumber } from "../../applets/otp/parameters.ts";
import { encodeModhex } from "../../applets/otp/scan-map.ts";
import { isDormant, kindOf, needsTouch, type SlotKind } from "../../applets/otp/slot-config.ts";
import type { Slot, Slots } from "../../applets/otp/slots.ts";
import type { Platform } from "../platform.ts";
import { buildSlot } from "./otp-configuration.ts";
import type { OtpInfo, OtpOwner, OtpSlotAnswer, OtpSlotRequest, OtpSlotSummary } from "./otp-messages.ts";
import { Refusal } from "./refusal.ts";

/** What of a key this concerns. */
export interface OtpKey {
  readonly serialNumber: string;
  readonly applications: { readonly otp: OtpApplet };
  readonly hasKeyboard: boolean;
  readonly platform: Platform;
}

const KINDS = {
  "yubico-otp": "yubico",
  hotp: "hotp",
  "static-ticket": "static",
  "scan-codes": "static",
  "chal-hmac": "chalresp",
  "chal-otp": "chalresp-yubico",
} as const satisfies Record<SlotKind, string>;

export class OtpAdministration implements OtpOwner {
  readonly #key: OtpKey;

  constructor(key: OtpKey) {
    this.#key = key;
  }

  async info(): Promise<OtpInfo> {
    const { serialNumber, hasKeyboard, platform } = this.#key;
    return {
      serial: serialNumber,
      cardSerial: platform.device.serialNumber,
      keyboard: hasKeyboard,
      slots: SLOT_NUMBERS.map((slot) => this.#summarize(slot)),
    };
  }

  async set(request: OtpSlotRequest): Promise<OtpSlotAnswer> {
    const { slot, replace = false } = request;
    const { config, generated } = buildSlot(request, this.#key.platform);
    await this.#slots.inTurn(async () => {
      if (!replace && this.#slots.get(slot) !== undefined) {
        throw new Refusal("otp-slot-configured", `Slot ${slot} is configured already: replace that with --replace.`);
      }
      await this.#slots.writeConfig(slot, config, initialMovingFactor(config));
    });
    this.#key.platform.log.info(`the owner configured OTP slot ${slot}`);
    return { slot: this.#summarize(slot), generated };
  }

  async delete(slot: SlotNumber): Promise<void> {
    await this.#slots.inTurn(async () => {
      if (this.#slots.get(slot) === undefined) throw new Refusal("otp-slot-empty", `Slot ${slot} is not configured.`);
      await this.#slots.writeConfig(slot, undefined);
    });
    this.#key.platform.log.info(`the owner deleted OTP slot ${slot}`);
  }

  async swap(): Promise<OtpInfo> {
    await this.#slots.inTurn(async () => {
      if (this.#slots.configured.length === 0) throw new Refusal("otp-slot-empty", "Neither slot is configured.");
      await this.#slots.writeSwapped();
    });
    this.#key.platform.log.info("the owner swapped the OTP slots");
    return this.info();
  }

  get #slots(): Slots {
    return this.#key.applications.otp.slots;
  }

  #summarize(slot: SlotNumber): OtpSlotSummary {
    return summarize(slot, this.#slots.get(slot));
  }
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
