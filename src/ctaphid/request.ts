// One request that an applet works on: its AbortSignal, and the keepalives that tell the host to keep waiting.
// CTAP 2.3 §11.2.9.1.5 (CTAPHID_CANCEL), §11.2.9.1.7 (CTAPHID_KEEPALIVE)
import { Cancellation, type KeepaliveStatus, type Transport } from "../transport.ts";

/**
 * Milliseconds from the request to the first keepalive, and from one to the next. The spec wants one "at least every
 * 100ms"; the difference is room for a busy machine. Windows gives up after about 500 ms of silence.
 */
const KEEPALIVE_INTERVAL_MS = 80;

export interface RequestOptions {
  readonly channel: number;
  readonly command: number;
  /** Sends one CTAPHID_KEEPALIVE; absent where the host's protocol has none. */
  readonly sendKeepalive?: ((status: KeepaliveStatus) => void) | undefined;
}

export class Request implements Transport {
  readonly name = "ctaphid";
  readonly channel: number;
  readonly command: number;
  readonly #cancellation = new Cancellation();
  readonly #sendKeepalive: ((status: KeepaliveStatus) => void) | undefined;
  #status: KeepaliveStatus = "processing";
  #interval: NodeJS.Timeout | undefined;
  #changed: NodeJS.Immediate | undefined;

  constructor({ channel, command, sendKeepalive }: RequestOptions) {
    this.channel = channel;
    this.command = command;
    this.#sendKeepalive = sendKeepalive;
    if (sendKeepalive !== undefined) {
      this.#interval = setInterval(() => sendKeepalive(this.#status), KEEPALIVE_INTERVAL_MS);
    }
  }

  /** Asks the applet to stop; its answer still counts. */
  cancel(): void {
    this.#cancellation.cancel();
  }

  get signal(): AbortSignal {
    return this.#cancellation.signal;
  }

  /** Answered, or of no interest any more: nothing further is sent in its name. */
  finish(): void {
    clearInterval(this.#interval);
    clearImmediate(this.#changed);
    this.#interval = undefined;
  }

  /**
   * A touch that is wanted goes out at once, however quickly it is given: test suites wait to see it. The way back waits
   * until the applet does: an answer that comes without waiting is the better news.
   */
  keepalive(status: KeepaliveStatus): void {
    if (status === this.#status || this.#interval === undefined) return;
    this.#status = status;
    if (status === "upneeded") {
      this.#sendKeepalive?.(status);
      this.#interval.refresh();
      return;
    }
    this.#changed ??= setImmediate(() => {
      this.#changed = undefined;
      this.#sendKeepalive?.(this.#status);
      this.#interval?.refresh();
    });
  }
}
