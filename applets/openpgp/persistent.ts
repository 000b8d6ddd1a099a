// What the card keeps on the disk, by the names of the records, and how it is erased. Records of an applet's part in
// another record's change go into one commit; so every function that prepares a change returns it.
import type { Platform } from "../../src/platform.ts";

export type Changes = Readonly<Record<string, Uint8Array | null>>;

const PREFIX = "openpgp/";
/** Persistent: present while the application is terminated. §7.2.16 */
const TERMINATED = "openpgp/terminated";

const CARDHOLDER_NAME = 0x5b;

/** Persistent: what was last PUT into a data object. */
export function dataObjectKey(tag: number): string {
  const known = dataObjectKeys.get(tag);
  if (known !== undefined) return known;
  const key = `openpgp/do/${tag.toString(16).padStart(4, "0")}`;
  dataObjectKeys.set(tag, key);
  return key;
}
/** Only tags of data objects that there are come here: a few dozen. */
const dataObjectKeys = new Map<number, string>();

export class Persistent {
  readonly #store: Platform["store"];

  constructor(store: Platform["store"]) {
    this.#store = store;
  }

  get(key: string): Uint8Array | undefined {
    return this.#store.get(key);
  }

  dataObject(tag: number): Uint8Array | undefined {
    return this.#store.get(dataObjectKey(tag));
  }

  /** Data object 5B as text, "" when there is none. Never throws: what is no UTF-8 comes as replacement characters. */
  get cardholderName(): string {
    return Buffer.from(this.dataObject(CARDHOLDER_NAME) ?? []).toString("utf8");
  }

  commit(changes: Changes): Promise<void> {
    return this.#store.commit(changes);
  }

  get isTerminated(): boolean {
    return this.#store.get(TERMINATED) !== undefined;
  }

  /** Deletes every record of the card and, at once with it, marks it as terminated. */
  async terminate(): Promise<void> {
    await this.commit({ ...this.#erasure(), [TERMINATED]: Uint8Array.of(1) });
  }

  /** Back to what the card was when it was new. */
  async activate(): Promise<void> {
    await this.commit({ ...this.#erasure(), [TERMINATED]: null });
  }

  #erasure(): Changes {
    return Object.fromEntries([...this.#store.keys(PREFIX)].map((key) => [key, null]));
  }
}
