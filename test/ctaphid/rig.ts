// A CTAPHID interface on the bench: a scripted application behind it, and in front a host that polls the IN endpoint
// all the time, as a kernel does. Time is vitest's: `after(ms)` turns the clock.
import { vi } from "vitest";
import { encodeU32be } from "../../src/bytes/integer.ts";
import type { Place } from "../../src/composition.ts";
import type { CtapHidApplication, MessageHandler } from "../../src/ctaphid/application.ts";
import { CtapHidInterface } from "../../src/ctaphid/interface.ts";
import { createLogger, type Logger, silentLogger } from "../../src/log.ts";
import type { Transport } from "../../src/transport.ts";
import {
  BROADCAST,
  Command,
  cut,
  type HostMessage,
  Joiner,
  parseInitReply,
  type ReportPipe,
} from "../support/ctaphid-client.ts";

export const NOTHING = new Uint8Array(0);
export const NONCE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

/** A handler whose calls wait until the test answers them. */
export class ScriptedHandler {
  readonly calls: {
    readonly message: Uint8Array;
    readonly transport: Transport;
    readonly answer: (data: Uint8Array) => void;
    readonly fail: (error: unknown) => void;
  }[] = [];

  readonly handle: MessageHandler = (message, transport) =>
    new Promise((answer, fail) => {
      this.calls.push({ message, transport, answer, fail });
    });

  /** The latest call. */
  get last(): ScriptedHandler["calls"][number] {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error("the handler was not called");
    return call;
  }
}

/** A handler that answers with what it was sent. */
export const echo: MessageHandler = (message) => Promise.resolve(message);

/** The interface, with channel ids that count up from 0a0b0c01. */
export function createInterface(
  application: Partial<CtapHidApplication> = {},
  log: Logger = silentLogger,
  numbers: Pick<Place, "interfaceNumber" | "endpoint"> = { interfaceNumber: 2, endpoint: 5 },
): CtapHidInterface {
  let id = 0x0a0b_0c00;
  return new CtapHidInterface({
    application: { cbor: echo, msg: echo, vendor: new Map(), wink: () => {}, ...application },
    version: { major: 3, minor: 1, build: 4 },
    log,
    ...numbers,
    randomBytes: () => encodeU32be(++id),
  });
}

export class Rig {
  readonly interface: CtapHidInterface;
  readonly log: string[] = [];
  readonly #joiner = new Joiner();
  readonly #arrived: Uint8Array[] = [];

  constructor(application: Partial<CtapHidApplication> = {}) {
    this.interface = createInterface(
      application,
      createLogger("traffic", (line) => this.log.push(line)),
    );
    void this.#poll();
  }

  async #poll(): Promise<void> {
    const { signal } = new AbortController();
    for (;;) this.#arrived.push(await this.interface.endpoints[0].queue.pull(64, signal));
  }

  /** One OUT transfer. */
  put(report: Uint8Array): void {
    this.interface.endpoints[1].receive(report);
  }

  send(channel: number, command: number, data: Uint8Array): void {
    for (const report of cut({ channel, command, data })) this.put(report);
  }

  /** The reports that arrive until `ms` have passed. */
  async reportsAfter(ms: number): Promise<Uint8Array[]> {
    await vi.advanceTimersByTimeAsync(ms);
    return this.#arrived.splice(0);
  }

  /** The messages that arrive until `ms` have passed. */
  async after(ms: number): Promise<HostMessage[]> {
    const messages: HostMessage[] = [];
    for (const report of await this.reportsAfter(ms)) {
      const message = this.#joiner.add(report);
      if (message !== undefined) messages.push(message);
    }
    return messages;
  }

  /** Sends a message, and gives what comes back at once. */
  async exchange(channel: number, command: number, data: Uint8Array): Promise<HostMessage[]> {
    this.send(channel, command, data);
    return this.after(0);
  }

  /** Opens a channel. */
  async open(): Promise<number> {
    const [reply] = await this.exchange(BROADCAST, Command.INIT, NONCE);
    if (reply?.command !== Command.INIT) throw new Error("INIT was not answered");
    return parseInitReply(reply.data).channel;
  }
}

export function error(channel: number, code: number): HostMessage {
  return { channel, command: Command.ERROR, data: Buffer.of(code) };
}

export function keepalive(channel: number, status: number): HostMessage {
  return { channel, command: Command.KEEPALIVE, data: Buffer.of(status) };
}

/** A client of `interface_` without a kernel or a socket between. */
export function directPipe(interface_: CtapHidInterface): ReportPipe {
  const [input, output] = interface_.endpoints;
  const { signal } = new AbortController();
  return {
    send: (report) => Promise.resolve(output.receive(report)),
    receive: () => input.queue.pull(64, signal),
  };
}
