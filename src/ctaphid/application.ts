// What CTAPHID hands its messages to. security-key.ts fills it with the applets, so that this folder knows none.
import type { Transport } from "../transport.ts";

/** Answers one whole message; rejects with CtapHidError for a CTAPHID_ERROR, anything else is our fault. */
export type MessageHandler = (message: Uint8Array, transport: Transport) => Promise<Uint8Array>;

export interface CtapHidApplication {
  /**
   * CTAPHID_CBOR: a CTAP2 command byte and its CBOR; the answer is a status byte and CBOR. CTAP 2.3 §11.2.9.1.2.
   * Undefined where FIDO2 is off.
   */
  readonly cbor: MessageHandler | undefined;
  /** CTAPHID_MSG: a command APDU; the answer ends with a status word. CTAP 2.3 §11.2.9.1.1. Undefined where U2F is off. */
  readonly msg: MessageHandler | undefined;
  /** CTAPHID vendor commands by number, 0x40–0x7f; their messages may be empty. */
  readonly vendor: ReadonlyMap<number, MessageHandler>;
  /** CTAPHID_WINK: makes the key noticeable. */
  wink(): void;
}
