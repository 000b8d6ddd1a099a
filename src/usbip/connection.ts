// One client's TCP connection: operations until a device is imported, then that device's transfers until it closes.
// Bytes that are no USB/IP end this connection and nothing else.
import type { Socket } from "node:net";
import { concat } from "../bytes/concat.ts";
import type { Logger } from "../log.ts";
import type { ExportedDevice } from "./exported-device.ts";
import { FrameSplitter, type Framing } from "./frame-splitter.ts";
import {
  OpCode,
  OpCommon,
  OpDevlistReply,
  OpImportRequest,
  OpStatus,
  quoteBusid,
  USBIP_VERSION,
  UsbIpProtocolError,
  UsbipUsbDevice,
} from "./protocol.ts";
import { Transfers } from "./transfers.ts";

export interface ConnectionOptions {
  /** By busid, in the order of the list. */
  readonly exports: ReadonlyMap<string, ExportedDevice>;
  readonly log: Logger;
  /** How long a client that has imported nothing may take for each request. */
  readonly requestTimeoutMs: number;
  /** How long a client may leave more than WRITE_LIMIT bytes of replies unread. */
  readonly stallTimeoutMs: number;
  readonly onAttach?: (exported: ExportedDevice, peer: string) => void;
  readonly onDetach?: (exported: ExportedDevice, peer: string) => void;
}

/** Replies that wait for the client to read them; above this nothing more is read from it. */
const WRITE_LIMIT = 1 << 20;
/** Requests taken in a row; then other connections have their turn, and the replies their way out. */
const BATCH = 64;
/**
 * After this long without a byte the kernel probes; libuv sets one probe a second, and ten without an answer end the
 * connection, so a vanished host's device is free within 20 s. If a reply to it was under way, the kernel repeats that
 * instead, for up to 15 minutes (Linux tcp_retries2): Node has no TCP_USER_TIMEOUT to shorten it.
 */
const KEEPALIVE_DELAY_MS = 10_000;
/** Of which there need be only one: queueMicrotask makes a resource for each. */
const SETTLED = Promise.resolve();
/** How long a connection that was ended from here may take to close. */
const CLOSE_TIMEOUT_MS = 500;

/** Before an import: op_common, and the busid of OP_REQ_IMPORT. */
const operationFraming: Framing = {
  headLength: OpCommon.size,
  frameLength: (head) => {
    const { version, code } = OpCommon.parse(head);
    if (version !== USBIP_VERSION) throw new UsbIpProtocolError(`version 0x${version.toString(16)}`);
    if (code === OpCode.OP_REQ_DEVLIST) return OpCommon.size;
    if (code === OpCode.OP_REQ_IMPORT) return OpCommon.size + OpImportRequest.size;
    throw new UsbIpProtocolError(`unknown operation 0x${code.toString(16)}`);
  },
};

export class Connection {
  /** The client's address and port. */
  readonly peer: string;
  /** Resolves when it is closed, and its device free again. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #log: Logger;
  readonly #splitter = new FrameSplitter();
  readonly #replies: Uint8Array[] = [];
  #imported: { readonly exported: ExportedDevice; readonly transfers: Transfers } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isEnding = false;
  /** Requests are being taken: what is ready meanwhile leaves when they are. */
  #isProcessing = false;
  /** Replies pile up: the client has to read before more is read from it. */
  #isBlocked = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    const { remoteAddress, remotePort, remoteFamily } = socket;
    this.peer = `${remoteFamily === "IPv6" ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`;
    this.#socket = socket;
    this.#options = options;
    this.#log = options.log;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_DELAY_MS);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("drain", () => this.#unblock());
    socket.on("error", (error) => this.#log.debug(`${this.peer}: ${error.message}`));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#closed();
        resolve();
      });
    });
    this.#limit(options.requestTimeoutMs, "no request");
  }

  /** The device that this client has, if it has one. */
  get exported(): ExportedDevice | undefined {
    return this.#imported?.exported;
  }

  /** Detaches: what waits is cancelled, and the client is told by an orderly end of the stream. */
  end(): void {
    this.#isEnding = true;
    this.#imported?.transfers.close();
    this.#flush();
    this.#socket.end();
    this.#socket.resume();
    this.#limit(CLOSE_TIMEOUT_MS, "still open");
  }

  /** Closes the connection unless something happens within that time. */
  #limit(milliseconds: number, complaint: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#log.debug(`${this.peer}: ${complaint} for ${milliseconds} ms; connection closed`);
      this.#socket.destroy();
    }, milliseconds);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#isEnding) return;
    this.#splitter.feed(chunk);
    this.#process();
  }

  #process(): void {
    this.#isProcessing = true;
    const isMoreToCome = this.#takeRequests();
    this.#isProcessing = false;
    if (!isMoreToCome) this.#flush();
    // What data bring about comes out of promises: when all of those have had their turn, so have the replies.
    else void SETTLED.then(() => process.nextTick(() => this.#flush()));
  }

  /** Takes those that have come. Whether they may soon bring about more replies than there are now. */
  #takeRequests(): boolean {
    let isMoreToCome = false;
    try {
      for (let count = 0; !this.#isBlocked; count++) {
        if (count === BATCH) {
          this.#socket.pause();
          setImmediate(() => this.#proceed());
          break;
        }
        const frame = this.#splitter.next(this.#imported?.transfers ?? operationFraming);
        if (frame === undefined) break;
        if (this.#imported === undefined) this.#operation(frame);
        else if (this.#imported.transfers.handle(frame)) isMoreToCome = true;
      }
    } catch (error) {
      if (error instanceof UsbIpProtocolError) this.#log.warn(`${this.peer}: ${error.message}; connection closed`);
      else this.#log.error(`${this.peer}: connection closed`, error);
      this.#socket.destroy();
    }
    return isMoreToCome;
  }

  #proceed(): void {
    if (this.#isEnding || this.#socket.destroyed || this.#isBlocked) return;
    this.#socket.resume();
    this.#process();
  }

  #operation(frame: Uint8Array): void {
    this.#limit(this.#options.requestTimeoutMs, "no request");
    const { code } = OpCommon.parse(frame);
    if (code === OpCode.OP_REQ_DEVLIST) this.#devlist();
    else this.#import(OpImportRequest.parse(frame.subarray(OpCommon.size)).busid);
  }

  #devlist(): void {
    const exported = [...this.#options.exports.values()];
    this.#reply(
      OpCode.OP_REP_DEVLIST,
      OpStatus.ST_OK,
      OpDevlistReply.encode({ ndev: exported.length }),
      ...exported.flatMap((each) => [UsbipUsbDevice.encode(each.record), ...each.encodedInterfaces]),
    );
  }

  #import(busid: string): void {
    const exported = this.#options.exports.get(busid);
    if (exported === undefined || !exported.claim(this.peer)) {
      const status = exported === undefined ? OpStatus.ST_NODEV : OpStatus.ST_DEV_BUSY;
      const reason = exported === undefined ? "no such device" : `in use by ${exported.importedBy}`;
      this.#log.info(`${this.peer}: import of ${quoteBusid(busid)} refused: ${reason}`);
      this.#reply(OpCode.OP_REP_IMPORT, status);
      return;
    }
    clearTimeout(this.#timer);
    const transfers = new Transfers(exported, (reply) => this.#send(reply), this.#log);
    this.#imported = { exported, transfers };
    this.#reply(OpCode.OP_REP_IMPORT, OpStatus.ST_OK, UsbipUsbDevice.encode(exported.record));
    this.#options.onAttach?.(exported, this.peer);
  }

  /** A status other than ST_OK has no body. */
  #reply(code: number, status: OpStatus, ...body: readonly Uint8Array[]): void {
    this.#send(concat(OpCommon.encode({ version: USBIP_VERSION, code, status }), ...body));
  }

  /** Replies that are ready together leave in one write. */
  #send(reply: Uint8Array): void {
    if (this.#replies.push(reply) === 1 && !this.#isProcessing) process.nextTick(() => this.#flush());
  }

  #flush(): void {
    const replies = this.#replies.splice(0);
    if (replies.length === 0 || !this.#socket.writable) return;
    this.#socket.write(replies.length === 1 ? (replies[0] as Uint8Array) : concat(...replies));
    if (this.#socket.writableLength <= WRITE_LIMIT || this.#isBlocked) return;
    this.#isBlocked = true;
    this.#socket.pause();
    this.#limit(this.#options.stallTimeoutMs, "replies unread");
  }

  #unblock(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    clearTimeout(this.#timer);
    if (this.#imported === undefined) this.#limit(this.#options.requestTimeoutMs, "no request");
    this.#proceed();
  }

  #closed(): void {
    clearTimeout(this.#timer);
    if (this.#imported === undefined) return;
    const { exported, transfers } = this.#imported;
    this.#imported = undefined;
    transfers.close();
    try {
      exported.release();
      this.#options.onDetach?.(exported, this.peer);
    } catch (error) {
      this.#log.error(`${this.peer}: detaching ${exported.busid}`, error);
    }
  }
}
