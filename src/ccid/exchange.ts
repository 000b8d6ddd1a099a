// One APDU that the card works on: its AbortSignal, and the time extensions that tell the host to keep waiting.
// USB CCID 1.1 §6.2.6 (bmCommandStatus 2)
import type { Transport } from "../transport.ts";
import type { CommandHeader } from "./message.ts";

/**
 * Milliseconds to the first time extension, and from one to the next. libccid gives a reader 3 s, or what the card's ATR
 * makes of it (1 s and more), scdaemon's own driver 5 s; a busy machine needs some of that.
 */
export const TIME_EXTENSION_INTERVAL_MS = 500;

/** The only slot has the only client. */
const CHANNEL = 0;

export class Exchange {
  /** Of the command that brought the APDU. */
  readonly header: CommandHeader;
  readonly transport: Transport;
  readonly #controller = new AbortController();
  readonly #interval: NodeJS.Timeout;

  constructor(header: CommandHeader, requestTime: () => void) {
    this.header = header;
    this.#interval = setInterval(requestTime, TIME_EXTENSION_INTERVAL_MS);
    // Whatever the card waits for, the host is told the same: more time is needed.
    this.transport = { name: "ccid", channel: CHANNEL, signal: this.#controller.signal, keepalive() {} };
  }

  /** Asks the applet to stop; its answer still counts. */
  cancel(): void {
    this.#controller.abort();
  }

  /** Answered, or of no interest any more. */
  finish(): void {
    clearInterval(this.#interval);
  }
}
