// The status that SELECT, every write and the idle keyboard interface answer with: struct status_st of ykdef.h.
import { struct, u8, u16le } from "../../src/bytes/struct.ts";
import type { Platform } from "../../src/platform.ts";
import { ExtendedFlag, SLOT_NUMBERS, TouchLevel } from "./parameters.ts";
import { needsTouch } from "./slot-config.ts";
import type { Slots } from "./slots.ts";

const Status = struct({ versionMajor: u8, versionMinor: u8, versionBuild: u8, pgmSeq: u8, touchLevel: u16le });

const VALID = { 1: TouchLevel.CONFIG1_VALID, 2: TouchLevel.CONFIG2_VALID } as const;
const TOUCH = { 1: TouchLevel.CONFIG1_TOUCH, 2: TouchLevel.CONFIG2_TOUCH } as const;

/** Six bytes. */
export function encodeStatus({ device }: Platform, slots: Slots): Uint8Array {
  const [versionMajor, versionMinor, versionBuild] = device.firmwareVersion;
  let touchLevel = 0;
  for (const slot of SLOT_NUMBERS) {
    const config = slots.get(slot)?.config;
    if (config === undefined) continue;
    touchLevel |= VALID[slot];
    if (needsTouch(config)) touchLevel |= TOUCH[slot];
    if ((config.extFlags & ExtendedFlag.LED_INV) !== 0) touchLevel |= TouchLevel.LED_INV;
  }
  return Status.encode({ versionMajor, versionMinor, versionBuild, pgmSeq: slots.pgmSeq, touchLevel });
}
