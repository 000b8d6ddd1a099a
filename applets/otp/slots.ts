// The state of the OTP applet: two slots in the store, and what it counts between two power-ups.
//
//   otp/slot-1, otp/slot-2   the configuration as the host wrote it, and the counters that must never go back
//   otp/scan-map             45 scan codes, where a host wrote other ones
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { bytes, struct, u16be, u32be } from "../../src/bytes/struct.ts";
import type { Platform } from "../../src/platform.ts";
import { Turns } from "../../src/turns.ts";
import { ACCESS_CODE_SIZE, SLOT_NUMBERS, type SlotNumber } from "./parameters.ts";
import { CONFIG_SIZE, encodeSlotConfig, parseSlotConfig, type SlotConfig } from "./slot-config.ts";

/** `useCtr`: of the power-up in which the slot last typed; `movingFactor`: the next that HOTP uses, of 64 bits. */
const SlotRecord = struct({
  config: bytes(CONFIG_SIZE),
  useCtr: u16be,
  movingFactorHigh: u32be,
  movingFactorLow: u32be,
});

/** What is persistent of a slot. */
export interface Slot {
  readonly config: SlotConfig;
  readonly useCtr: number;
  readonly movingFactor: bigint;
}

const SCAN_MAP_KEY = "otp/scan-map";
const NO_CODE = new Uint8Array(ACCESS_CODE_SIZE);
const LOW_32 = 0xffff_ffffn;

function slotKey(slot: SlotNumber): string {
  return `otp/slot-${slot}`;
}

function encodeSlot({ config, useCtr, movingFactor }: Slot): Uint8Array {
  const movingFactorHigh = Number((movingFactor >> 32n) & LOW_32);
  const movingFactorLow = Number(movingFactor & LOW_32);
  return SlotRecord.encode({ config: encodeSlotConfig(config), useCtr, movingFactorHigh, movingFactorLow });
}

export type SlotChanges = Readonly<Partial<Record<SlotNumber, Slot | undefined>>>;

export class Slots {
  readonly #platform: Platform;
  readonly #turns = new Turns();
  /** volatile: how often each slot has typed since it was powered up; absent before the first time. */
  #sessionCtr: Partial<Record<SlotNumber, number>> = {};
  /** volatile: counts what is written, so that hosts see that it was; 0 while no slot is configured. ykdef.h, pgmSeq */
  #pgmSeq = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.powerCycle();
  }

  get pgmSeq(): number {
    return this.#pgmSeq;
  }

  /** Undefined when it is not configured. */
  get(slot: SlotNumber): Slot | undefined {
    const record = this.#platform.store.get(slotKey(slot));
    if (record === undefined) return undefined;
    const { config, useCtr, movingFactorHigh, movingFactorLow } = SlotRecord.parse(record);
    const parsed = parseSlotConfig(config);
    if (parsed === undefined) throw new TypeError(`the record of slot ${slot} is damaged`);
    return { config: parsed, useCtr, movingFactor: (BigInt(movingFactorHigh) << 32n) | BigInt(movingFactorLow) };
  }

  get configured(): readonly SlotNumber[] {
    return SLOT_NUMBERS.filter((slot) => this.#platform.store.get(slotKey(slot)) !== undefined);
  }

  get scanMap(): Uint8Array | undefined {
    return this.#platform.store.get(SCAN_MAP_KEY);
  }

  sessionCtr(slot: SlotNumber): number | undefined {
    return this.#sessionCtr[slot];
  }

  setSessionCtr(slot: SlotNumber, count: number): void {
    this.#sessionCtr[slot] = count;
  }

  /** One at a time: a card reader, the keyboard interface and the owner of the key may all want to write. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    return this.#turns.take(run);
  }

  /** Counters alone: no host asked for it, so that pgmSeq stays. */
  async advance(slot: SlotNumber, state: Slot): Promise<void> {
    await this.#platform.store.commit({ [slotKey(slot)]: encodeSlot(state) });
  }

  /** Writes what a host asked for; `undefined` deletes. All of it, or nothing. */
  async write(changes: SlotChanges): Promise<void> {
    const records: Record<string, Uint8Array | null> = {};
    for (const slot of SLOT_NUMBERS) {
      if (!(slot in changes)) continue;
      const state = changes[slot];
      records[slotKey(slot)] = state === undefined ? null : encodeSlot(state);
    }
    await this.#platform.store.commit(records);
    this.countWrite();
    if (this.configured.length === 0) this.#pgmSeq = 0;
  }

  /** A slot's session goes with its configuration. */
  async writeSwapped(): Promise<void> {
    await this.write({ 1: this.get(2), 2: this.get(1) });
    const { 1: first, 2: second } = this.#sessionCtr;
    this.#sessionCtr = { ...(second !== undefined && { 1: second }), ...(first !== undefined && { 2: first }) };
  }

  /** The counters of a new configuration begin anew, as its secrets do. */
  async writeConfig(slot: SlotNumber, config: SlotConfig | undefined, movingFactor = 0n): Promise<void> {
    await this.write({ [slot]: config && { config, useCtr: 0, movingFactor } });
    delete this.#sessionCtr[slot];
  }

  async writeScanMap(map: Uint8Array | undefined): Promise<void> {
    await this.#platform.store.commit({ [SCAN_MAP_KEY]: map ?? null });
    this.countWrite();
  }

  async erase(): Promise<void> {
    await this.#platform.store.commit({ [slotKey(1)]: null, [slotKey(2)]: null, [SCAN_MAP_KEY]: null });
    this.powerCycle();
  }

  /** Something that a host asked for was written, be it in another place. A host compares two bytes: 255 is followed by 1. */
  countWrite(): void {
    this.#pgmSeq = (this.#pgmSeq % 0xff) + 1;
  }

  /** Whether `code` opens every one of these slots: one that is not configured or has no code is opened by any. */
  isOpenedBy(code: Uint8Array, slots: readonly SlotNumber[] = SLOT_NUMBERS): boolean {
    const codes = slots.map((slot) => this.get(slot)?.config.accCode ?? NO_CODE);
    return codes.every((set) => isEqualConstantTime(set, NO_CODE) || isEqualConstantTime(set, code));
  }

  powerCycle(): void {
    this.#sessionCtr = {};
    this.#pgmSeq = this.configured.length === 0 ? 0 : 1;
  }
}
