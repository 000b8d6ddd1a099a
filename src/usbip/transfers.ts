// The transfers of one imported device, from USBIP_CMD_SUBMIT to USBIP_RET_SUBMIT, and their unlinking. The rules are
// those of the other end, Linux drivers/usb/usbip/vhci_rx.c: one reply for each request, no RET_SUBMIT after the
// RET_UNLINK of the same transfer (the kernel would end the connection), data only after the reply to an IN.
import { u32be } from "../bytes/struct.ts";
import type { Logger } from "../log.ts";
import { UsbStall } from "../usb/endpoint.ts";
import { TransferAborted } from "../usb/packet-queue.ts";
import { SetupPacket, type Urb } from "../usb/types.ts";
import type { ExportedDevice } from "./exported-device.ts";
import type { Framing } from "./frame-splitter.ts";
import {
  CmdSubmit,
  CmdUnlink,
  Command,
  Direction,
  HEADER_SIZE,
  MAX_TRANSFER_LENGTH,
  MAX_URBS_IN_FLIGHT,
  RequestHead,
  RetSubmit,
  RetUnlink,
  UrbStatus,
  UsbIpProtocolError,
} from "./protocol.ts";

interface InFlight {
  readonly seqnum: number;
  readonly urb: Urb;
  readonly controller: AbortController;
  /** The CMD_UNLINK that waits for this transfer to settle. */
  unlinkedBy?: number;
}

const NOTHING = new Uint8Array(0);

export class Transfers implements Framing {
  readonly headLength = HEADER_SIZE;
  readonly #exported: ExportedDevice;
  readonly #send: (reply: Uint8Array) => void;
  readonly #log: Logger;
  readonly #inFlight = new Map<number, InFlight>();
  /** Controllers of transfers that have settled, to be used again: making one costs Node 5 µs, most of a transfer. */
  readonly #idleControllers: AbortController[] = [];
  #isClosed = false;

  constructor(exported: ExportedDevice, send: (reply: Uint8Array) => void, log: Logger) {
    this.#exported = exported;
    this.#send = send;
    this.#log = log;
  }

  /** How many transfers have no reply yet. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * The length of a request. Refuses what cannot be read on: an unknown command or direction, a devid that is not the
   * imported device's (stub_rx.c, valid_request), and more data than any driver of ours sends. `number_of_packets`
   * means something for isochronous transfers only, which no endpoint here does, and some hosts leave garbage in it.
   */
  frameLength(head: Uint8Array): number {
    const { command, devid, direction, transfer_buffer_length: length } = RequestHead.parse(head);
    if (devid !== this.#exported.devid) throw new UsbIpProtocolError(`a request for device ${devid}`);
    if (command === Command.USBIP_CMD_UNLINK) return HEADER_SIZE;
    if (command !== Command.USBIP_CMD_SUBMIT) throw new UsbIpProtocolError(`unknown command ${command}`);
    if (length > MAX_TRANSFER_LENGTH) throw new UsbIpProtocolError(`a transfer of ${length} bytes`);
    if (direction === Direction.USBIP_DIR_IN) return HEADER_SIZE;
    if (direction === Direction.USBIP_DIR_OUT) return HEADER_SIZE + length;
    throw new UsbIpProtocolError(`unknown direction ${direction}`);
  }

  /**
   * Takes one request. The frame is not kept. Whether it gave the device data, which may soon bring about the reply to
   * another request. Throws UsbIpProtocolError.
   */
  handle(frame: Uint8Array): boolean {
    if (u32be.get(frame, 0) === Command.USBIP_CMD_SUBMIT) return this.#cmdSubmit(frame);
    this.#cmdUnlink(frame);
    return false;
  }

  /** The connection is going: cancels everything, and says nothing more. */
  close(): void {
    this.#isClosed = true;
    for (const { controller } of this.#inFlight.values()) controller.abort();
    this.#inFlight.clear();
  }

  #cmdSubmit(frame: Uint8Array): boolean {
    const { seqnum, direction, ep, transfer_buffer_length: length, setup } = CmdSubmit.parse(frame);
    if (this.#inFlight.has(seqnum)) throw new UsbIpProtocolError(`request ${seqnum} is already under way`);
    if (this.#inFlight.size >= MAX_URBS_IN_FLIGHT) throw new UsbIpProtocolError("too many requests under way");
    const isIn = direction === Direction.USBIP_DIR_IN;
    const urb: Urb = {
      endpoint: ep,
      direction: isIn ? "in" : "out",
      setup: ep === 0 ? SetupPacket.parse(setup) : undefined,
      data: isIn ? NOTHING : frame.slice(HEADER_SIZE),
      length,
    };
    const transfer: InFlight = { seqnum, urb, controller: this.#idleControllers.pop() ?? new AbortController() };
    this.#inFlight.set(seqnum, transfer);
    this.#log.traffic(() => `submit ${seqnum} ${urb.direction} endpoint ${ep}, ${length} bytes`);
    this.#start(transfer);
    return !isIn && ep !== 0;
  }

  /**
   * A transfer that still waits is cancelled, and its reply is this one's; a transfer that has completed, even if its
   * reply is not out yet, keeps its reply, and this one says that there was nothing to cancel: no packet gets lost.
   */
  #cmdUnlink(frame: Uint8Array): void {
    const { seqnum, unlink_seqnum } = CmdUnlink.parse(frame);
    this.#log.traffic(() => `unlink ${unlink_seqnum}`);
    const transfer = this.#inFlight.get(unlink_seqnum);
    if (transfer === undefined || transfer.unlinkedBy !== undefined) {
      this.#retUnlink(seqnum, UrbStatus.OK);
      return;
    }
    transfer.unlinkedBy = seqnum;
    transfer.controller.abort();
  }

  /** What needs no waiting is answered here and now. */
  #start(transfer: InFlight): void {
    let result: Uint8Array | Promise<Uint8Array>;
    try {
      result = this.#exported.device.submit(transfer.urb, transfer.controller.signal);
    } catch (error) {
      this.#settle(transfer, this.#statusOf(error, transfer), NOTHING);
      return;
    }
    if (result instanceof Uint8Array) {
      this.#settle(transfer, UrbStatus.OK, result);
      return;
    }
    void result.then(
      (data) => this.#settle(transfer, UrbStatus.OK, data),
      (error) => this.#settle(transfer, this.#statusOf(error, transfer), NOTHING),
    );
  }

  #settle(transfer: InFlight, status: number, data: Uint8Array): void {
    if (this.#isClosed) return;
    this.#inFlight.delete(transfer.seqnum);
    if (transfer.unlinkedBy === undefined) this.#idleControllers.push(transfer.controller);
    if (status !== UrbStatus.ECONNRESET) this.#retSubmit(transfer, status, data);
    if (transfer.unlinkedBy !== undefined) {
      this.#retUnlink(transfer.unlinkedBy, status === UrbStatus.ECONNRESET ? status : UrbStatus.OK);
    }
  }

  /** A stall is the device's word; anything else that is thrown here is a fault of ours, told to the host as a stall. */
  #statusOf(error: unknown, transfer: InFlight): number {
    if (error instanceof UsbStall) return UrbStatus.EPIPE;
    const isCancelled = transfer.unlinkedBy !== undefined || this.#isClosed;
    if (error instanceof TransferAborted && isCancelled) return UrbStatus.ECONNRESET;
    this.#log.error(`a transfer to endpoint ${transfer.urb.endpoint} failed`, error);
    return UrbStatus.EPIPE;
  }

  #retSubmit(transfer: InFlight, status: number, data: Uint8Array): void {
    const { seqnum, urb } = transfer;
    if (data.length > urb.length) {
      this.#log.error(`endpoint ${urb.endpoint} gave ${data.length} bytes where ${urb.length} were asked for`);
    }
    const isOut = urb.direction === "out";
    const payload = isOut ? NOTHING : data.subarray(0, urb.length);
    const accepted = isOut ? urb.data.length : payload.length;
    this.#log.traffic(() => `reply ${seqnum} status ${status}, ${payload.length} bytes`);
    const reply = {
      command: Command.USBIP_RET_SUBMIT,
      seqnum,
      devid: 0,
      direction: 0,
      ep: 0,
      status,
      actual_length: status === UrbStatus.OK ? accepted : 0,
      start_frame: 0,
      number_of_packets: 0,
      error_count: 0,
      padding: NOTHING,
    };
    this.#send(RetSubmit.encode(reply, payload));
  }

  #retUnlink(seqnum: number, status: number): void {
    const head = { command: Command.USBIP_RET_UNLINK, seqnum, devid: 0, direction: 0, ep: 0 };
    this.#send(RetUnlink.encode({ ...head, status, padding: NOTHING }));
  }
}
