// What an IN endpoint has to say, first in, first out, and the transfers that wait for it. Packets and waiting
// transfers never exist side by side, except while pacing holds a packet back.

/** Rejects a transfer that its signal aborted. */
export class TransferAborted extends Error {
  override name = "TransferAborted";
}

/**
 * How fast a queue gives its packets away: `burst` at once, and one more each `intervalMs` from the first on.
 * Over USB/IP nothing paces an interrupt endpoint as a bus does, and a host driver's buffer is finite.
 */
export interface Pacing {
  readonly burst: number;
  readonly intervalMs: number;
}

interface Waiting {
  readonly length: number;
  readonly resolve: (packet: Uint8Array) => void;
  readonly reject: (reason: Error) => void;
}

export class PacketQueue {
  readonly #packets: Uint8Array[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #pacing: Pacing | undefined;
  /** Packets that may leave at once, and when that number was last brought up to date: a token bucket. */
  #allowance: number;
  #countedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(pacing?: Pacing) {
    this.#pacing = pacing;
    this.#allowance = pacing?.burst ?? Number.POSITIVE_INFINITY;
  }

  get length(): number {
    return this.#packets.length;
  }

  push(packet: Uint8Array): void {
    this.#packets.push(packet);
    this.#deliver();
  }

  /**
   * The next packet, at most `length` bytes of it: what does not fit stays for the next transfer. Pending until there
   * is one; rejects with TransferAborted when `signal` aborts first.
   */
  pull(length: number, signal: AbortSignal): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new TransferAborted());
        return;
      }
      const abort = () => {
        const at = this.#waiting.indexOf(waiting);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(new TransferAborted());
      };
      const waiting: Waiting = {
        length,
        resolve: (packet) => {
          signal.removeEventListener("abort", abort);
          resolve(packet);
        },
        reject,
      };
      this.#waiting.push(waiting);
      this.#deliver();
      if (this.#waiting.includes(waiting)) signal.addEventListener("abort", abort, { once: true });
    });
  }

  /** Drops what has not left yet. Waiting transfers stay: they belong to the host. */
  clear(): void {
    this.#packets.length = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #deliver(): void {
    while (this.#packets.length > 0 && this.#waiting.length > 0) {
      if (!this.#spend()) return;
      const packet = this.#packets.shift() as Uint8Array;
      const { length, resolve } = this.#waiting.shift() as Waiting;
      if (packet.length > length) this.#packets.unshift(packet.subarray(length));
      resolve(packet.subarray(0, length));
    }
  }

  /** Takes one packet off the allowance, or comes back when there is one. */
  #spend(): boolean {
    const pacing = this.#pacing;
    if (pacing === undefined) return true;
    const now = performance.now();
    const earned = Math.floor((now - this.#countedAt) / pacing.intervalMs);
    if (earned > 0) {
      this.#allowance = Math.min(pacing.burst, this.#allowance + earned);
      this.#countedAt = this.#allowance === pacing.burst ? now : this.#countedAt + earned * pacing.intervalMs;
    }
    if (this.#allowance > 0) {
      this.#allowance--;
      return true;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#deliver();
    }, pacing.intervalMs);
    return false;
  }
}
