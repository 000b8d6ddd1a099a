// What a request carries besides its bytes, whichever interface it came through.

/** What the device is doing, as CTAPHID_KEEPALIVE tells it (CTAP 2.3 §11.2.9.1.7); CCID asks for more time for both. */
export type KeepaliveStatus = "processing" | "upneeded";

export interface Transport {
  readonly name: "ctaphid" | "ccid" | "keyboard";
  /** Tells apart the clients of one transport: the CTAPHID channel id; FOREIGN_READER; 0 where there is only one. */
  readonly channel: number;
  /** Aborts on CTAPHID_CANCEL, PC_to_RDR_Abort, the keyboard's dummy write, and detach. */
  readonly signal: AbortSignal;
  /** Says what the request is waiting for from now on. The transport sends it on, at once and then periodically. */
  keepalive(status: KeepaliveStatus): void;
}

/** The channel of "ccid" that is a reader which is not the key's own. */
export const FOREIGN_READER = 1;

export function isForeignReader({ name, channel }: Transport): boolean {
  return name === "ccid" && channel === FOREIGN_READER;
}

/** A signal that most requests never look at: made at the first look, since it costs Node 14 µs, as much as such a request. */
export class Cancellation {
  #controller: AbortController | undefined;
  #isCancelled = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isCancelled) this.#controller.abort();
    return this.#controller.signal;
  }

  cancel(): void {
    this.#isCancelled = true;
    this.#controller?.abort();
  }
}
