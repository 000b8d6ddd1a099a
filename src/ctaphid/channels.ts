// The channels that tell the clients of one interface apart: which ids are allocated, and which of them holds the
// lock. CTAP 2.3 §11.2.3 (arbitration), §11.2.9.1.3 (CTAPHID_INIT), §11.2.9.2.2 (CTAPHID_LOCK)
import { Reader } from "../bytes/reader.ts";
import { BROADCAST_CHANNEL } from "./packet.ts";

/**
 * How many channels are remembered. Every client that opens the device allocates one, and none is ever given back:
 * the one that has not been used for the longest time is forgotten.
 */
export const MAX_CHANNELS = 1024;

/** 0 is reserved, and the broadcast channel is nobody's. CTAP 2.3 §11.2.3 */
export function isReservedChannel(channel: number): boolean {
  return channel === 0 || channel === BROADCAST_CHANNEL;
}

export class Channels {
  readonly #randomBytes: (length: number) => Uint8Array;
  /** Least recently used first: a Set keeps the order of insertion. */
  readonly #allocated = new Set<number>();
  #lock: { readonly channel: number; readonly until: number } | undefined;

  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  /**
   * A channel that nobody has. Random, so that a client can neither guess another's nor keep one across a new
   * attach; drawn again until it is free, which is the first draw in all but one of 2^24 cases.
   */
  allocate(): number {
    for (;;) {
      const channel = new Reader(this.#randomBytes(4)).u32be();
      if (isReservedChannel(channel) || this.#allocated.has(channel)) continue;
      this.adopt(channel);
      return channel;
    }
  }

  /** Allocates a channel that its client has chosen, or uses it if it is allocated. Not for reserved ones. */
  adopt(channel: number): void {
    if (this.use(channel)) return;
    for (const oldest of this.#allocated) {
      if (this.#allocated.size < MAX_CHANNELS) break;
      this.#allocated.delete(oldest);
    }
    this.#allocated.add(channel);
  }

  /** True when `channel` is allocated; it counts as used now. */
  use(channel: number): boolean {
    if (!this.#allocated.delete(channel)) return false;
    this.#allocated.add(channel);
    return true;
  }

  /** Keeps the others out for so many seconds from now; 0 lets them in again. */
  lock(channel: number, seconds: number): void {
    this.#lock = seconds === 0 ? undefined : { channel, until: performance.now() + seconds * 1000 };
  }

  isLockedOut(channel: number): boolean {
    return this.#lock !== undefined && this.#lock.channel !== channel && performance.now() < this.#lock.until;
  }

  /** A new attach: everyone starts over. */
  clear(): void {
    this.#allocated.clear();
    this.#lock = undefined;
  }
}
