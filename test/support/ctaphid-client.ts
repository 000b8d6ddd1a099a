// The host's side of CTAPHID, over anything that carries 64-byte reports: an interface object, or a URB pipe. It cuts
// and joins packets with code of its own, so that a mistake in src/ctaphid/packet.ts cannot hide by being made twice.
import { randomBytes } from "node:crypto";

export interface ReportPipe {
  /** Resolves when the device has taken the report. */
  send(report: Uint8Array): Promise<void>;
  /** The next report, when there is one. */
  receive(): Promise<Uint8Array>;
}

export const BROADCAST = 0xffff_ffff;

export const Command = {
  PING: 0x01,
  MSG: 0x03,
  LOCK: 0x04,
  INIT: 0x06,
  WINK: 0x08,
  CBOR: 0x10,
  CANCEL: 0x11,
  KEEPALIVE: 0x3b,
  ERROR: 0x3f,
} as const;

export interface HostMessage {
  readonly channel: number;
  readonly command: number;
  readonly data: Uint8Array;
}

/** The device answered with CTAPHID_ERROR. */
export class CtapHidFailure extends Error {
  override name = "CtapHidFailure";
  readonly code: number;

  constructor(code: number) {
    super(`CTAPHID_ERROR 0x${code.toString(16).padStart(2, "0")}`);
    this.code = code;
  }
}

/** The reports of one message; `length` lies about it where a test wants that. */
export function cut({ channel, command, data }: HostMessage, length = data.length): Uint8Array[] {
  const first = Buffer.alloc(64);
  first.writeUInt32BE(channel, 0);
  first.writeUInt8(0x80 | command, 4);
  first.writeUInt16BE(length, 5);
  first.set(data.subarray(0, 57), 7);
  const reports = [first];
  for (let at = 57; at < data.length; at += 59) {
    const next = Buffer.alloc(64);
    next.writeUInt32BE(channel, 0);
    next.writeUInt8(reports.length - 1, 4);
    next.set(data.subarray(at, at + 59), 5);
    reports.push(next);
  }
  return reports;
}

/** Joins reports to messages, strictly: throws on whatever a device must not send. */
export class Joiner {
  #open: { channel: number; command: number; data: Buffer; filled: number; sequence: number } | undefined;

  /** The message that `report` completes, if it does. */
  add(report: Uint8Array): HostMessage | undefined {
    if (report.length !== 64) throw new Error(`a report of ${report.length} bytes`);
    const packet = Buffer.from(report.buffer, report.byteOffset, report.length);
    const channel = packet.readUInt32BE(0);
    const mark = packet.readUInt8(4);
    let body: Buffer;
    if (mark >= 0x80) {
      if (this.#open !== undefined) throw new Error("a message began before the last one ended");
      this.#open = {
        channel,
        command: mark & 0x7f,
        data: Buffer.alloc(packet.readUInt16BE(5)),
        filled: 0,
        sequence: 0,
      };
      body = packet.subarray(7);
    } else {
      if (this.#open === undefined) throw new Error("a continuation packet without a message");
      if (this.#open.channel !== channel) throw new Error("packets of two messages are mixed");
      if (this.#open.sequence++ !== mark) throw new Error(`continuation packet ${mark} is out of order`);
      body = packet.subarray(5);
    }
    const open = this.#open;
    const length = Math.min(body.length, open.data.length - open.filled);
    open.data.set(body.subarray(0, length), open.filled);
    if (body.subarray(length).some((byte) => byte !== 0)) throw new Error("the padding of a packet is not zero");
    open.filled += length;
    if (open.filled < open.data.length) return undefined;
    this.#open = undefined;
    return { channel, command: open.command, data: open.data };
  }

  /** Forgets a message of which the rest will not come. */
  reset(): void {
    this.#open = undefined;
  }
}

export interface InitReply {
  readonly nonce: Uint8Array;
  readonly channel: number;
  readonly protocolVersion: number;
  readonly deviceVersion: readonly [number, number, number];
  readonly capabilities: number;
}

export function parseInitReply(data: Uint8Array): InitReply {
  const reply = Buffer.from(data);
  if (reply.length !== 17) throw new Error(`an INIT reply of ${reply.length} bytes`);
  return {
    nonce: reply.subarray(0, 8),
    channel: reply.readUInt32BE(8),
    protocolVersion: reply.readUInt8(12),
    deviceVersion: [reply.readUInt8(13), reply.readUInt8(14), reply.readUInt8(15)],
    capabilities: reply.readUInt8(16),
  };
}

/** One client with a channel of its own, one request at a time. Messages on other channels are not its business. */
export class CtapHidClient {
  readonly #pipe: ReportPipe;
  readonly #joiner = new Joiner();
  #channel = BROADCAST;
  #init: InitReply | undefined;

  constructor(pipe: ReportPipe) {
    this.#pipe = pipe;
  }

  /** Opens a channel on the broadcast channel. */
  static async open(pipe: ReportPipe): Promise<CtapHidClient> {
    const client = new CtapHidClient(pipe);
    await client.init();
    return client;
  }

  get channel(): number {
    return this.#channel;
  }

  /** What the device said of itself when the channel was opened. */
  get initReply(): InitReply {
    if (this.#init === undefined) throw new Error("no channel yet");
    return this.#init;
  }

  /** CTAPHID_INIT: a channel for who has none, a fresh start on it for who has. */
  async init(): Promise<InitReply> {
    const nonce = randomBytes(8);
    await this.#send(Command.INIT, nonce);
    this.#joiner.reset();
    for (;;) {
      const message = await this.#receive();
      if (message.command !== Command.INIT || message.channel !== this.#channel) continue;
      const reply = parseInitReply(message.data);
      if (!nonce.equals(reply.nonce)) continue;
      this.#channel = reply.channel;
      this.#init = reply;
      return reply;
    }
  }

  /** One request and its answer. Throws CtapHidFailure for a CTAPHID_ERROR. */
  async request(command: number, data: Uint8Array, onKeepalive?: (status: number) => void): Promise<Uint8Array> {
    await this.#send(command, data);
    for (;;) {
      const message = await this.#receive();
      if (message.channel !== this.#channel) continue;
      if (message.command === Command.KEEPALIVE) {
        onKeepalive?.(message.data[0] ?? 0);
        continue;
      }
      if (message.command === Command.ERROR) throw new CtapHidFailure(message.data[0] ?? 0);
      if (message.command !== command) throw new Error(`an answer to command ${message.command} instead of ${command}`);
      return message.data;
    }
  }

  ping(data: Uint8Array): Promise<Uint8Array> {
    return this.request(Command.PING, data);
  }

  /** A command APDU; the answer ends with its status word. */
  msg(apdu: Uint8Array): Promise<Uint8Array> {
    return this.request(Command.MSG, apdu);
  }

  /** A CTAP2 command byte and its parameters, already encoded; the answer begins with the status byte. */
  cbor(request: Uint8Array, onKeepalive?: (status: number) => void): Promise<Uint8Array> {
    return this.request(Command.CBOR, request, onKeepalive);
  }

  /** Asks for an end of the request under way, whose own answer still comes. */
  cancel(): Promise<void> {
    return this.#send(Command.CANCEL, new Uint8Array(0));
  }

  async #send(command: number, data: Uint8Array): Promise<void> {
    for (const report of cut({ channel: this.#channel, command, data })) await this.#pipe.send(report);
  }

  async #receive(): Promise<HostMessage> {
    for (;;) {
      const message = this.#joiner.add(await this.#pipe.receive());
      if (message !== undefined) return message;
    }
  }
}
