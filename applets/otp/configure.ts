// The slot commands that write: CONFIG, UPDATE, SWAP, NDEF, SCAN_MAP. What they want and refuse is ykpersonalize(1)'s word,
// where it says something; the status words are ours, since Yubico publishes none.
import { isEqual } from "../../src/bytes/equal.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import {
  ACCESS_CODE_SIZE,
  ExtendedFlag,
  NDEF_SIZE,
  type SlotNumber,
  TicketFlag,
  UID_SIZE,
  UpdateMask,
} from "./parameters.ts";
import { DEFAULT_SCAN_MAP, isScanMap, SCAN_MAP_SIZE } from "./scan-map.ts";
import {
  CONFIG_SIZE,
  isChallengeResponse,
  isUpdatable,
  kindOf,
  parseSlotConfig,
  type SlotConfig,
} from "./slot-config.ts";
import type { Slots } from "./slots.ts";

/** IMF: the last two bytes of the uid field, in steps of 16. yubikit, HotpSlotConfiguration.imf */
const MOVING_FACTOR_STEP = 16n;
const MOVING_FACTOR_OFFSET = UID_SIZE - 2;

/** Where a configuration's HOTP begins to count; 0 for other kinds. */
export function initialMovingFactor(config: SlotConfig): bigint {
  if (kindOf(config) !== "hotp") return 0n;
  return BigInt(new Reader(config.uid.subarray(MOVING_FACTOR_OFFSET)).u16be()) * MOVING_FACTOR_STEP;
}

/** What is written, and the access code behind it; who has none may leave it out. The rest of a frame is not looked at. */
function splitAccessCode(data: Uint8Array, size: number): { readonly body: Uint8Array; readonly code: Uint8Array } {
  if (data.length < size) throw new StatusError(StatusWord.WRONG_LENGTH);
  const code = new Uint8Array(ACCESS_CODE_SIZE);
  code.set(data.subarray(size, size + ACCESS_CODE_SIZE));
  return { body: data.subarray(0, size), code };
}

function requireAccess(slots: Slots, code: Uint8Array, which?: readonly SlotNumber[]): void {
  if (!slots.isOpenedBy(code, which)) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
}

function requireConfig(body: Uint8Array): SlotConfig {
  const config = parseSlotConfig(body);
  if (config === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  return config;
}

function isProtecting(config: SlotConfig | undefined): boolean {
  return config !== undefined && (config.tktFlags & TicketFlag.PROTECT_CFG2) !== 0;
}

/**
 * protect-cfg2: "When written to configuration 1, block later updates to configuration 2. When written to configuration
 * 2, prevent configuration 1 from having the lock bit set."
 */
function requireUnprotected(slots: Slots, slot: SlotNumber, config: SlotConfig | undefined): void {
  const second = isProtecting(slots.get(2)?.config);
  const refused = slot === 2 ? isProtecting(slots.get(1)?.config) && !second : isProtecting(config) && second;
  if (refused) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
}

/** A configuration of zeros, which ykman and ykpersonalize send without a CRC, deletes the slot. */
export async function configure(slots: Slots, slot: SlotNumber, data: Uint8Array): Promise<void> {
  const { body, code } = splitAccessCode(data, CONFIG_SIZE);
  requireAccess(slots, code, [slot]);
  const config = body.every((byte) => byte === 0) ? undefined : requireConfig(body);
  requireUnprotected(slots, slot, config);
  // There is nothing to delete: the programming sequence stays, by which yubikit sees that nothing was written.
  if (config === undefined && slots.get(slot) === undefined) return;
  await slots.writeConfig(slot, config, config && initialMovingFactor(config));
}

/** Flags and the access code of a configuration that allows it; its secrets and its counters stay. */
export async function update(slots: Slots, slot: SlotNumber, data: Uint8Array): Promise<void> {
  const { body, code } = splitAccessCode(data, CONFIG_SIZE);
  const known = slots.get(slot);
  requireAccess(slots, code, [slot]);
  const asked = requireConfig(body);
  if (known === undefined || !isUpdatable(known.config)) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  requireUnprotected(slots, slot, undefined);
  const { config } = known;
  const merge = (old: number, wanted: number, mask: number) => (old & ~mask) | (wanted & mask);
  // What is pacing to a slot that types is HMAC_LT64 and CHAL_BTN_TRIG to one that answers challenges.
  const configMask = isChallengeResponse(config) ? 0 : UpdateMask.CONFIG;
  const updated: SlotConfig = {
    ...config,
    accCode: asked.accCode,
    extFlags: asked.extFlags,
    tktFlags: merge(config.tktFlags, asked.tktFlags, UpdateMask.TICKET),
    cfgFlags: merge(config.cfgFlags, asked.cfgFlags, configMask),
  };
  await slots.write({ [slot]: { ...known, config: updated } });
}

/** "Only possible if both slots are configured as updatable"; ykman swaps one slot with an empty one, too. */
export async function swap(slots: Slots, data: Uint8Array): Promise<void> {
  const { code } = splitAccessCode(data, 0);
  requireAccess(slots, code);
  const configs = slots.configured.map((slot) => slots.get(slot)?.config);
  const allowed = configs.every(
    (config) => config !== undefined && (config.extFlags & ExtendedFlag.ALLOW_UPDATE) !== 0,
  );
  if (configs.length === 0 || !allowed || configs.some(isProtecting)) {
    throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  }
  await slots.writeSwapped();
}

/** There is no radio that would show it. */
export async function writeNdef(slots: Slots, slot: SlotNumber, data: Uint8Array): Promise<void> {
  const { code } = splitAccessCode(data, NDEF_SIZE);
  requireAccess(slots, code, [slot]);
  slots.countWrite();
}

/** 45 different scan codes; zeros bring the map back that the key has by itself. */
export async function writeScanMap(slots: Slots, data: Uint8Array): Promise<void> {
  const { body, code } = splitAccessCode(data, SCAN_MAP_SIZE);
  requireAccess(slots, code);
  const isReset = body.every((byte) => byte === 0);
  if (!isReset && !isScanMap(body)) throw new StatusError(StatusWord.WRONG_DATA);
  await slots.writeScanMap(isReset || isEqual(body, DEFAULT_SCAN_MAP) ? undefined : Uint8Array.from(body));
}
