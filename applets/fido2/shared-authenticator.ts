// One authenticator behind two transports: each sees to its own requests, here those of both take turns, so that no PIN is
// tried twice against the same count and no sequence is torn. CTAP 2.3 §6
import type { Transport } from "../../src/transport.ts";
import { CtapStatus } from "./status.ts";

/** What answers a message; Fido2Authenticator does. Never rejects. */
export interface MessageAuthenticator {
  process(message: Uint8Array, transport: Transport): Promise<Uint8Array>;
}

export class SharedAuthenticator implements MessageAuthenticator {
  readonly #authenticator: MessageAuthenticator;
  /** Settles with the request before; undefined when none is under way. */
  #previous: Promise<unknown> | undefined;

  constructor(authenticator: MessageAuthenticator) {
    this.#authenticator = authenticator;
  }

  /** A request that is cancelled while it waits for its turn is answered as one that is cancelled at work. */
  process(message: Uint8Array, transport: Transport): Promise<Uint8Array> {
    const previous = this.#previous;
    const answer =
      previous === undefined
        ? this.#authenticator.process(message, transport)
        : untilAborted(previous, transport.signal).then((isAborted) =>
            isAborted ? cancelled() : this.#authenticator.process(message, transport),
          );
    const turn = previous === undefined ? answer : Promise.all([previous, answer]);
    const done = turn.finally(() => {
      if (this.#previous === done) this.#previous = undefined;
    });
    this.#previous = done;
    return answer;
  }
}

function cancelled(): Uint8Array {
  return Uint8Array.of(CtapStatus.CTAP2_ERR_KEEPALIVE_CANCEL);
}

/** Whether `signal` aborted before `previous` settled, or had by then. */
function untilAborted(previous: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const abort = () => resolve(true);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    void previous.then(() => {
      signal.removeEventListener("abort", abort);
      resolve(signal.aborted);
    });
  });
}
