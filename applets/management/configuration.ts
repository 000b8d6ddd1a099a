// What the owner has chosen for the key as a whole: which applications are on, and what a YubiKey's configuration holds
// besides. Persistent: one record, read at each question. What is on takes effect on the next power-up.
import { type CborMap, type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import type { Platform } from "../../src/platform.ts";
import { Turns } from "../../src/turns.ts";

/** Persistent. */
const CONFIGURATION_KEY = "management/configuration";

export interface ConfigurationValues {
  /** `Capability` bits; kept rather than the enabled ones, so that an application that a later version brings is on. */
  readonly disabled: number;
  /** Seconds until an untouched card leaves its reader; 0 for never. Kept, and of no effect. */
  readonly autoEjectTimeout: number;
  /** Seconds that a challenge waits for a touch. Kept, and of no effect: the prompt has its own. */
  readonly challengeResponseTimeout: number;
  /** Bits of `DeviceFlag`. Kept, and of no effect. */
  readonly deviceFlags: number;
  /** Secret. Who changes the configuration has to know it; empty when there is none. */
  readonly lockCode: Uint8Array;
}

export const LOCK_CODE_LENGTH = 16;

const NOTHING = new Uint8Array(0);

const defaults: ConfigurationValues = {
  disabled: 0,
  autoEjectTimeout: 0,
  challengeResponseTimeout: 15,
  deviceFlags: 0,
  lockCode: NOTHING,
};

/** Members of the record. */
const Member = {
  VERSION: 0,
  DISABLED: 1,
  AUTO_EJECT_TIMEOUT: 2,
  CHALLENGE_RESPONSE_TIMEOUT: 3,
  DEVICE_FLAGS: 4,
  LOCK_CODE: 5,
} as const;
const VERSION = 1;

export class DeviceConfiguration {
  /** The applications that the key has, as `Capability` bits. */
  readonly supported: number;
  readonly #platform: Platform;
  /** Each builds on the one before. */
  readonly #changes = new Turns();

  constructor(platform: Platform, supported: number) {
    this.#platform = platform;
    this.supported = supported;
  }

  /** Throws when the record is not one of ours. */
  get values(): ConfigurationValues {
    const record = this.#platform.store.get(CONFIGURATION_KEY);
    return record === undefined ? defaults : parseConfiguration(record);
  }

  /** Those that are on, or will be after the next power-up. Never none: such a key could not be told to turn one on. */
  get enabled(): number {
    const enabled = this.supported & ~this.values.disabled;
    return enabled === 0 ? this.supported : enabled;
  }

  get isLocked(): boolean {
    return this.values.lockCode.length > 0;
  }

  /** Turns on exactly these of the supported ones; all of them, if that were none. Durable when it resolves. */
  enable(capabilities: number): Promise<void> {
    return this.change({ disabled: this.supported & ~capabilities });
  }

  /** Durable when it resolves. */
  change(changes: Partial<ConfigurationValues>): Promise<void> {
    return this.#commit(() => encodeConfiguration({ ...this.values, ...changes }));
  }

  /** As new: everything is on, and there is no lock code. */
  reset(): Promise<void> {
    return this.#commit(() => null);
  }

  #commit(makeRecord: () => Uint8Array | null): Promise<void> {
    return this.#changes.take(() => this.#platform.store.commit({ [CONFIGURATION_KEY]: makeRecord() }));
  }
}

function encodeConfiguration(values: ConfigurationValues): Uint8Array {
  return encodeCbor(
    new Map<CborValue, CborValue>([
      [Member.VERSION, VERSION],
      [Member.DISABLED, values.disabled],
      [Member.AUTO_EJECT_TIMEOUT, values.autoEjectTimeout],
      [Member.CHALLENGE_RESPONSE_TIMEOUT, values.challengeResponseTimeout],
      [Member.DEVICE_FLAGS, values.deviceFlags],
      [Member.LOCK_CODE, values.lockCode],
    ]),
  );
}

function parseConfiguration(record: Uint8Array): ConfigurationValues {
  const members = decodeCborMap(record);
  const lockCode = members.get(Member.LOCK_CODE);
  if (members.get(Member.VERSION) !== VERSION || !(lockCode instanceof Uint8Array)) {
    throw new Error(`${CONFIGURATION_KEY} is not a record of this version`);
  }
  return {
    disabled: readNumber(members, Member.DISABLED),
    autoEjectTimeout: readNumber(members, Member.AUTO_EJECT_TIMEOUT),
    challengeResponseTimeout: readNumber(members, Member.CHALLENGE_RESPONSE_TIMEOUT),
    deviceFlags: readNumber(members, Member.DEVICE_FLAGS),
    lockCode,
  };
}

function readNumber(members: CborMap, member: number): number {
  const value = members.get(member);
  if (typeof value !== "number") throw new Error(`${CONFIGURATION_KEY}: member ${member} is no number`);
  return value;
}
