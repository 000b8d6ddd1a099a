// What a platform that may list credentials can tell this key again by: an identifier and the state of its credentials,
// sealed so that nobody else learns them from getInfo. CTAP 2.3 §6.4, encIdentifier and encCredStoreState
//
//   iv 16 | AES-128-CBC(HKDF-SHA-256(salt: 32 zeros, persistentPinUvAuthToken, info: the member's name), 16 bytes)
import { concat } from "../../src/bytes/concat.ts";
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { encryptAesCbc } from "../../src/crypto/aes.ts";
import { hkdfSha256 } from "../../src/crypto/hash.ts";
import type { Platform } from "../../src/platform.ts";
import type { Credentials } from "./credentials.ts";
import type { PersistentToken } from "./persistent-token.ts";

/** Persistent: 16 random bytes; another after a reset. */
const DEVICE_IDENTIFIER = "fido2/device-identifier";
const IDENTIFIER_LENGTH = 16;
const IV_LENGTH = 16;
const AES_KEY_LENGTH = 16;
const ZERO_SALT = new Uint8Array(32);

export interface SealedIdentity {
  readonly encIdentifier: Uint8Array;
  readonly encCredStoreState: Uint8Array;
}

/** What seals each, derived from `token`. */
interface SealingKeys {
  readonly token: Uint8Array;
  readonly encIdentifier: Uint8Array;
  readonly encCredStoreState: Uint8Array;
}

export class Identity {
  readonly #platform: Platform;
  readonly #persistentToken: PersistentToken;
  readonly #credentials: Credentials;
  /** As long as the token is the same: getInfo is asked for often, and deriving them was half of its cost. */
  #keys: SealingKeys | undefined;

  constructor(platform: Platform, persistentToken: PersistentToken, credentials: Credentials) {
    this.#platform = platform;
    this.#persistentToken = persistentToken;
    this.#credentials = credentials;
  }

  /** Undefined when the store, which may be full, cannot take what has to be drawn the first time. */
  async seal(): Promise<SealedIdentity | undefined> {
    try {
      const keys = this.#obtainKeys(await this.#persistentToken.obtain());
      const identifier = await this.#obtainIdentifier();
      // Fresh IVs each time: the same bytes twice would themselves be an identifier, for everyone.
      const ivs = this.#platform.randomBytes(2 * IV_LENGTH);
      return {
        encIdentifier: seal(keys.encIdentifier, ivs.subarray(0, IV_LENGTH), identifier),
        encCredStoreState: seal(keys.encCredStoreState, ivs.subarray(IV_LENGTH), this.#credentials.storeState),
      };
    } catch (error) {
      this.#platform.log.error("FIDO2 getInfo: the identity of this key could not be stored", error);
      return undefined;
    }
  }

  #obtainKeys(token: Uint8Array): SealingKeys {
    if (this.#keys === undefined || !isEqualConstantTime(this.#keys.token, token)) {
      const derive = (info: string) => hkdfSha256(token, ZERO_SALT, info, AES_KEY_LENGTH);
      const names = { encIdentifier: derive("encIdentifier"), encCredStoreState: derive("encCredStoreState") };
      this.#keys = { token: token.slice(), ...names };
    }
    return this.#keys;
  }

  async #obtainIdentifier(): Promise<Uint8Array> {
    const { store } = this.#platform;
    const known = store.get(DEVICE_IDENTIFIER);
    if (known !== undefined) return known;
    const identifier = this.#platform.randomBytes(IDENTIFIER_LENGTH);
    await store.commit({ [DEVICE_IDENTIFIER]: identifier });
    return identifier;
  }
}

function seal(key: Uint8Array, iv: Uint8Array, block: Uint8Array): Uint8Array {
  return concat(iv, encryptAesCbc(key, iv, block));
}
