// What authenticatorConfig sets and a reset unsets. Persistent: one record, kept in memory as it was last committed.
// CTAP 2.3 §6.11; the defaults are §6.4's.
import { type CborMap, type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import type { Platform } from "../../src/platform.ts";
import { Turns } from "../../src/turns.ts";

/** Persistent. */
const SETTINGS = "fido2/settings";

export interface SettingValues {
  readonly alwaysUv: boolean;
  readonly enterpriseAttestation: boolean;
  readonly longTouchForReset: boolean;
  readonly forcePinChange: boolean;
  /** Whether a platform asked for PINs that are not easy to guess. */
  readonly pinComplexity: boolean;
  /** In Unicode code points. */
  readonly minPinLength: number;
  /** Relying parties that may read minPinLength through the extension of that name. */
  readonly minPinLengthRpIds: readonly string[];
}

/** CTAP 2.3 §6.4: a PIN has at least four code points. */
const DEFAULT_MIN_PIN_LENGTH = 4;

const defaults: SettingValues = {
  alwaysUv: false,
  enterpriseAttestation: false,
  longTouchForReset: false,
  forcePinChange: false,
  pinComplexity: false,
  minPinLength: DEFAULT_MIN_PIN_LENGTH,
  minPinLengthRpIds: [],
};

/** Members of the record. */
const Member = {
  VERSION: 0,
  ALWAYS_UV: 1,
  ENTERPRISE_ATTESTATION: 2,
  LONG_TOUCH_FOR_RESET: 3,
  FORCE_PIN_CHANGE: 4,
  MIN_PIN_LENGTH: 5,
  MIN_PIN_LENGTH_RP_IDS: 6,
  PIN_COMPLEXITY: 7,
} as const;
const VERSION = 1;

export class Settings implements SettingValues {
  readonly #platform: Platform;
  #values: SettingValues;
  /** Each builds on the one before. */
  readonly #changes = new Turns();

  /** Throws when the record is not one of ours: going on with defaults would drop alwaysUv unseen. */
  constructor(platform: Platform) {
    this.#platform = platform;
    const record = platform.store.get(SETTINGS);
    this.#values = record === undefined ? defaults : parseSettings(record);
  }

  get alwaysUv(): boolean {
    return this.#values.alwaysUv;
  }

  get enterpriseAttestation(): boolean {
    return this.#values.enterpriseAttestation;
  }

  get longTouchForReset(): boolean {
    return this.#values.longTouchForReset;
  }

  get forcePinChange(): boolean {
    return this.#values.forcePinChange;
  }

  get pinComplexity(): boolean {
    return this.#values.pinComplexity;
  }

  get minPinLength(): number {
    return this.#values.minPinLength;
  }

  get minPinLengthRpIds(): readonly string[] {
    return this.#values.minPinLengthRpIds;
  }

  /** Durable when it resolves; `alsoCommit` becomes so in the same commit. */
  change(changes: Partial<SettingValues>, alsoCommit: Readonly<Record<string, Uint8Array | null>> = {}): Promise<void> {
    return this.#changes.take(async () => {
      const values = { ...this.#values, ...changes };
      await this.#platform.store.commit({ ...alsoCommit, [SETTINGS]: encodeSettings(values) });
      this.#values = values;
    });
  }

  /** The records were deleted by a reset. */
  forget(): void {
    this.#values = defaults;
  }
}

function encodeSettings(values: SettingValues): Uint8Array {
  return encodeCbor(
    new Map<CborValue, CborValue>([
      [Member.VERSION, VERSION],
      [Member.ALWAYS_UV, values.alwaysUv],
      [Member.ENTERPRISE_ATTESTATION, values.enterpriseAttestation],
      [Member.LONG_TOUCH_FOR_RESET, values.longTouchForReset],
      [Member.FORCE_PIN_CHANGE, values.forcePinChange],
      [Member.MIN_PIN_LENGTH, values.minPinLength],
      [Member.MIN_PIN_LENGTH_RP_IDS, values.minPinLengthRpIds],
      [Member.PIN_COMPLEXITY, values.pinComplexity],
    ]),
  );
}

function parseSettings(record: Uint8Array): SettingValues {
  const map = decodeCborMap(record);
  const minPinLength = map.get(Member.MIN_PIN_LENGTH);
  const rpIds = map.get(Member.MIN_PIN_LENGTH_RP_IDS);
  if (map.get(Member.VERSION) !== VERSION || typeof minPinLength !== "number" || !Array.isArray(rpIds)) {
    throw new TypeError(`${SETTINGS} is of another version`);
  }
  return {
    alwaysUv: flag(map, Member.ALWAYS_UV),
    enterpriseAttestation: flag(map, Member.ENTERPRISE_ATTESTATION),
    longTouchForReset: flag(map, Member.LONG_TOUCH_FOR_RESET),
    forcePinChange: flag(map, Member.FORCE_PIN_CHANGE),
    pinComplexity: flag(map, Member.PIN_COMPLEXITY),
    minPinLength,
    minPinLengthRpIds: rpIds.filter((rpId) => typeof rpId === "string"),
  };
}

function flag(map: CborMap, member: number): boolean {
  const value = map.get(member);
  if (typeof value !== "boolean") throw new TypeError(`member ${member} of ${SETTINGS} is not a boolean`);
  return value;
}
