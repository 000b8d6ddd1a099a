// What an IN endpoint has to say, first in, first out, and the transfers that wait for it. Packets and waiting
// transfers never exist side by side, except while pacing holds a packet back.

/** Rejects a transfer that its signal aborted. */
export class TransferAborted extends Error {
  override name = "TransferAborted";
}

/**
 * How fast a queue gives its packets away: `burst` at once, and then one each `intervalMs` at most, until `refill` says
 * that the host has read them. Over USB/IP nothing paces an interrupt endpoint as a bus does, and a host driver's buffer
 * is finite. Time that goes by unused is not saved up: a host that slept and then asks for many packets at once is the
 * one whose buffer is still full.
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

/** A host that leaves this many bytes unread loses what comes after them: memory stays bounded. */
export const QUEUE_LIMIT = 1 << 20;

const SETTLED = Promise.resolve();

export class PacketQueue {
  readonly #packets: Uint8Array[] = [];
  #queuedBytes = 0;
  readonly #waiting: Waiting[] = [];
  readonly #pacing: Pacing | undefined;
  /** Packets that may leave at once. */
  #allowance: number;
  /** A waiting transfer has been given its packet in this turn, and whoever waits for it has not heard of it yet. */
  #isOnTheWay = false;
  /** When the latest packet left, on performance's clock. */
  #leftAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(pacing?: Pacing) {
    this.#pacing = pacing;
    this.#allowance = pacing?.burst ?? Number.POSITIVE_INFINITY;
  }

  get length(): number {
    return this.#packets.length;
  }

  /** Takes the packet over: it is sent as it is then. False when the queue is full and the packet was dropped. */
  push(packet: Uint8Array): boolean {
    if (this.#queuedBytes + packet.length > QUEUE_LIMIT) return false;
    this.#packets.push(packet);
    this.#queuedBytes += packet.length;
    this.#deliver();
    return true;
  }

  /**
   * As `pull`, of a packet that may leave at once, if there is one: without a promise, and without a listener. Not while
   * the packets before it are still in promises, which it would overtake.
   */
  pullNow(length: number): Uint8Array | undefined {
    const isNext = this.#packets.length > 0 && this.#waiting.length === 0 && !this.#isOnTheWay;
    return isNext && this.#spend() ? this.#take(length) : undefined;
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
        reject: (reason) => {
          signal.removeEventListener("abort", abort);
          reject(reason);
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.push(waiting);
      this.#deliver();
    });
  }

  /** Rejects every transfer that waits: the endpoint was halted. What is queued stays for when it runs again. */
  fail(reason: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  /** The host has read what left so far: the next burst goes at once again. */
  refill(): void {
    this.#allowance = this.#pacing?.burst ?? Number.POSITIVE_INFINITY;
  }

  /** Takes back the packets that `matches` and that have not left yet. */
  withdraw(matches: (packet: Uint8Array) => boolean): void {
    const staying = this.#packets.splice(0).filter((packet) => !matches(packet));
    this.#packets.push(...staying);
    this.#queuedBytes = staying.reduce((sum, packet) => sum + packet.length, 0);
  }

  /** Drops what has not left yet. Waiting transfers stay: they belong to the host. */
  clear(): void {
    this.#packets.length = 0;
    this.#queuedBytes = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #deliver(): void {
    while (this.#packets.length > 0 && this.#waiting.length > 0) {
      if (!this.#spend()) return;
      const { length, resolve } = this.#waiting.shift() as Waiting;
      resolve(this.#take(length));
      this.#isOnTheWay = true;
      void SETTLED.then(() => {
        this.#isOnTheWay = false;
      });
    }
  }

  /** At most `length` bytes of the first packet; the rest of it stays. */
  #take(length: number): Uint8Array {
    const packet = this.#packets.shift() as Uint8Array;
    const part = packet.subarray(0, length);
    if (packet.length > length) this.#packets.unshift(packet.subarray(length));
    this.#queuedBytes -= part.length;
    return part;
  }

  /** Whether a packet may leave now; otherwise comes back when it may. */
  #spend(): boolean {
    const pacing = this.#pacing;
    if (pacing === undefined) return true;
    const now = performance.now();
    const wait = this.#leftAt + pacing.intervalMs - now;
    if (this.#allowance > 0 || wait <= 0) {
      this.#allowance = Math.max(0, this.#allowance - 1);
      this.#leftAt = now;
      return true;
    }
    // Rounded up: a timer that came early would find the time not yet over, and wait once more.
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#deliver();
    }, Math.ceil(wait)).unref();
    return false;
  }
}
