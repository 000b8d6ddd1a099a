// The accounts in the store and the index over them: found by name in the same time with ten as with a thousand.
// Whatever moves on with use has a record of its own, so that a code costs a few bytes:
//
//   oath/account/<sequence>   persistent: see account.ts
//   oath/moving/<sequence>    persistent: HOTP: the counter of the next code, 8 bytes; a TOTP account that is only
//                             increasing: the highest challenge that it has answered
//   oath/salt                 persistent: the device id that clients salt access codes with; a reset changes it
//   oath/access-code          persistent: see access-code.ts
import { concat } from "../../src/bytes/concat.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import { Turns } from "../../src/turns.ts";
import {
  type Account,
  type AccountFields,
  createAccount,
  encodeAccountRecord,
  isOnlyIncreasing,
  parseAccountRecord,
} from "./account.ts";
import { MAX_ACCOUNTS, noSuchObject, OathType } from "./parameters.ts";

const PREFIX = "oath/";
const ACCOUNT_PREFIX = "oath/account/";
const MOVING_PREFIX = "oath/moving/";
const SALT = "oath/salt";
const SALT_LENGTH = 8;

interface Index {
  readonly byName: Map<string, Account>;
  /** By their sequence; undefined when it has to be made anew. */
  ordered: readonly Account[] | undefined;
  /** Every lower sequence has a record. */
  firstFree: number;
}

export class Accounts {
  readonly #platform: Platform;
  #index: Index | undefined;
  readonly #changes = new Turns();

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  get size(): number {
    return this.#load().byName.size;
  }

  /** Oldest first, but for those that have the place of a deleted one, as in a YubiKey's flash. */
  list(): readonly Account[] {
    return inOrder(this.#load());
  }

  find(name: Uint8Array): Account | undefined {
    return this.#load().byName.get(textOf(name));
  }

  /** Throws StatusError 6984. */
  require(name: Uint8Array): Account {
    const account = this.find(name);
    if (account === undefined) throw noSuchObject();
    return account;
  }

  /** Makes an account, or replaces the one of that name in its place. `counter`: HOTP's first. Throws StatusError 6A84. */
  put(fields: AccountFields, counter: number): Promise<void> {
    return this.#change(async (index) => {
      const replaced = index.byName.get(textOf(fields.name));
      if (replaced === undefined && index.byName.size >= MAX_ACCOUNTS) {
        throw new StatusError(StatusWord.NOT_ENOUGH_MEMORY);
      }
      const account = createAccount(fields, replaced?.sequence ?? this.#findFreeSequence(index));
      const moving = fields.type === OathType.TOTP ? null : encodeCounter(counter);
      const isMoving = moving !== null || this.#platform.store.get(keyOfMoving(account)) !== undefined;
      await this.#platform.store.commit({
        [keyOf(account)]: encodeAccountRecord(account),
        ...(isMoving ? { [keyOfMoving(account)]: moving } : {}),
      });
      index.byName.set(textOf(account.name), account);
      index.ordered = undefined;
    });
  }

  /** Throws StatusError 6984. */
  delete(name: Uint8Array): Promise<void> {
    return this.#change(async (index) => {
      const account = this.require(name);
      const moving = keyOfMoving(account);
      const isMoving = this.#platform.store.get(moving) !== undefined;
      await this.#platform.store.commit({ [keyOf(account)]: null, ...(isMoving ? { [moving]: null } : {}) });
      index.byName.delete(textOf(name));
      index.ordered = undefined;
      index.firstFree = Math.min(index.firstFree, account.sequence);
    });
  }

  /** Throws StatusError 6984: there is no such account, or one of the new name already, be it the same. */
  rename(name: Uint8Array, newName: Uint8Array): Promise<void> {
    return this.#change(async (index) => {
      if (this.find(newName) !== undefined) throw noSuchObject();
      const renamed = this.require(name);
      const account = createAccount({ ...renamed, name: newName }, renamed.sequence);
      await this.#platform.store.commit({ [keyOf(account)]: encodeAccountRecord(account) });
      index.byName.delete(textOf(name));
      index.byName.set(textOf(newName), account);
      index.ordered = undefined;
    });
  }

  /**
   * Moves a HOTP account's counter on to what `next` makes of it, and resolves with what it was; the new one is on the
   * disk by then, so that no counter is used twice. Not by `store.next`, which may skip: a server looks only a few
   * codes ahead. Resolves with undefined, and moves nothing, when `next` says so.
   */
  moveCounter(account: Account, next: (counter: number) => number | undefined): Promise<number | undefined> {
    return this.#change(async () => {
      this.#requireStored(account);
      const key = keyOfMoving(account);
      const counter = parseCounter(this.#platform.store.get(key));
      const moved = next(counter);
      if (moved === undefined) return undefined;
      await this.#platform.store.commit({ [key]: encodeCounter(moved) });
      return counter;
    });
  }

  /**
   * For those of the accounts that are only increasing: notes that they answered this challenge. All in one commit.
   * False, and nothing is noted, when one of them has answered it or a higher one before. Challenges compare as if zeros
   * followed them.
   */
  raiseMarks(accounts: readonly Account[], challenge: Uint8Array): Promise<boolean> | boolean {
    const marked = accounts.filter((account) => account.type === OathType.TOTP && isOnlyIncreasing(account));
    if (marked.length === 0) return true;
    return this.#change(async () => {
      for (const account of marked) {
        this.#requireStored(account);
        const mark = this.#platform.store.get(keyOfMoving(account)) ?? new Uint8Array(0);
        if (!isHigher(challenge, mark)) return false;
      }
      const mark = Uint8Array.from(challenge);
      await this.#platform.store.commit(Object.fromEntries(marked.map((account) => [keyOfMoving(account), mark])));
      return true;
    });
  }

  /** 8 bytes, drawn at the first use and again at each reset. */
  async obtainSalt(): Promise<Uint8Array> {
    const { store } = this.#platform;
    const known = store.get(SALT);
    if (known !== undefined) return known;
    return this.#change(async () => {
      const drawn = store.get(SALT) ?? this.#platform.randomBytes(SALT_LENGTH);
      await store.commit({ [SALT]: drawn });
      return drawn;
    });
  }

  /** Forgets every account and the access code, all at once. */
  reset(): Promise<void> {
    return this.#change(async (index) => {
      const { store } = this.#platform;
      const keys = [...store.keys(PREFIX)];
      await store.commit({
        ...Object.fromEntries(keys.map((key) => [key, null])),
        [SALT]: this.#platform.randomBytes(SALT_LENGTH),
      });
      index.byName.clear();
      index.ordered = undefined;
      index.firstFree = 0;
    });
  }

  #change<T>(run: (index: Index) => Promise<T>): Promise<T> {
    return this.#changes.take(() => run(this.#load()));
  }

  /** The lowest that has no record, be it one that cannot be read. Goes through those that have one only once. */
  #findFreeSequence(index: Index): number {
    while (this.#platform.store.get(keyOf({ sequence: index.firstFree })) !== undefined) index.firstFree++;
    return index.firstFree;
  }

  /** Another request may have come between. */
  #requireStored(account: Account): void {
    if (this.find(account.name) !== account) throw noSuchObject();
  }

  #load(): Index {
    if (this.#index !== undefined) return this.#index;
    const loaded: Account[] = [];
    for (const key of this.#platform.store.keys(ACCOUNT_PREFIX)) {
      const record = this.#platform.store.get(key);
      if (record === undefined) continue;
      try {
        const sequence = Number.parseInt(key.slice(ACCOUNT_PREFIX.length), 16);
        loaded.push(createAccount(parseAccountRecord(record), sequence));
      } catch (error) {
        this.#platform.log.error(`${key} cannot be read and is left alone`, error);
      }
    }
    const byName = new Map(loaded.map((account) => [textOf(account.name), account]));
    this.#index = { byName, ordered: undefined, firstFree: 0 };
    return this.#index;
  }
}

function inOrder(index: Index): readonly Account[] {
  index.ordered ??= [...index.byName.values()].sort((a, b) => a.sequence - b.sequence);
  return index.ordered;
}

/** One character for each byte: names are bytes, not always text. */
function textOf(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length).toString("latin1");
}

function keyOf({ sequence }: Pick<Account, "sequence">): string {
  return ACCOUNT_PREFIX + sequence.toString(16).padStart(8, "0");
}

function keyOfMoving({ sequence }: Account): string {
  return MOVING_PREFIX + sequence.toString(16).padStart(8, "0");
}

/** A counter as HOTP hashes it: 8 bytes. RFC 4226 §5.1 */
export function encodeCounter(counter: number): Uint8Array {
  return concat(encodeU32be(Math.floor(counter / 0x1_0000_0000)), encodeU32be(counter % 0x1_0000_0000));
}

function parseCounter(record: Uint8Array | undefined): number {
  if (record === undefined) throw new Error("a HOTP account without a counter");
  const reader = new Reader(record);
  return reader.u32be() * 0x1_0000_0000 + reader.u32be();
}

function isHigher(challenge: Uint8Array, mark: Uint8Array): boolean {
  const length = Math.max(challenge.length, mark.length);
  for (let at = 0; at < length; at++) {
    const difference = (challenge[at] ?? 0) - (mark[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
