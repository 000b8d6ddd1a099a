// What a request carries besides its bytes, whichever interface it came through.

/** What the device is doing, as CTAPHID_KEEPALIVE tells it (CTAP 2.3 §11.2.9.1.7); CCID asks for more time for both. */
export type KeepaliveStatus = "processing" | "upneeded";

export interface Transport {
  readonly name: "ctaphid" | "ccid" | "keyboard";
  /** Tells apart the clients of one transport: the CTAPHID channel id; 0 where there is only one. */
  readonly channel: number;
  /** Aborts on CTAPHID_CANCEL, PC_to_RDR_Abort, the keyboard's dummy write, and detach. */
  readonly signal: AbortSignal;
  /** Says what the request is waiting for from now on. The transport sends it on, at once and then periodically. */
  keepalive(status: KeepaliveStatus): void;
}
