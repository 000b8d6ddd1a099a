// A client's TCP connection that reads only what it is asked for. Between requests the socket is not read at all
// (Node's `onread` buffer makes that exact), so that a kernel can take the connected socket over, as vhci-hcd does,
// without losing a byte to this process.
import { connect, type Socket } from "node:net";
import { FrameSplitter, type Framing } from "./frame-splitter.ts";

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** For the connection and for each operation on it. */
  readonly timeoutMs: number;
}

/** The connection could not be made, or ended, or the peer took too long. */
export class UsbIpConnectionError extends Error {
  override name = "UsbIpConnectionError";
}

/** One read: the host's reply is small, and larger ones come in several. */
const READ_BUFFER_SIZE = 1 << 16;

export class ClientSocket {
  readonly socket: Socket;
  readonly #splitter = new FrameSplitter();
  readonly timeoutMs: number;
  /** Told when there is more to read, or nothing more. */
  #wake: ((failure?: Error) => void) | undefined;
  #stream: ((chunk: Uint8Array) => void) | undefined;
  #failure: Error | undefined;

  private constructor({ host, port, timeoutMs }: ConnectOptions) {
    this.timeoutMs = timeoutMs;
    const callback = (length: number, buffer: Uint8Array): boolean => {
      const chunk = buffer.subarray(0, length);
      if (this.#stream !== undefined) {
        this.#stream(chunk);
        return true;
      }
      this.#splitter.feed(new Uint8Array(chunk));
      this.#wake?.();
      return false;
    };
    this.socket = connect({ host, port, noDelay: true, onread: { buffer: Buffer.alloc(READ_BUFFER_SIZE), callback } });
    this.socket.setKeepAlive(true, 10_000);
    this.socket.on("error", (error) => this.#fail(new UsbIpConnectionError(error.message, { cause: error })));
    this.socket.on("end", () => this.#fail(new UsbIpConnectionError("the server closed the connection")));
    this.socket.on("close", () => this.#fail(new UsbIpConnectionError("the connection is closed")));
  }

  /** Rejects with UsbIpConnectionError. */
  static async connect(options: ConnectOptions): Promise<ClientSocket> {
    const made = new ClientSocket(options);
    await made.#wait(`connection to ${options.host}:${options.port}`, (resolve) => {
      made.socket.once("connect", () => resolve());
    });
    return made;
  }

  /** Exactly the next `length` bytes. Rejects with UsbIpConnectionError, and then the connection is closed. */
  async read(length: number): Promise<Uint8Array> {
    const framing: Framing = { headLength: length, frameLength: () => length };
    for (;;) {
      const bytes = this.#splitter.next(framing);
      if (bytes !== undefined) return bytes;
      await this.#wait("reply", () => this.socket.resume());
    }
  }

  /** From now on every chunk goes to `consume`, which must copy what it keeps; `fail` hears of the end, once. */
  stream(consume: (chunk: Uint8Array) => void, fail: (reason: Error) => void): void {
    if (this.#failure !== undefined) {
      fail(this.#failure);
      return;
    }
    this.#stream = consume;
    this.#wake = (failure) => failure !== undefined && fail(failure);
    this.socket.resume();
  }

  #fail(reason: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.#wake?.(reason);
  }

  #wait(what: string, start: (resolve: () => void) => void): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.socket.destroy();
        reject(new UsbIpConnectionError(`no ${what} within ${this.timeoutMs} ms`));
      }, this.timeoutMs);
      const settle = (failure?: Error) => {
        clearTimeout(timer);
        this.#wake = undefined;
        if (failure === undefined) resolve();
        else reject(failure);
      };
      if (this.#failure !== undefined) {
        settle(this.#failure);
        return;
      }
      this.#wake = settle;
      start(settle);
    });
  }
}
