// What each CTAPHID command does, and the one transaction that may be under way. CTAP 2.3 §11.2.5 (arbitration),
// §11.2.9.1 (mandatory commands), §11.2.9.2 (optional commands)
import { bytes, struct, u8, u32be } from "../bytes/struct.ts";
import type { Logger } from "../log.ts";
import type { KeepaliveStatus } from "../transport.ts";
import { Turns } from "../turns.ts";
import type { CtapHidApplication, MessageHandler } from "./application.ts";
import { MessageAssembler } from "./assembler.ts";
import { Channels, isReservedChannel } from "./channels.ts";
import {
  BROADCAST_CHANNEL,
  CtapHidCommand,
  CtapHidError,
  CtapHidErrorCode,
  commandName,
  encodePackets,
  MAX_MESSAGE_LENGTH,
  type Message,
  type Packet,
} from "./packet.ts";
import { Request } from "./request.ts";

/** The answer to CTAPHID_INIT. CTAP 2.3 §11.2.9.1.3 */
const InitResponse = struct({
  nonce: bytes(8),
  CID: u32be,
  protocolVersion: u8,
  majorDeviceVersion: u8,
  minorDeviceVersion: u8,
  buildDeviceVersion: u8,
  capabilities: u8,
});

const PROTOCOL_VERSION = 2;
/** NMSG is the one that denies something: CTAPHID_MSG. CTAP 2.3 §11.2.9.1.3 */
const Capability = { WINK: 0x01, CBOR: 0x04, NMSG: 0x08 } as const;

/** The data of CTAPHID_KEEPALIVE. CTAP 2.3 §11.2.9.1.7 */
const KEEPALIVE_STATUS: Readonly<Record<KeepaliveStatus, number>> = { processing: 1, upneeded: 2 };

/** Our own fault, as a CTAP2 status. CTAP 2.3 §8.2 */
const CTAP1_ERR_OTHER = 0x7f;

const MAX_LOCK_SECONDS = 10;
const NOTHING = new Uint8Array(0);

/** The three numbers that CTAPHID_INIT shows, one byte each. */
export interface DeviceVersion {
  readonly major: number;
  readonly minor: number;
  readonly build: number;
}

export interface DispatcherOptions {
  readonly application: CtapHidApplication;
  readonly version: DeviceVersion;
  readonly log: Logger;
  randomBytes(length: number): Uint8Array;
  /** Sends the packets of one message. `isReply` is false for a keepalive, which no request of the host asked for. */
  send(packets: readonly Uint8Array[], isReply: boolean): void;
  /** Takes back what `channel` was sent and has not read. */
  flush(channel: number): void;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #channels: Channels;
  readonly #assembler: MessageAssembler;
  readonly #handlers: ReadonlyMap<number, MessageHandler>;
  readonly #capabilities: number;
  /** The transaction that an applet works on. One at a time: others are told CHANNEL_BUSY. CTAP 2.3 §11.2.5.1 */
  #request: Request | undefined;
  /** An applet finishes what was aborted before it sees the next request. */
  readonly #handling = new Turns();

  constructor(options: DispatcherOptions) {
    const { application } = options;
    this.#options = options;
    this.#channels = new Channels((length) => options.randomBytes(length));
    this.#assembler = new MessageAssembler({
      admit: (channel, command) => this.#admit(channel, command),
      onTimeout: (channel) => this.#send(errorMessage(channel, CtapHidErrorCode.ERR_MSG_TIMEOUT)),
    });
    const { cbor, msg, vendor } = application;
    const handlers = new Map(vendor);
    if (msg !== undefined) handlers.set(CtapHidCommand.MSG, msg);
    if (cbor !== undefined) handlers.set(CtapHidCommand.CBOR, cbor);
    this.#handlers = handlers;
    this.#capabilities =
      Capability.WINK | (cbor === undefined ? 0 : Capability.CBOR) | (msg === undefined ? Capability.NMSG : 0);
  }

  /** Takes one packet. Never throws, never waits. */
  receive(packet: Packet): void {
    void this.#serve(packet);
  }

  /** A new attach: aborts what is under way, forgets channels and lock. */
  reset(): void {
    this.#abandon();
    this.#assembler.drop();
    this.#channels.clear();
  }

  /** Nobody reads any more: the request under way is cancelled. Its answer says so, should somebody read it after all. */
  cancelUnread(): void {
    this.#request?.cancel();
  }

  /** The only place that catches: a request ends here, one way or another. */
  async #serve(packet: Packet): Promise<void> {
    let message: Message | undefined;
    let request: Request | undefined;
    let answer: Message | undefined;
    try {
      message = this.#assembler.add(packet);
      if (message === undefined) return;
      this.#log("<", message);
      const handler = this.#handlers.get(message.command);
      if (handler === undefined) {
        answer = this.#answer(message);
      } else {
        const mayBeEmpty = this.#options.application.vendor.has(message.command);
        if (message.data.length === 0 && !mayBeEmpty) throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_LEN);
        request = this.#begin(message);
        const { channel, command } = message;
        answer = { channel, command, data: await this.#call(handler, message, request) };
      }
    } catch (error) {
      answer = this.#explain(packet.channel, message?.command, error);
    }
    if (request !== undefined && !this.#end(request)) return;
    if (answer !== undefined) this.#send(answer);
  }

  /** Whether a message may begin. Throws CtapHidError. */
  #admit(channel: number, command: number): void {
    if (isReservedChannel(channel)) throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_CHANNEL);
    // Before the channel is looked up: who asks while the key is busy is told that, whoever it is (§11.2.5.1). A
    // locked key is busy for the others too (§11.2.9.2.2): clients try again after CHANNEL_BUSY, whereas
    // LOCK_REQUIRED would ask them to lock it themselves.
    const isBusy = this.#request !== undefined || this.#assembler.channel !== undefined;
    if (isBusy || this.#channels.isLockedOut(channel)) throw new CtapHidError(CtapHidErrorCode.ERR_CHANNEL_BUSY);
    if (!this.#channels.use(channel)) throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_CHANNEL);
    if (!this.#handlers.has(command) && !OWN_COMMANDS.has(command)) {
      throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_CMD);
    }
  }

  /** The commands that no applet sees: their answer, or undefined where there is none. Throws CtapHidError. */
  #answer(message: Message): Message | undefined {
    const { channel, command, data } = message;
    switch (command) {
      case CtapHidCommand.PING:
        return message;
      case CtapHidCommand.INIT:
        return { channel, command, data: this.#initialize(channel, data) };
      case CtapHidCommand.WINK:
        if (data.length !== 0) throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_LEN);
        this.#options.application.wink();
        return message;
      case CtapHidCommand.LOCK:
        this.#lock(channel, data);
        return { channel, command, data: NOTHING };
      case CtapHidCommand.CANCEL:
        this.#cancel(channel);
        return undefined;
      default:
        throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_CMD);
    }
  }

  /**
   * Gives a channel to who has none, and starts over on the channel of who has one. Answered even while another
   * channel is busy: §11.2.5.1 refuses a *request*, and INIT disturbs nobody else's. A client that meets CHANNEL_BUSY
   * here (libfido2, browsers that look for keys while one waits for a touch) drops the key. The lock is stricter: "any
   * other channel trying to send a message will fail" (§11.2.9.2.2).
   *
   * A channel that nobody allocated is its client's from now on. The specification has no error for that, other keys
   * (Solo, Canokey) do the same, and test suites that descend from SoloKeys' fido2-tests choose their own.
   */
  #initialize(channel: number, nonce: Uint8Array): Uint8Array {
    if (channel === 0) throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_CHANNEL);
    if (this.#channels.isLockedOut(channel)) throw new CtapHidError(CtapHidErrorCode.ERR_CHANNEL_BUSY);
    const isBroadcast = channel === BROADCAST_CHANNEL;
    if (!isBroadcast) {
      this.#channels.adopt(channel);
      if (this.#request?.channel === channel) this.#abandon();
      this.#options.flush(channel);
    }
    const { version } = this.#options;
    return InitResponse.encode({
      nonce,
      CID: isBroadcast ? this.#channels.allocate() : channel,
      protocolVersion: PROTOCOL_VERSION,
      majorDeviceVersion: version.major,
      minorDeviceVersion: version.minor,
      buildDeviceVersion: version.build,
      capabilities: this.#capabilities,
    });
  }

  #lock(channel: number, data: Uint8Array): void {
    const [seconds] = data;
    if (seconds === undefined || data.length !== 1) throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_LEN);
    if (seconds > MAX_LOCK_SECONDS) throw new CtapHidError(CtapHidErrorCode.ERR_INVALID_PAR);
    this.#channels.lock(channel, seconds);
  }

  /** Only a CTAPHID_CBOR request on its own channel; anything else is ignored. CTAP 2.3 §11.2.9.1.5 */
  #cancel(channel: number): void {
    if (this.#request?.channel === channel && this.#request.command === CtapHidCommand.CBOR) this.#request.cancel();
  }

  #begin({ channel, command }: Message): Request {
    this.#request = new Request({
      channel,
      command,
      // U2F hosts are older than keepalives and take one for a wrong answer (libu2f-host does); CTAPHID_MSG never
      // waits for a touch, they poll for it instead.
      sendKeepalive: command === CtapHidCommand.MSG ? undefined : (status) => this.#keepalive(channel, status),
    });
    return this.#request;
  }

  /** One handler at a time: the applets behind CBOR and MSG share their state. None for what was abandoned meanwhile. */
  async #call(handler: MessageHandler, { data }: Message, request: Request): Promise<Uint8Array> {
    const answer = await this.#handling.take(() => (this.#request === request ? handler(data, request) : NOTHING));
    if (answer.length > MAX_MESSAGE_LENGTH) throw new RangeError(`an answer of ${answer.length} bytes`);
    return answer;
  }

  /** False for a request that was abandoned: its answer must not be sent. */
  #end(request: Request): boolean {
    request.finish();
    if (this.#request !== request) return false;
    this.#request = undefined;
    return true;
  }

  /** Aborts the request under way; its answer is of no interest any more. */
  #abandon(): void {
    this.#request?.finish();
    this.#request?.cancel();
    this.#request = undefined;
  }

  /** The error as an answer. What no protocol knows is our fault: it is logged, and the key goes on. */
  #explain(channel: number, command: number | undefined, error: unknown): Message {
    if (error instanceof CtapHidError) return errorMessage(channel, error.code);
    this.#options.log.error(`CTAPHID ${command === undefined ? "packet" : commandName(command)} failed`, error);
    if (command === CtapHidCommand.CBOR) {
      return { channel, command: CtapHidCommand.CBOR, data: Uint8Array.of(CTAP1_ERR_OTHER) };
    }
    return errorMessage(channel, CtapHidErrorCode.ERR_OTHER);
  }

  #keepalive(channel: number, status: KeepaliveStatus): void {
    const data = Uint8Array.of(KEEPALIVE_STATUS[status]);
    this.#send({ channel, command: CtapHidCommand.KEEPALIVE, data }, false);
  }

  #send(message: Message, isReply = true): void {
    this.#log(">", message);
    this.#options.send(encodePackets(message), isReply);
  }

  /** Command, channel and length; never the data. */
  #log(direction: "<" | ">", { channel, command, data }: Message): void {
    this.#options.log.traffic(() => {
      const hex = channel.toString(16).padStart(8, "0");
      return `CTAPHID ${direction} ${hex} ${commandName(command)}, ${data.length} bytes`;
    });
  }
}

const OWN_COMMANDS: ReadonlySet<number> = new Set([CtapHidCommand.PING, CtapHidCommand.WINK, CtapHidCommand.LOCK]);

function errorMessage(channel: number, code: CtapHidErrorCode): Message {
  return { channel, command: CtapHidCommand.ERROR, data: Uint8Array.of(code) };
}
