// The PIN of the key, and how often it and the built-in user verification may still be tried. CTAP 2.3 §6.5.2.2, §6.5.5
// Persistent: a verifier of the PIN (never the PIN) and two retry counters. Volatile: how often it was missed since
// the power came.
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { bytes, struct, u8, u32be } from "../../src/bytes/struct.ts";
import { wipe } from "../../src/bytes/wipe.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import type { Platform } from "../../src/platform.ts";
import { Turns } from "../../src/turns.ts";
import type { NewPin } from "./pin-policy.ts";
import type { Settings } from "./settings.ts";
import { CtapError, CtapStatus } from "./status.ts";

/** Persistent: LEFT(SHA-256(PIN), 16) and the PIN's length in code points. Absent when no PIN is set. */
const PIN = "fido2/pin";
/** Persistent: one byte. A record of its own, because it is written before every comparison. */
const PIN_RETRIES = "fido2/pin-retries";
/** Persistent: the retries of the built-in user verification, and how often it ran since the PIN was last given. */
const UV_ATTEMPTS = "fido2/uv-attempts";

/** `complex`: 1 if the PIN is one that pin-policy.ts would not call easy to guess. */
const Verifier = struct({ version: u8, codePoints: u8, complex: u8, hash: bytes(16) });
const RECORD_VERSION = 1;
const UvAttempts = struct({ retries: u8, sincePinEntry: u32be });

/** CTAP 2.3 §6.5.2.2: at most 8. */
export const MAX_PIN_RETRIES = 8;
/** CTAP 2.3 §6.5.2.3: from 1 to 25. */
const MAX_UV_RETRIES = 8;
/** "3 consecutive mismatches": CTAP 2.3 §6.5.5.6 step 8, and wherever a PIN is compared. */
const MAX_CONSECUTIVE_MISSES = 3;

/** What CTAP keeps of a PIN, and what a platform sends of it: 16 bytes. */
export function hashPin(pin: Uint8Array): Uint8Array {
  return sha256(pin).subarray(0, 16);
}

export class Pin {
  readonly #platform: Platform;
  readonly #settings: Settings;
  /** Volatile: consecutive misses since power-up; 3 of them block until the next one. */
  #misses = 0;
  /** Two guesses at once must not both see the last try. */
  readonly #guesses = new Turns();

  constructor(platform: Platform, settings: Settings) {
    this.#platform = platform;
    this.#settings = settings;
  }

  get isSet(): boolean {
    return this.#platform.store.get(PIN) !== undefined;
  }

  /** How many tries are left before the PIN is blocked for good. */
  get retries(): number {
    return this.#platform.store.get(PIN_RETRIES)?.[0] ?? MAX_PIN_RETRIES; // an absent record is a full counter
  }

  /** Whether only a power cycle lets the PIN be tried again. */
  get isBlockedUntilPowerCycle(): boolean {
    return this.#misses >= MAX_CONSECUTIVE_MISSES;
  }

  /** Of the PIN that is set, in code points; 0 when none is. */
  get codePoints(): number {
    const record = this.#platform.store.get(PIN);
    return record === undefined ? 0 : Verifier.parse(record).codePoints;
  }

  /** Whether the PIN that is set is known not to be easy to guess; true when none is set. */
  get isComplex(): boolean {
    const record = this.#platform.store.get(PIN);
    return record === undefined || Verifier.parse(record).complex === 1;
  }

  get uvRetries(): number {
    return this.#uvAttempts.retries;
  }

  /** getInfo's uvCountSinceLastPinEntry. */
  get uvCountSinceLastPinEntry(): number {
    return this.#uvAttempts.sincePinEntry;
  }

  /**
   * Compares a guess, LEFT(SHA-256(PIN), 16), in constant time. The try is durably spent before the comparison, so that
   * cutting the power in between buys nothing. `onMiss` runs before the error of a miss is thrown: PIN_BLOCKED,
   * PIN_AUTH_BLOCKED or PIN_INVALID. A guess of undefined (what could not be decrypted) is a miss.
   */
  verify(guess: Uint8Array | undefined, onMiss: () => void): Promise<void> {
    return this.#guesses.take(() => this.#verify(guess, onMiss));
  }

  async #verify(guess: Uint8Array | undefined, onMiss: () => void): Promise<void> {
    this.requireTriesLeft();
    const record = this.#platform.store.get(PIN);
    if (record === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_NOT_SET);
    const { hash } = Verifier.parse(record);
    const left = this.retries - 1;
    await this.#platform.store.commit({ [PIN_RETRIES]: Uint8Array.of(left) });
    if (guess === undefined || !isEqualConstantTime(guess, hash)) {
      this.#misses += 1;
      onMiss();
      if (left === 0) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_BLOCKED);
      if (this.isBlockedUntilPowerCycle) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_BLOCKED);
      throw new CtapError(CtapStatus.CTAP2_ERR_PIN_INVALID);
    }
    this.#misses = 0;
    await this.#platform.store.commit({ [PIN_RETRIES]: null, [UV_ATTEMPTS]: null });
  }

  /** Throws PIN_BLOCKED or PIN_AUTH_BLOCKED when no guess would be looked at. */
  requireTriesLeft(): void {
    if (this.retries === 0) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_BLOCKED);
    if (this.isBlockedUntilPowerCycle) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_BLOCKED);
  }

  /** Whether `pin` is the one that is set. It costs no try: only for a caller who has just proved to know it. */
  isCurrent(pin: Uint8Array): boolean {
    const record = this.#platform.store.get(PIN);
    const hash = hashPin(pin);
    const current = record !== undefined && isEqualConstantTime(hash, Verifier.parse(record).hash);
    wipe(hash);
    return current;
  }

  /** Sets or replaces the PIN, fills both counters up, and lifts forcePINChange, all in one commit with `alsoCommit`. */
  async set(pin: NewPin, alsoCommit: Readonly<Record<string, null>> = {}): Promise<void> {
    const { codePoints } = pin;
    const hash = hashPin(pin.bytes);
    const record = Verifier.encode({ version: RECORD_VERSION, codePoints, complex: pin.isComplex ? 1 : 0, hash });
    wipe(hash);
    const changes = { ...alsoCommit, [PIN]: record, [PIN_RETRIES]: null, [UV_ATTEMPTS]: null };
    if (this.#settings.forcePinChange) await this.#settings.change({ forcePinChange: false }, changes);
    else await this.#platform.store.commit(changes);
    this.#misses = 0;
  }

  /** Durably takes one try of the built-in user verification away, before the person is asked. */
  async spendUvRetry(): Promise<void> {
    const { retries, sincePinEntry } = this.#uvAttempts;
    await this.#putUvAttempts({ retries: Math.max(0, retries - 1), sincePinEntry: sincePinEntry + 1 });
  }

  /** Gives back the try that was spent on a prompt which nobody answered. */
  async restoreUvRetry(): Promise<void> {
    const { retries, sincePinEntry } = this.#uvAttempts;
    await this.#putUvAttempts({ retries: Math.min(MAX_UV_RETRIES, retries + 1), sincePinEntry });
  }

  /** Gives all tries back, after a success. */
  async refillUvRetries(): Promise<void> {
    await this.#putUvAttempts({ ...this.#uvAttempts, retries: MAX_UV_RETRIES });
  }

  /** The power went, or everything was reset. */
  forgetMisses(): void {
    this.#misses = 0;
  }

  get #uvAttempts(): { readonly retries: number; readonly sincePinEntry: number } {
    const record = this.#platform.store.get(UV_ATTEMPTS);
    return record === undefined ? { retries: MAX_UV_RETRIES, sincePinEntry: 0 } : UvAttempts.parse(record);
  }

  async #putUvAttempts(attempts: { readonly retries: number; readonly sincePinEntry: number }): Promise<void> {
    await this.#platform.store.commit({ [UV_ATTEMPTS]: UvAttempts.encode(attempts) });
  }
}
