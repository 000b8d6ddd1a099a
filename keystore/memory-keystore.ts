// A keystore that lives in memory only: `--ephemeral`, and tests.
import type { KeyStore } from "./index.ts";

export class MemoryKeyStore implements KeyStore {
  readonly #records = new Map<string, Uint8Array>();
  readonly #counters = new Map<string, number>();

  get(key: string): Uint8Array | undefined {
    return this.#records.get(key);
  }

  *keys(prefix: string): Iterable<string> {
    for (const key of this.#records.keys()) if (key.startsWith(prefix)) yield key;
  }

  async commit(changes: Readonly<Record<string, Uint8Array | null>>): Promise<void> {
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) this.#records.delete(key);
      else this.#records.set(key, Uint8Array.from(value));
    }
  }

  async next(counter: string): Promise<number> {
    const value = (this.#counters.get(counter) ?? 0) + 1;
    this.#counters.set(counter, value);
    return value;
  }

  async close(): Promise<void> {
    for (const record of this.#records.values()) record.fill(0);
    this.#records.clear();
  }
}
