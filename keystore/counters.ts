// Counters that never give a value twice and never go back, without a sync for each value: a durable high-water mark
// runs ahead of them, so that a crash skips the rest of a block instead of repeating a part of it.
import { encodeU32be } from "../src/bytes/integer.ts";
import { Reader } from "../src/bytes/reader.ts";
import type { Store } from "./index.ts";

/** Values reserved by one commit, and how many are left when the next block is reserved in the background. */
const BLOCK = 1_000;
const LOW = 250;

interface Counter {
  value: number;
  /** The highest value that may be given out: what the disk says has been used. */
  mark: number;
  extension: Promise<void> | undefined;
}

export class DurableCounters {
  readonly #store: Pick<Store, "get" | "commit">;
  readonly #counters = new Map<string, Counter>();

  constructor(store: Pick<Store, "get" | "commit">) {
    this.#store = store;
  }

  /** The next value. Rejects with KeyStoreError only when no reserved value is left and none can be reserved. */
  async next(name: string): Promise<number> {
    const counter = this.#load(name);
    while (counter.value >= counter.mark) await this.#extend(name, counter);
    counter.value++;
    // A failure is not this value's: the next attempt follows with the next value.
    if (counter.mark - counter.value < LOW) this.#extend(name, counter).catch(() => {});
    return counter.value;
  }

  /** Gives back what is reserved and unused, so that a clean end skips nothing. No value may be asked for after it. */
  async settle(): Promise<void> {
    const changes: Record<string, Uint8Array> = {};
    for (const [name, counter] of this.#counters) {
      await counter.extension?.catch(() => {});
      changes[recordKey(name)] = encodeU32be(counter.value);
    }
    await this.#store.commit(changes);
  }

  #load(name: string): Counter {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      const record = this.#store.get(recordKey(name));
      const mark = record === undefined ? 0 : new Reader(record).u32be();
      counter = { value: mark, mark, extension: undefined };
      this.#counters.set(name, counter);
    }
    return counter;
  }

  #extend(name: string, counter: Counter): Promise<void> {
    const mark = counter.mark + BLOCK;
    counter.extension ??= this.#store
      .commit({ [recordKey(name)]: encodeU32be(mark) })
      .then(() => {
        counter.mark = mark;
      })
      .finally(() => {
        counter.extension = undefined;
      });
    return counter.extension;
  }
}

function recordKey(name: string): string {
  return `counter/${name}`;
}
