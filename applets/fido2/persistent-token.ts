// The persistentPinUvAuthToken: what a platform holds that may list credentials, and nothing else, for as long as the
// PIN stays the same. It survives power cycles. CTAP 2.3 §6.5.2.1, §6.5.5.7 "pcmr"
import type { Platform } from "../../src/platform.ts";
import { TOKEN_LENGTH } from "./pin-uv-auth-token.ts";

/** Persistent: 32 random bytes, as long as a platform may hold them. */
export const PERSISTENT_TOKEN = "fido2/persistent-token";

export class PersistentToken {
  readonly #platform: Platform;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  /** Undefined as long as none was handed out since the PIN was set, changed or reset. */
  get value(): Uint8Array | undefined {
    return this.#platform.store.get(PERSISTENT_TOKEN);
  }

  /** The token, made and durably stored when there is none: every platform that asks gets the same. */
  async obtain(): Promise<Uint8Array> {
    const known = this.value;
    if (known !== undefined) return known;
    const token = this.#platform.randomBytes(TOKEN_LENGTH);
    await this.#platform.store.commit({ [PERSISTENT_TOKEN]: token });
    return token;
  }
}
