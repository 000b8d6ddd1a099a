// One APDU that the card works on: its AbortSignal, and the time extensions that tell the host to keep waiting.
// USB CCID 1.1 §6.2.6 (bmCommandStatus 2)
import { Cancellation, type Transport } from "../transport.ts";
import type { CommandHeader } from "./message.ts";

/**
 * Milliseconds to the first time extension, and from one to the next. libccid gives a reader 3 s, or what the card's ATR
 * makes of it (1 s and more), scdaemon's own driver 5 s; a busy machine needs some of that.
 */
const TIME_EXTENSION_INTERVAL_MS = 500;

export class Exchange implements Transport {
  readonly name = "ccid";
  /** The only slot has the only client. */
  readonly channel = 0;
  /** Of the command that brought the APDU. */
  readonly header: CommandHeader;
  readonly #cancellation = new Cancellation();

  constructor(header: CommandHeader) {
    this.header = header;
  }

  get signal(): AbortSignal {
    return this.#cancellation.signal;
  }

  /** Whatever the card waits for, the host is told the same: more time is needed. */
  keepalive(): void {}

  /** Asks the applet to stop; its answer still counts. */
  cancel(): void {
    this.#cancellation.cancel();
  }
}

/**
 * Tells of every interval that an exchange lasts. One timer for all exchanges, which is only wound up again for each: making
 * and clearing one costs Node some microseconds. It ends when it runs out and there is nothing to tell.
 */
export class TimeExtensions {
  readonly #tell: () => void;
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(tell: () => void) {
    this.#tell = tell;
  }

  start(): void {
    this.#isRunning = true;
    if (this.#timer === undefined) this.#timer = setInterval(() => this.#expire(), TIME_EXTENSION_INTERVAL_MS);
    else this.#timer.refresh();
  }

  stop(): void {
    this.#isRunning = false;
  }

  dispose(): void {
    this.stop();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #expire(): void {
    if (this.#isRunning) this.#tell();
    else this.dispose();
  }
}
