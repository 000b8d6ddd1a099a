// What the owner has chosen of the key as a whole: which applications are on. It takes effect on the next power-up.
import { decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import type { Platform } from "../../src/platform.ts";

const CONFIGURATION_KEY = "management/configuration";

/** Keys of the record's CBOR map. */
const Member = { DISABLED: 1 } as const;

export class DeviceConfiguration {
  /** The applications that the key has, as `Capability` bits. */
  readonly supported: number;
  readonly #platform: Platform;

  constructor(platform: Platform, supported: number) {
    this.#platform = platform;
    this.supported = supported;
  }

  /** Those that are on, or will be after the next power-up. Never none: such a key could not be told to turn one on. */
  get enabled(): number {
    const enabled = this.supported & ~this.#disabled;
    return enabled === 0 ? this.supported : enabled;
  }

  /** Turns on exactly these of the supported ones. */
  async enable(capabilities: number): Promise<void> {
    const disabled = this.supported & ~capabilities;
    await this.#platform.store.commit({ [CONFIGURATION_KEY]: encodeCbor(new Map([[Member.DISABLED, disabled]])) });
  }

  /** Kept rather than the enabled ones, so that an application that a later version brings is on. */
  get #disabled(): number {
    const record = this.#platform.store.get(CONFIGURATION_KEY);
    const disabled = record === undefined ? 0 : decodeCborMap(record).get(Member.DISABLED);
    return typeof disabled === "number" ? disabled : 0;
  }
}
