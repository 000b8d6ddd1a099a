// A device that a USB/IP server lent to this process: transfers as promises. What the server says is checked as strictly
// as a server checks a client: a reply longer than asked for, or to a request never made, ends the connection.
// Linux Documentation/usb/usbip_protocol.rst, drivers/usb/usbip/vhci_rx.c
import { UsbStall } from "../usb/endpoint.ts";
import { TransferAborted } from "../usb/packet-queue.ts";
import { SetupPacket, type Urb } from "../usb/types.ts";
import { type ClientSocket, UsbIpConnectionError } from "./client-socket.ts";
import { FrameSplitter, type Framing } from "./frame-splitter.ts";
import {
  CmdSubmit,
  CmdUnlink,
  Command,
  Direction,
  devidOf,
  HEADER_SIZE,
  HeaderBasic,
  RetSubmit,
  RetUnlink,
  UrbStatus,
  UsbIpProtocolError,
  type UsbipUsbDevice,
} from "./protocol.ts";

/** A transfer ended in an error other than a stall or its unlinking: `status` is a Linux error number, negative. */
export class UrbError extends Error {
  override name = "UrbError";
  readonly status: number;

  constructor(status: number) {
    super(`the transfer failed with status ${status}`);
    this.status = status;
  }
}

export interface TransferResult {
  /** IN: what was received; empty for OUT. */
  readonly data: Uint8Array;
  /** Bytes transferred either way. */
  readonly actualLength: number;
}

const NOTHING = new Uint8Array(0);

interface Submitted {
  readonly isIn: boolean;
  /** The most bytes that the reply may report. */
  readonly length: number;
  readonly resolve: (result: TransferResult) => void;
  /** Ends the transfer with an error. */
  readonly reject: (reason: Error) => void;
}

/** A device on a server, attached to this process until `detach`. */
export class ImportedDevice {
  readonly record: UsbipUsbDevice;
  readonly #connection: ClientSocket;
  readonly #devid: number;
  readonly #splitter = new FrameSplitter();
  /** A reply does not say its direction, so whether data follows it is known only from here. */
  readonly #submitted = new Map<number, Submitted>();
  /** The transfer that each CMD_UNLINK under way means, and the timer that gives its reply up. */
  readonly #unlinks = new Map<number, { readonly target: number; readonly timer: NodeJS.Timeout }>();
  #seqnum = 0;
  #failure: Error | undefined;

  constructor(connection: ClientSocket, record: UsbipUsbDevice) {
    this.record = record;
    this.#connection = connection;
    this.#devid = devidOf(record);
    connection.stream(
      (chunk) => this.#receive(chunk),
      (reason) => this.#fail(reason),
    );
  }

  /**
   * Does one transfer. Rejects with UsbStall, with UrbError, with TransferAborted once the server confirmed that it was
   * unlinked because `signal` aborted, and with UsbIpConnectionError when the connection ends first. A transfer that
   * completes before its unlinking resolves.
   */
  submit(urb: Urb, signal?: AbortSignal): Promise<TransferResult> {
    const isIn = urb.direction === "in";
    const seqnum = this.#nextSeqnum();
    const length = isIn ? urb.length : urb.data.length;
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) throw this.#failure;
      if (signal?.aborted) throw new TransferAborted();
      const abort = () => this.#unlink(seqnum);
      const stop = () => signal?.removeEventListener("abort", abort);
      this.#submitted.set(seqnum, {
        isIn,
        length,
        resolve: (result) => {
          stop();
          resolve(result);
        },
        reject: (reason) => {
          stop();
          reject(reason);
        },
      });
      signal?.addEventListener("abort", abort, { once: true });
      const request = {
        command: Command.USBIP_CMD_SUBMIT,
        seqnum,
        devid: this.#devid,
        direction: isIn ? Direction.USBIP_DIR_IN : Direction.USBIP_DIR_OUT,
        ep: urb.endpoint,
        transfer_flags: 0,
        transfer_buffer_length: length,
        start_frame: 0,
        number_of_packets: 0,
        interval: 0,
        setup: urb.setup === undefined ? NOTHING : SetupPacket.encode(urb.setup),
      };
      this.#connection.socket.write(CmdSubmit.encode(request, isIn ? NOTHING : urb.data));
    });
  }

  /** A control transfer with an IN data stage of up to wLength bytes, or none. */
  async controlIn(setup: SetupPacket, signal?: AbortSignal): Promise<Uint8Array> {
    const urb: Urb = { endpoint: 0, direction: "in", setup, data: NOTHING, length: setup.wLength };
    return (await this.submit(urb, signal)).data;
  }

  /** A control transfer with an OUT data stage, or none; wLength is the data's. */
  async controlOut(setup: Omit<SetupPacket, "wLength">, data: Uint8Array = NOTHING): Promise<void> {
    const whole = { ...setup, wLength: data.length };
    await this.submit({ endpoint: 0, direction: "out", setup: whole, data, length: data.length });
  }

  /** Up to `length` bytes from a data endpoint; waits until there are some. */
  async transferIn(endpoint: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    return (await this.submit({ endpoint, direction: "in", data: NOTHING, length }, signal)).data;
  }

  /** Sends `data` to a data endpoint; resolves with the number of bytes that it took. */
  async transferOut(endpoint: number, data: Uint8Array, signal?: AbortSignal): Promise<number> {
    const urb: Urb = { endpoint, direction: "out", data, length: data.length };
    return (await this.submit(urb, signal)).actualLength;
  }

  /** Closes the connection, which is all that detaching is; transfers under way reject. */
  detach(): Promise<void> {
    const { socket } = this.#connection;
    return new Promise((resolve) => {
      if (socket.closed) resolve();
      else socket.once("close", () => resolve());
      socket.destroy();
    });
  }

  #nextSeqnum(): number {
    this.#seqnum = (this.#seqnum + 1) >>> 0;
    return this.#seqnum;
  }

  #unlink(unlink_seqnum: number): void {
    const seqnum = this.#nextSeqnum();
    const timer = setTimeout(
      () => this.#fail(new UsbIpConnectionError("no reply to an unlink request")),
      this.#connection.timeoutMs,
    ).unref();
    this.#unlinks.set(seqnum, { target: unlink_seqnum, timer });
    const header = { command: Command.USBIP_CMD_UNLINK, seqnum, devid: this.#devid, direction: 0, ep: 0 };
    this.#connection.socket.write(CmdUnlink.encode({ ...header, unlink_seqnum, padding: NOTHING }));
  }

  /** The length of a reply: what follows the 48 bytes depends on the direction that was asked for. */
  readonly #framing: Framing = {
    headLength: HEADER_SIZE,
    frameLength: (head) => {
      const { command, seqnum } = HeaderBasic.parse(head);
      if (command === Command.USBIP_RET_UNLINK) return HEADER_SIZE;
      const submitted = this.#submitted.get(seqnum);
      if (command !== Command.USBIP_RET_SUBMIT || submitted === undefined) {
        throw new UsbIpProtocolError(`reply ${command} to unknown request ${seqnum}`);
      }
      const { actual_length } = RetSubmit.parse(head);
      if (actual_length > submitted.length) {
        throw new UsbIpProtocolError(`${actual_length} bytes in reply to a request of ${submitted.length}`);
      }
      return submitted.isIn ? HEADER_SIZE + actual_length : HEADER_SIZE;
    },
  };

  #receive(chunk: Uint8Array): void {
    this.#splitter.feed(chunk);
    try {
      for (;;) {
        const frame = this.#splitter.next(this.#framing);
        if (frame === undefined) return;
        const { command } = HeaderBasic.parse(frame);
        if (command === Command.USBIP_RET_SUBMIT) this.#retSubmit(frame);
        else this.#retUnlink(frame);
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new UsbIpProtocolError(String(error)));
    }
  }

  #retSubmit(frame: Uint8Array): void {
    const { seqnum, status, actual_length } = RetSubmit.parse(frame);
    const submitted = this.#submitted.get(seqnum) as Submitted;
    this.#submitted.delete(seqnum);
    if (status === UrbStatus.EPIPE) submitted.reject(new UsbStall());
    else if (status !== UrbStatus.OK) submitted.reject(new UrbError(status));
    else submitted.resolve({ data: frame.slice(HEADER_SIZE), actualLength: actual_length });
  }

  /** Status 0 comes after the transfer's own reply and says nothing new. vhci_rx.c, vhci_recv_ret_unlink */
  #retUnlink(frame: Uint8Array): void {
    const { seqnum, status } = RetUnlink.parse(frame);
    const unlink = this.#unlinks.get(seqnum);
    if (unlink === undefined) return;
    clearTimeout(unlink.timer);
    this.#unlinks.delete(seqnum);
    const submitted = this.#submitted.get(unlink.target);
    if (submitted === undefined) return;
    this.#submitted.delete(unlink.target);
    submitted.reject(status === UrbStatus.ECONNRESET ? new TransferAborted() : new UrbError(status));
  }

  #fail(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#connection.socket.destroy();
    for (const { reject } of this.#submitted.values()) reject(reason);
    for (const { timer } of this.#unlinks.values()) clearTimeout(timer);
    this.#submitted.clear();
    this.#unlinks.clear();
  }
}
