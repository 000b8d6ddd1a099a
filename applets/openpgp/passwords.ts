// PW1, the resetting code and PW3. OpenPGP 3.4.1 §4.3
// Persistent: of each a salted hash and its length (never the password), how many tries are left, and how many there are
// at most. A card that was never told otherwise has 123456 and 12345678, and no resetting code.
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { bytes, struct, u8 } from "../../src/bytes/struct.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import { MAX_PASSWORD_LENGTH } from "./card.ts";
import type { Changes, Persistent } from "./persistent.ts";

const PASSWORDS = ["PW1", "RC", "PW3"] as const;
export type PasswordName = (typeof PASSWORDS)[number];

const rules: Readonly<Record<PasswordName, { readonly minLength: number; readonly factory?: string }>> = {
  PW1: { minLength: 6, factory: "123456" },
  RC: { minLength: 8 },
  PW3: { minLength: 8, factory: "12345678" },
};

const DEFAULT_TRY_LIMIT = 3;
const SALT_LENGTH = 16;
/** SHA-256 of the salt and the password. The store is what keeps it secret: SECURITY.md. */
const Verifier = struct({ version: u8, length: u8, salt: bytes(SALT_LENGTH), hash: bytes(32) });
const RECORD_VERSION = 1;

function verifierKey(name: PasswordName): string {
  return `openpgp/password/${name}`;
}
/** One byte; a record of its own, because it is written before every comparison. Absent while all tries are left. */
function triesKey(name: PasswordName): string {
  return `openpgp/tries/${name}`;
}
/** One byte for each of PASSWORDS. */
const TRY_LIMITS = "openpgp/try-limits";

/** What is kept of a password. */
export interface PasswordVerifier {
  readonly length: number;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

export class Passwords {
  readonly #persistent: Persistent;
  readonly #platform: Platform;

  constructor(platform: Platform, persistent: Persistent) {
    this.#platform = platform;
    this.#persistent = persistent;
  }

  /** Undefined when there is no password. */
  verifier(name: PasswordName): PasswordVerifier | undefined {
    const record = this.#persistent.get(verifierKey(name));
    return record === undefined ? factoryVerifiers[name] : Verifier.parse(record);
  }

  /** How many tries are left; none for a password that there is not. */
  tries(name: PasswordName): number {
    if (rules[name].factory === undefined && this.#persistent.get(verifierKey(name)) === undefined) return 0;
    return this.#persistent.get(triesKey(name))?.[0] ?? this.#tryLimit(name);
  }

  /**
   * Compares a guess in constant time. The try is durably spent before the comparison, so that cutting the power in
   * between buys nothing. Throws StatusError 6982, or 6983 when that was the last try, or there was none left.
   */
  async verify(name: PasswordName, guess: Uint8Array): Promise<void> {
    await this.#try(name, (verifier) => (isPassword(verifier, guess) ? verifier : undefined));
  }

  /**
   * How many bytes at the start of `data` are the password; the card knows where it ends. `superseded` is one that is taken
   * as well. Throws as `verify` does.
   */
  async verifyStart(name: PasswordName, data: Uint8Array, superseded?: PasswordVerifier): Promise<number> {
    const found = await this.#try(name, (verifier) =>
      [verifier, superseded].find((known) => known && isPassword(known, data.subarray(0, known.length))),
    );
    return found.length;
  }

  async #try(
    name: PasswordName,
    match: (verifier: PasswordVerifier) => PasswordVerifier | undefined,
  ): Promise<PasswordVerifier> {
    const verifier = this.verifier(name);
    if (verifier === undefined) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
    const left = this.tries(name) - 1;
    if (left < 0) throw new StatusError(StatusWord.AUTHENTICATION_METHOD_BLOCKED);
    await this.#persistent.commit({ [triesKey(name)]: Uint8Array.of(left) });
    const found = match(verifier);
    if (found === undefined) {
      throw new StatusError(
        left === 0 ? StatusWord.AUTHENTICATION_METHOD_BLOCKED : StatusWord.SECURITY_STATUS_NOT_SATISFIED,
      );
    }
    await this.#persistent.commit({ [triesKey(name)]: null });
    return found;
  }

  /** Whether a new password is neither too short nor too long. While a KDF is used, that it is a hash is the host's concern. */
  isRightLength(name: PasswordName, length: number): boolean {
    return length >= rules[name].minLength && length <= MAX_PASSWORD_LENGTH;
  }

  /** Sets a password, with all its tries. */
  replacement(name: PasswordName, password: Uint8Array): Changes {
    const salt = this.#platform.randomBytes(SALT_LENGTH);
    const hash = sha256(salt, password);
    const record = Verifier.encode({ version: RECORD_VERSION, length: password.length, salt, hash });
    return { [verifierKey(name)]: record, [triesKey(name)]: null };
  }

  /** Back to the factory's password, or to none, with all its tries. */
  reset(name: PasswordName): Changes {
    return { [verifierKey(name)]: null, [triesKey(name)]: null };
  }

  /** Sets how many tries each password has, and gives them all. Yubico's SET PIN RETRIES. */
  tryLimits(limits: Readonly<Record<PasswordName, number>>): Changes {
    const all = PASSWORDS.map((name) => [triesKey(name), null] as const);
    return { ...Object.fromEntries(all), [TRY_LIMITS]: Uint8Array.from(PASSWORDS, (name) => limits[name]) };
  }

  #tryLimit(name: PasswordName): number {
    return this.#persistent.get(TRY_LIMITS)?.[PASSWORDS.indexOf(name)] ?? DEFAULT_TRY_LIMIT;
  }
}

function isPassword({ salt, hash }: PasswordVerifier, guess: Uint8Array): boolean {
  return isEqualConstantTime(sha256(salt, guess), hash);
}

/** What the factory's passwords would be kept as. Everybody knows them: a salt would hide nothing. */
const factoryVerifiers = Object.fromEntries(
  PASSWORDS.flatMap((name) => {
    const { factory } = rules[name];
    if (factory === undefined) return [];
    const salt = new Uint8Array(SALT_LENGTH);
    const hash = sha256(salt, Buffer.from(factory, "ascii"));
    return [[name, { length: factory.length, salt, hash }]];
  }),
) as Partial<Record<PasswordName, PasswordVerifier>>;
