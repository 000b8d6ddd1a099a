// The pinUvAuthToken: what a platform holds after its person gave the PIN or was verified, what it may do, for which
// relying party, and for how long. Volatile. CTAP 2.3 §6.5.2.1 (state), §6.5.5.7 (permissions)
import { wipe } from "../../src/bytes/wipe.ts";
import type { Clock, Platform } from "../../src/platform.ts";

/** CTAP 2.3 §6.5.5.7, "pinUvAuthToken permissions": bits of `permissions`. */
export const Permission = {
  MAKE_CREDENTIAL: 0x01,
  GET_ASSERTION: 0x02,
  CREDENTIAL_MANAGEMENT: 0x04,
  BIO_ENROLLMENT: 0x08,
  LARGE_BLOB_WRITE: 0x10,
  AUTHENTICATOR_CONFIGURATION: 0x20,
  PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY: 0x40,
} as const;

/** Of protocol one and protocol two alike. CTAP 2.3 §6.5.6, §6.5.7 */
export const TOKEN_LENGTH = 32;

/** "Initial usage time limit" over USB: the platform has this long to use a new token. */
const INITIAL_USAGE_MS = 30_000;
/** "User present time limit": how long a touch that came with the token counts for the next request. */
const USER_PRESENT_MS = 30_000;
/** "Max usage time period": 10 minutes, used or not. */
const MAX_USAGE_MS = 600_000;

/** What a platform gets with a token. */
export interface Grant {
  readonly permissions: number;
  /** The relying party that the token is for, if the platform said so. */
  readonly rpId: string | undefined;
  /** Whether its person was present, too. */
  readonly userPresent: boolean;
  /** It was asked for with getPinToken, from before there were permissions. */
  readonly legacy?: boolean;
}

interface Use {
  readonly token: Uint8Array;
  readonly protocol: 1 | 2;
  readonly begunAt: number;
  permissions: number;
  rpId: string | undefined;
  readonly legacy: boolean;
  used: boolean;
  userPresent: boolean;
  userVerified: boolean;
}

/** The one token that is in use, if any: a new one ends the one before, whichever protocol it was made for. */
export class PinUvAuthToken {
  readonly #platform: Platform;
  readonly #clock: Clock;
  #use: Use | undefined;
  #serial = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#clock = platform.clock;
  }

  /** resetPinUvAuthToken() and beginUsingPinUvAuthToken(). Returns the token, which is for the platform alone. */
  begin(protocol: 1 | 2, grant: Grant): Uint8Array {
    this.stopUsing();
    const token = Uint8Array.from(this.#platform.randomBytes(TOKEN_LENGTH));
    const { permissions, rpId, userPresent, legacy = false } = grant;
    const begunAt = this.#clock.now();
    this.#use = { token, protocol, permissions, rpId, begunAt, userPresent, legacy, used: false, userVerified: true };
    this.#serial += 1;
    return token;
  }

  /** Tells one token from the next; undefined when none is in use. */
  get serial(): number | undefined {
    return this.#current() === undefined ? undefined : this.#serial;
  }

  /** The token, for verify(); undefined when none is in use for this protocol. */
  valueFor(protocol: 1 | 2): Uint8Array | undefined {
    const use = this.#current();
    return use?.protocol === protocol ? use.token : undefined;
  }

  /** Says that a request came with the token in time, so that the initial limit is met. */
  markUsed(): void {
    const use = this.#current();
    if (use !== undefined) use.used = true;
  }

  hasPermission(permission: number): boolean {
    return ((this.#current()?.permissions ?? 0) & permission) !== 0;
  }

  /** Whether it came from getPinToken and has not been spent on a credential since. */
  get isLegacy(): boolean {
    const use = this.#current();
    return use?.legacy === true && use.userVerified;
  }

  /** The relying party that the token is bound to. */
  get rpId(): string | undefined {
    return this.#current()?.rpId;
  }

  bindTo(rpId: string): void {
    const use = this.#current();
    if (use !== undefined) use.rpId = rpId;
  }

  /** getUserPresentFlagValue(). */
  get isUserPresent(): boolean {
    const use = this.#current();
    return use?.userPresent === true && this.#clock.now() - use.begunAt <= USER_PRESENT_MS;
  }

  /** getUserVerifiedFlagValue(). */
  get isUserVerified(): boolean {
    return this.#current()?.userVerified === true;
  }

  /** clearUserPresentFlag(), clearUserVerifiedFlag() and clearPinUvAuthTokenPermissionsExceptLbw(): one test of presence, one credential. */
  spend(): void {
    const use = this.#current();
    if (use === undefined) return;
    use.userPresent = false;
    use.userVerified = false;
    use.permissions &= Permission.LARGE_BLOB_WRITE;
  }

  /** stopUsingPinUvAuthToken(), and forgetting its value. */
  stopUsing(): void {
    if (this.#use !== undefined) wipe(this.#use.token);
    this.#use = undefined;
  }

  /** pinUvAuthTokenUsageTimerObserver(), run when somebody looks instead of by a timer. */
  #current(): Use | undefined {
    const use = this.#use;
    if (use === undefined) return undefined;
    const age = this.#clock.now() - use.begunAt;
    if (age <= (use.used ? MAX_USAGE_MS : INITIAL_USAGE_MS)) return use;
    this.stopUsing();
    return undefined;
  }
}
