// A client that writes and reads bytes of USB/IP without the code under test: frames are built and taken apart here,
// from the tables of Linux' Documentation/usb/usbip_protocol.rst. Every wait is bounded.
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export const WAIT_MS = 3_000;

export interface RawRequest {
  readonly seqnum: number;
  readonly devid?: number;
  readonly direction?: number;
  readonly ep?: number;
  /** transfer_buffer_length; the data's length unless given. */
  readonly length?: number;
  readonly numberOfPackets?: number;
  readonly command?: number;
  readonly setup?: Uint8Array;
  readonly data?: Uint8Array;
}

export interface RawReply {
  readonly command: number;
  readonly seqnum: number;
  readonly status: number;
  readonly actualLength: number;
  readonly header: Buffer;
}

/** Of the first device that a server exports. */
export const FIRST_DEVID = 0x0001_0002;

export function devlistRequest(): Buffer {
  return Buffer.from("0111800500000000", "hex");
}

export function importRequest(busid: string): Buffer {
  const request = Buffer.alloc(40);
  request.write("0111800300000000", "hex");
  request.write(busid, 8, "latin1");
  return request;
}

export function cmdSubmit(request: RawRequest): Buffer {
  const data = request.data ?? Buffer.alloc(0);
  const header = Buffer.alloc(48);
  header.writeUInt32BE(request.command ?? 1, 0);
  header.writeUInt32BE(request.seqnum, 4);
  header.writeUInt32BE(request.devid ?? FIRST_DEVID, 8);
  header.writeUInt32BE(request.direction ?? 0, 12);
  header.writeUInt32BE(request.ep ?? 0, 16);
  header.writeUInt32BE(request.length ?? data.length, 24);
  header.writeUInt32BE(request.numberOfPackets ?? 0, 32);
  header.set(request.setup ?? [], 40);
  return Buffer.concat([header, data]);
}

export function cmdUnlink(seqnum: number, unlinkSeqnum: number, devid = FIRST_DEVID): Buffer {
  const header = Buffer.alloc(48);
  for (const [index, value] of [2, seqnum, devid, 0, 0, unlinkSeqnum].entries()) header.writeUInt32BE(value, index * 4);
  return header;
}

/** A setup packet is little-endian: the only part of the protocol that is. */
export function setup(bmRequestType: number, bRequest: number, wValue = 0, wIndex = 0, wLength = 0): Buffer {
  const packet = Buffer.alloc(8);
  packet.set([bmRequestType, bRequest]);
  packet.writeUInt16LE(wValue, 2);
  packet.writeUInt16LE(wIndex, 4);
  packet.writeUInt16LE(wLength, 6);
  return packet;
}

export const getDeviceDescriptor = (seqnum: number, wLength = 18, devid = FIRST_DEVID) =>
  cmdSubmit({ seqnum, devid, direction: 1, length: wLength, setup: setup(0x80, 6, 0x0100, 0, wLength) });

export const setConfiguration = (seqnum: number, value = 1, devid = FIRST_DEVID) =>
  cmdSubmit({ seqnum, devid, setup: setup(0x00, 9, value) });

/** One end of a connection; the other way round it serves to play a server. */
export class RawClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  /** Sizes of the chunks that came, to see what the server wrote in one go. */
  readonly chunks: number[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk) => {
      this.chunks.push(chunk.length);
      this.#received = Buffer.concat([this.#received, chunk]);
      socket.emit("more");
    });
    socket.on("error", () => {});
    socket.on("close", () => socket.emit("more"));
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect", { signal: AbortSignal.timeout(WAIT_MS) });
    return new RawClient(socket);
  }

  /** Connects and imports a device. */
  static async import(port: number, busid = "1-1"): Promise<RawClient> {
    const client = await RawClient.connect(port);
    client.write(importRequest(busid));
    const reply = await client.read(320);
    if (reply.readUInt32BE(4) !== 0) throw new Error(`import refused: ${reply.readUInt32BE(4)}`);
    return client;
  }

  write(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  async read(length: number): Promise<Buffer> {
    const signal = AbortSignal.timeout(WAIT_MS);
    while (this.#received.length < length) {
      if (this.socket.destroyed) throw new Error(`closed after ${this.#received.length} of ${length} bytes`);
      await once(this.socket, "more", { signal });
    }
    const bytes = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return bytes;
  }

  /** The next 48 bytes. */
  async reply(): Promise<RawReply> {
    const header = await this.read(48);
    return {
      command: header.readUInt32BE(0),
      seqnum: header.readUInt32BE(4),
      status: header.readInt32BE(20),
      actualLength: header.readUInt32BE(24),
      header,
    };
  }

  /** The next replies that carry no data. */
  async replies(count: number): Promise<RawReply[]> {
    const replies: RawReply[] = [];
    while (replies.length < count) replies.push(await this.reply());
    return replies;
  }

  /** Resolves when the server has closed; what came before it is dropped. */
  async closed(): Promise<void> {
    const signal = AbortSignal.timeout(WAIT_MS);
    while (!this.socket.destroyed) await once(this.socket, "more", { signal });
  }

  /** Bytes that came and were not read, after everything under way has had time to come. */
  async unread(milliseconds = 30): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return this.#received.length;
  }

  async close(): Promise<void> {
    this.socket.destroy();
    if (!this.socket.closed) await once(this.socket, "close", { signal: AbortSignal.timeout(WAIT_MS) });
  }
}
