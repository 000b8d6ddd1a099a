// FIDO as a smart card application: CTAP2 messages in APDUs, and U2F's own APDUs handed on. CTAP 2.3 §11.3 (NFC, whose
// binding PC/SC clients use over USB, too)
//
//   80 10 P1 00 data   NFCCTAP_MSG          P1 bit 7: the client knows NFCCTAP_GETRESPONSE
//   80 11 P1 00        NFCCTAP_GETRESPONSE  asks for the answer again; P1 11 cancels
//   80 12 01 00        NFCCTAP_CONTROL      the client is done
//   9100 in answer: not done yet; one byte of data says why, as CTAPHID_KEEPALIVE does
import { fromHex } from "../../src/bytes/hex.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { KeepaliveStatus, Transport } from "../../src/transport.ts";
import type { MessageAuthenticator } from "./shared-authenticator.ts";

/** What answers U2F's commands, and whether it does so now. */
export interface U2fDelegate {
  readonly isEnabled: boolean;
  process(apdu: CommandApdu, transport: Transport): Promise<Uint8Array>;
}

const Class = { U2F: 0x00, CTAP: 0x80 } as const;
const Instruction = { MSG: 0x10, GET_RESPONSE: 0x11, CONTROL: 0x12 } as const;
const KNOWS_GET_RESPONSE = 0x80;
const CANCEL = 0x11;
const END = 0x01;

/** §11.3.7.2: more time is needed. */
const NOT_DONE = 0x9100;
const KEEPALIVE_BYTES: Readonly<Record<KeepaliveStatus, number>> = { processing: 0x01, upneeded: 0x02 };

/** A CTAP2 message that is being answered while its client asks again. */
interface Operation {
  readonly answer: Promise<Uint8Array>;
  readonly cancellation: AbortController;
  status: KeepaliveStatus;
  isDone: boolean;
}

export class FidoApplet implements Applet {
  readonly name = "FIDO";
  readonly aid = fromHex("a0000006472f0001");
  /** U2F has one word for every class, over whatever reader. FIDO U2F Raw Message Formats §3.3 */
  readonly wrongClass = StatusWord.CLA_NOT_SUPPORTED;
  readonly #fido2: MessageAuthenticator;
  readonly #u2f: U2fDelegate | undefined;
  readonly #isFido2On: () => boolean;
  #operation: Operation | undefined;

  /**
   * `u2f`: what answers U2F's commands, where that is on. `isFido2On`: asked at each message; one AID serves the two, so
   * that the commands are refused rather than the SELECT.
   */
  constructor(fido2: MessageAuthenticator, u2f?: U2fDelegate, isFido2On: () => boolean = () => true) {
    this.#fido2 = fido2;
    this.#u2f = u2f;
    this.#isFido2On = isFido2On;
  }

  /** §11.3.3: the version that a client which knows no other would look for. */
  async select(): Promise<Uint8Array> {
    return new TextEncoder().encode(this.#u2f?.isEnabled === true ? "U2F_V2" : "FIDO_2_0");
  }

  async process(apdu: CommandApdu, transport: Transport): Promise<Uint8Array> {
    if (apdu.cla === Class.U2F && this.#u2f !== undefined) return this.#u2f.process(apdu, transport);
    if (apdu.cla !== Class.CTAP) throw new StatusError(StatusWord.CLA_NOT_SUPPORTED);
    switch (apdu.ins) {
      case Instruction.MSG:
        return this.#message(apdu, transport);
      case Instruction.GET_RESPONSE:
        return this.#getResponse(apdu.p1);
      case Instruction.CONTROL:
        if (apdu.p1 !== END) throw new StatusError(StatusWord.INCORRECT_P1_P2);
        this.deselect();
        return new Uint8Array(0);
      default:
        throw new StatusError(StatusWord.INS_NOT_SUPPORTED);
    }
  }

  /** What is under way is cancelled: nobody will ask for its answer. */
  deselect(): void {
    this.#operation?.cancellation.abort();
    this.#operation = undefined;
  }

  async #message(apdu: CommandApdu, transport: Transport): Promise<Uint8Array> {
    if (!this.#isFido2On()) throw new StatusError(StatusWord.COMMAND_NOT_ALLOWED);
    this.deselect();
    // The transport asks for more time by itself, for clients that would not ask again.
    if ((apdu.p1 & KNOWS_GET_RESPONSE) === 0) return this.#fido2.process(apdu.data, transport);
    return this.#start(Uint8Array.from(apdu.data), transport);
  }

  /** Answers, or says that it is not done, as soon as the person has to do something. */
  #start(message: Uint8Array, transport: Transport): Promise<Uint8Array> {
    const cancellation = new AbortController();
    const cancel = () => cancellation.abort();
    transport.signal.addEventListener("abort", cancel, { once: true });
    return new Promise((resolve, reject) => {
      let operation: Operation | undefined;
      const keepalive = (status: KeepaliveStatus) => {
        if (operation !== undefined) operation.status = status;
        if (status !== "upneeded") return;
        transport.signal.removeEventListener("abort", cancel);
        reject(notDone(status));
      };
      const own: Transport = {
        name: transport.name,
        channel: transport.channel,
        signal: cancellation.signal,
        keepalive,
      };
      const answer = this.#fido2.process(message, own);
      operation = { answer, cancellation, status: "processing", isDone: false };
      this.#operation = operation;
      const done = operation;
      answer
        .then((response) => {
          done.isDone = true;
          resolve(response);
        }, reject)
        .finally(() => transport.signal.removeEventListener("abort", cancel));
    });
  }

  async #getResponse(p1: number): Promise<Uint8Array> {
    const operation = this.#operation;
    if (operation === undefined) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
    if (p1 === CANCEL) operation.cancellation.abort();
    else if (p1 !== 0x00) throw new StatusError(StatusWord.INCORRECT_P1_P2);
    else if (!operation.isDone) throw notDone(operation.status);
    this.#operation = undefined;
    return operation.answer;
  }
}

function notDone(status: KeepaliveStatus): StatusError {
  return new StatusError(NOT_DONE, Uint8Array.of(KEEPALIVE_BYTES[status]));
}
