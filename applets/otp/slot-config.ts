// The configuration of a slot, as hosts write it and as the store keeps it: struct config_st of ykdef.h.
//
//   fixed 16 | uid 6 | key 16 | accCode 6 | fixedSize | extFlags | tktFlags | cfgFlags | rfu 2 | crc 2
import { appendCrc16, isCrc16Intact } from "../../src/bytes/crc16.ts";
import { bytes, type Infer, struct, u8, u16be } from "../../src/bytes/struct.ts";
import {
  ACCESS_CODE_SIZE,
  ConfigFlag,
  ExtendedFlag,
  FIXED_SIZE,
  KEY_SIZE,
  TicketFlag,
  UID_SIZE,
} from "./parameters.ts";

const ConfigBody = struct({
  fixed: bytes(FIXED_SIZE),
  uid: bytes(UID_SIZE),
  key: bytes(KEY_SIZE),
  accCode: bytes(ACCESS_CODE_SIZE),
  fixedSize: u8,
  extFlags: u8,
  tktFlags: u8,
  cfgFlags: u8,
  rfu: u16be,
});
export type SlotConfig = Infer<typeof ConfigBody>;

const CRC_SIZE = 2;
export const CONFIG_SIZE = ConfigBody.size + CRC_SIZE;

export function encodeSlotConfig(config: Partial<SlotConfig>): Uint8Array {
  const none = new Uint8Array(0);
  const empty = { fixed: none, uid: none, key: none, accCode: none };
  const flags = { fixedSize: 0, extFlags: 0, tktFlags: 0, cfgFlags: 0, rfu: 0 };
  return appendCrc16(ConfigBody.encode({ ...empty, ...flags, ...config }));
}

/** Copies; undefined when the CRC, the reserved bytes or the size of the fixed part are not as they have to be. */
export function parseSlotConfig(input: Uint8Array): SlotConfig | undefined {
  if (input.length !== CONFIG_SIZE || !isCrc16Intact(input)) return undefined;
  const config = ConfigBody.parse(Uint8Array.from(input));
  return config.rfu === 0 && config.fixedSize <= FIXED_SIZE ? config : undefined;
}

/** What a slot does. */
export type SlotKind = "yubico-otp" | "hotp" | "static-ticket" | "scan-codes" | "chal-hmac" | "chal-otp";

/** OATH_HOTP and CHAL_RESP are the same bit; CHAL_YUBICO, which no HOTP slot has, tells them apart. */
export function kindOf({ tktFlags, cfgFlags }: Pick<SlotConfig, "tktFlags" | "cfgFlags">): SlotKind {
  if ((tktFlags & TicketFlag.CHAL_RESP) !== 0) {
    if ((cfgFlags & ConfigFlag.CHAL_HMAC) === ConfigFlag.CHAL_HMAC) return "chal-hmac";
    return (cfgFlags & ConfigFlag.CHAL_YUBICO) !== 0 ? "chal-otp" : "hotp";
  }
  if ((cfgFlags & ConfigFlag.STATIC_TICKET) !== 0) return "static-ticket";
  return (cfgFlags & ConfigFlag.SHORT_TICKET) !== 0 ? "scan-codes" : "yubico-otp";
}

export function isChallengeResponse(config: SlotConfig): boolean {
  const kind = kindOf(config);
  return kind === "chal-hmac" || kind === "chal-otp";
}

/** Whether a touch makes it do what it does; challenges are answered without one unless the slot says otherwise. */
export function needsTouch(config: SlotConfig): boolean {
  return !isChallengeResponse(config) || (config.cfgFlags & ConfigFlag.CHAL_BTN_TRIG) !== 0;
}

export function isUpdatable({ extFlags }: SlotConfig): boolean {
  return (extFlags & ExtendedFlag.ALLOW_UPDATE) !== 0;
}

/** Hidden: it neither types nor answers until an update wakes it. */
export function isDormant({ extFlags }: SlotConfig): boolean {
  return (extFlags & ExtendedFlag.DORMANT) !== 0;
}
