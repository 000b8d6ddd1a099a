// The PIN and the PUK: how they are kept, compared and counted. SP 800-73-4 pt 2 §2.4.3, §3.2.1; SET PIN RETRIES is
// Yubico's. Persistent: a verifier (never the PIN), the tries left, and how many there are at most. A record that is
// absent says: as delivered.
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { bytes, struct, u8 } from "../../src/bytes/struct.ts";
import { wipe } from "../../src/bytes/wipe.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { StatusError, StatusWord, triesLeftError } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";

/** On the wire: padded with FF to this length. */
export const REFERENCE_LENGTH = 8;
const MIN_LENGTH = 6;
const PADDING = 0xff;

const DEFAULT_TRIES = 3;

const Verifier = struct({ version: u8, hash: bytes(32) });
const RECORD_VERSION = 1;

type Changes = Record<string, Uint8Array | null>;

export class ReferenceData {
  readonly #platform: Platform;
  readonly #record: string;
  readonly #triesRecord: string;
  readonly #maxTriesRecord: string;
  readonly #default: string;

  /** `name`: "pin" or "puk". `delivered`: its value on a card that nobody has set up. */
  constructor(platform: Platform, name: "pin" | "puk", delivered: string) {
    this.#platform = platform;
    this.#record = `piv/${name}`;
    this.#triesRecord = `piv/${name}-tries`;
    this.#maxTriesRecord = `piv/${name}-max-tries`;
    this.#default = delivered;
  }

  get maxTries(): number {
    return this.#platform.store.get(this.#maxTriesRecord)?.[0] ?? DEFAULT_TRIES;
  }

  get triesLeft(): number {
    return this.#platform.store.get(this.#triesRecord)?.[0] ?? this.maxTries;
  }

  get isBlocked(): boolean {
    return this.triesLeft === 0;
  }

  /** Whether it still is what it was when the card was new. */
  get isDefault(): boolean {
    return isEqualConstantTime(this.#hash, hashReference(this.#delivered));
  }

  /**
   * Compares 8 padded bytes in constant time; throws 63Cx or 6983. The try is durably spent before the comparison, so
   * that cutting the power in between buys nothing. The right ones give back all tries, or with "this try" only theirs.
   */
  async verify(padded: Uint8Array, givesBack: "all tries" | "this try" = "all tries"): Promise<void> {
    if (this.isBlocked) throw new StatusError(StatusWord.AUTHENTICATION_METHOD_BLOCKED);
    const before = this.#platform.store.get(this.#triesRecord) ?? null;
    await this.#platform.store.commit({ [this.#triesRecord]: Uint8Array.of(this.triesLeft - 1) });
    const guess = hashReference(padded);
    const isRight = isEqualConstantTime(guess, this.#hash);
    wipe(guess);
    if (!isRight) throw this.statusOfTries();
    await this.#platform.store.commit({ [this.#triesRecord]: givesBack === "all tries" ? null : before });
  }

  /** 63Cx, or 6983 when there are none left. */
  statusOfTries(): StatusError {
    if (this.isBlocked) return new StatusError(StatusWord.AUTHENTICATION_METHOD_BLOCKED);
    return triesLeftError(this.triesLeft);
  }

  /** What to commit to set it, with all its tries. `padded`: as isWellFormed lets it. */
  changesToSet(padded: Uint8Array): Changes {
    const hash = hashReference(padded);
    const record = Verifier.encode({ version: RECORD_VERSION, hash });
    wipe(hash);
    return { [this.#record]: record, [this.#triesRecord]: null };
  }

  /** What to commit to make it as delivered, but for the number of tries: from 1 to 255. */
  changesToDefault(maxTries: number): Changes {
    const limit = maxTries === DEFAULT_TRIES ? null : Uint8Array.of(maxTries);
    return { [this.#record]: null, [this.#triesRecord]: null, [this.#maxTriesRecord]: limit };
  }

  get #delivered(): Uint8Array {
    return pad(new TextEncoder().encode(this.#default));
  }

  get #hash(): Uint8Array {
    const record = this.#platform.store.get(this.#record);
    return record === undefined ? hashReference(this.#delivered) : Verifier.parse(record).hash;
  }
}

/** 6 to 8 bytes and then padding. Like a YubiKey, any bytes: the digits that §2.4.3 asks for are the client's business. */
export function isWellFormed(padded: Uint8Array): boolean {
  return padded.length === REFERENCE_LENGTH && withoutPadding(padded).length >= MIN_LENGTH;
}

export function withoutPadding(padded: Uint8Array): Uint8Array {
  return padded.subarray(0, padded.findLastIndex((byte) => byte !== PADDING) + 1);
}

function pad(reference: Uint8Array): Uint8Array {
  const padded = new Uint8Array(REFERENCE_LENGTH).fill(PADDING);
  padded.set(reference);
  return padded;
}

function hashReference(padded: Uint8Array): Uint8Array {
  return sha256(padded);
}
