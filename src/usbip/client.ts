// A USB/IP client in user space: lists what a server exports, imports a device and does transfers with it.
// Linux Documentation/usb/usbip_protocol.rst. What the server says is checked as strictly as a server checks a client:
// a reply longer than asked for, or to a request never made, ends the connection.
import { concat } from "../bytes/concat.ts";
import { UsbStall } from "../usb/endpoint.ts";
import { TransferAborted } from "../usb/packet-queue.ts";
import { SetupPacket, type Urb } from "../usb/types.ts";
import { ClientSocket, type ConnectOptions, UsbIpConnectionError } from "./client-socket.ts";
import { FrameSplitter, type Framing } from "./frame-splitter.ts";
import {
  BUSID_MAX_LENGTH,
  CmdSubmit,
  CmdUnlink,
  Command,
  Direction,
  devidOf,
  HEADER_SIZE,
  HeaderBasic,
  OpCode,
  OpCommon,
  OpDevlistReply,
  OpImportRequest,
  OpStatus,
  RetSubmit,
  RetUnlink,
  UrbStatus,
  USBIP_PORT,
  USBIP_VERSION,
  UsbIpProtocolError,
  UsbipUsbDevice,
  UsbipUsbInterface,
} from "./protocol.ts";

export interface ServerAddress {
  readonly host: string;
  /** 3240 unless given. */
  readonly port?: number;
  /** For connecting and for each operation's reply; 5 s unless given. */
  readonly timeoutMs?: number;
}

/** A device in a server's list. */
export interface ListedDevice extends UsbipUsbDevice {
  readonly interfaces: readonly UsbipUsbInterface[];
}

/** The server answered an operation with a status other than ST_OK. */
export class UsbIpOperationError extends Error {
  override name = "UsbIpOperationError";
  readonly status: number;

  constructor(operation: string, status: number) {
    const found = Object.entries(OpStatus).find(([, value]) => value === status);
    super(`the server refused to ${operation}: ${found?.[0] ?? "status"} (${status})`);
    this.status = status;
  }
}

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

/** More than any server of ours exports; a list that claims more is not believed. */
const MAX_DEVICES = 1024;
const NOTHING = new Uint8Array(0);

function connectOptions(address: ServerAddress): ConnectOptions {
  return { host: address.host, port: address.port ?? USBIP_PORT, timeoutMs: address.timeoutMs ?? 5_000 };
}

/** What the server exports. Rejects with UsbIpConnectionError, UsbIpOperationError or UsbIpProtocolError. */
export async function listDevices(address: ServerAddress): Promise<ListedDevice[]> {
  const connection = await ClientSocket.connect(connectOptions(address));
  try {
    connection.socket.write(OpCommon.encode({ version: USBIP_VERSION, code: OpCode.OP_REQ_DEVLIST, status: 0 }));
    await readOperationReply(connection, OpCode.OP_REP_DEVLIST, "list its devices");
    const { ndev } = OpDevlistReply.parse(await connection.read(OpDevlistReply.size));
    if (ndev > MAX_DEVICES) throw new UsbIpProtocolError(`a list of ${ndev} devices`);
    const devices: ListedDevice[] = [];
    for (let index = 0; index < ndev; index++) {
      const device = UsbipUsbDevice.parse(await connection.read(UsbipUsbDevice.size));
      const interfaces: UsbipUsbInterface[] = [];
      for (let number = 0; number < device.bNumInterfaces; number++) {
        interfaces.push(UsbipUsbInterface.parse(await connection.read(UsbipUsbInterface.size)));
      }
      devices.push({ ...device, interfaces });
    }
    return devices;
  } finally {
    connection.socket.destroy();
  }
}

/**
 * Imports a device and hands back the connected socket, from which nothing more is read: a kernel's virtual host
 * controller can take it over as it is. Rejects like listDevices; status ST_DEV_BUSY when another client has it.
 */
export async function requestImport(
  address: ServerAddress & { readonly busid: string },
): Promise<{ readonly connection: ClientSocket; readonly device: UsbipUsbDevice }> {
  const { busid } = address;
  if (busid.length > BUSID_MAX_LENGTH) throw new RangeError(`"${busid}" is too long for a busid`);
  const connection = await ClientSocket.connect(connectOptions(address));
  try {
    const head = OpCommon.encode({ version: USBIP_VERSION, code: OpCode.OP_REQ_IMPORT, status: 0 });
    connection.socket.write(concat(head, OpImportRequest.encode({ busid })));
    await readOperationReply(connection, OpCode.OP_REP_IMPORT, `import ${busid}`);
    const device = UsbipUsbDevice.parse(await connection.read(UsbipUsbDevice.size));
    if (device.busid !== busid) throw new UsbIpProtocolError(`asked for ${busid}, got ${JSON.stringify(device.busid)}`);
    return { connection, device };
  } catch (error) {
    connection.socket.destroy();
    throw error;
  }
}

/** Imports a device for transfers from this process. Rejects like requestImport. */
export async function importDevice(address: ServerAddress & { readonly busid: string }): Promise<ImportedDevice> {
  const { connection, device } = await requestImport(address);
  return new ImportedDevice(connection, device);
}

async function readOperationReply(connection: ClientSocket, code: number, operation: string): Promise<void> {
  const reply = OpCommon.parse(await connection.read(OpCommon.size));
  if (reply.version !== USBIP_VERSION || reply.code !== code) {
    throw new UsbIpProtocolError(`version ${reply.version}, code ${reply.code} in the reply to "${operation}"`);
  }
  if (reply.status !== OpStatus.ST_OK) throw new UsbIpOperationError(operation, reply.status);
}

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
