// The card in vsmartcard's virtual reader: a TCP client of its driver for pcscd, for machines without vhci-hcd.
// vsmartcard's documentation, "Virtual Smart Card Architecture", and virtualsmartcard/src/vpcd/vpcd.h
//
//   length 2, big-endian · payload      one byte: 00 power off, 01 power on, 02 reset, 04 what is the ATR?
//                                       more: a command APDU
//   Only 04 and APDUs are answered, in the same form and in order.
import { connect, type Socket } from "node:net";
import { concat } from "../bytes/concat.ts";
import { encodeU16be } from "../bytes/integer.ts";
import { Reader } from "../bytes/reader.ts";
import type { Logger } from "../log.ts";
import { FOREIGN_READER, type Transport } from "../transport.ts";
import { withoutSpeed } from "./atr.ts";
import { IccStatus } from "./message.ts";
import type { CardReader, Slot } from "./slot.ts";

/** What the driver listens on, unless its reader.conf says otherwise: 0x8C7B. */
export const VPCD_PORT = 35_963;

const Control = { POWER_OFF: 0x00, POWER_ON: 0x01, RESET: 0x02, GET_ATR: 0x04 } as const;
const LENGTH_SIZE = 2;
/** The most bytes that a length can say. */
const MAX_PAYLOAD = 0xffff;

/** APDUs at most that have no answer yet. The driver sends one and waits. */
const MAX_UNDER_WAY = 16;

/** Milliseconds from one attempt to connect to the next: twice as long each time, up to the last. */
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 8_000;

export interface VpcdOptions {
  readonly host: string;
  readonly port: number;
  readonly slot: Slot;
  readonly log: Logger;
}

export class VpcdClient implements CardReader {
  readonly #options: VpcdOptions;
  readonly #address: string;
  #socket: Socket | undefined;
  #received: Uint8Array = new Uint8Array(0);
  #abort = new AbortController();
  /** APDUs that have come and are not answered. */
  #underWay = 0;
  #retryMs = FIRST_RETRY_MS;
  #retry: NodeJS.Timeout | undefined;
  #isWarned = false;
  #isClosed = false;

  constructor(options: VpcdOptions) {
    this.#options = options;
    this.#address = options.host.includes(":")
      ? `[${options.host}]:${options.port}`
      : `${options.host}:${options.port}`;
    options.slot.connect(this);
    this.#connect();
  }

  /** An ejected card is one that has hung up. */
  cardMoved(): void {
    if (this.#options.slot.isPresent) this.#connect();
    else this.#hangUp();
  }

  /** Takes the card out for good. */
  close(): void {
    this.#isClosed = true;
    this.#hangUp();
    this.#options.slot.disconnect(this);
  }

  #connect(): void {
    clearTimeout(this.#retry);
    if (this.#isClosed || this.#socket !== undefined || !this.#options.slot.isPresent) return;
    const { host, port, log } = this.#options;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    socket.on("connect", () => {
      this.#retryMs = FIRST_RETRY_MS;
      this.#isWarned = false;
      log.info(`the card is in the vpcd reader at ${this.#address}`);
    });
    socket.on("data", (data) => this.#receive(socket, data));
    socket.on("error", (error) => this.#warn(error));
    socket.on("close", () => this.#closed(socket));
  }

  #hangUp(): void {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#forget();
    socket?.destroy();
  }

  /** Of the connection, and what was under way over it. */
  #forget(): void {
    this.#socket = undefined;
    this.#received = new Uint8Array(0);
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#options.slot.powerOff(this);
  }

  #closed(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#forget();
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  /** Once for each time that the driver is away. */
  #warn(error: Error): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    const reason = "code" in error && error.code === "ECONNREFUSED" ? "nobody listens there" : error.message;
    this.#options.log.warn(
      `no vpcd reader at ${this.#address} (${reason}): start pcscd with vsmartcard's driver; the key goes on trying.`,
    );
  }

  #receive(socket: Socket, data: Uint8Array): void {
    this.#received = concat(this.#received, data);
    while (!socket.destroyed) {
      const reader = new Reader(this.#received);
      if (reader.remaining < LENGTH_SIZE) return;
      const length = reader.u16be();
      if (reader.remaining < length) return;
      const payload = Uint8Array.from(reader.bytes(length));
      this.#received = reader.rest();
      this.#handle(socket, payload);
    }
  }

  #handle(socket: Socket, payload: Uint8Array): void {
    const { slot } = this.#options;
    if (payload.length > 1) {
      void this.#exchange(socket, payload);
      return;
    }
    switch (payload[0]) {
      case Control.POWER_OFF:
        slot.powerOff(this);
        return;
      case Control.POWER_ON:
      case Control.RESET:
        slot.powerOn(this);
        return;
      case Control.GET_ATR:
        // A YubiKey's own says that it is met over its own USB interface.
        answer(socket, withoutSpeed(slot.atr));
        return;
    }
    this.#options.log.debug(`vpcd: ignored a message of ${payload.length} bytes`);
  }

  async #exchange(socket: Socket, command: Uint8Array): Promise<void> {
    const { slot, log } = this.#options;
    if (this.#underWay >= MAX_UNDER_WAY) {
      log.warn(`the vpcd reader at ${this.#address} does not wait for its answers; connection closed`);
      socket.destroy();
      return;
    }
    // The driver asks for the ATR of a card that it has not switched on, and some of its versions go on with APDUs.
    if (slot.status(this) === IccStatus.INACTIVE) slot.powerOn(this);
    const transport: Transport = { name: "ccid", channel: FOREIGN_READER, signal: this.#abort.signal, keepalive() {} };
    this.#underWay += 1;
    const response = await slot.exchange(command, transport);
    this.#underWay -= 1;
    if (this.#socket !== socket) return;
    if (response.length > MAX_PAYLOAD) {
      log.error(`vpcd: an answer of ${response.length} bytes has no room in a message`);
      socket.destroy();
      return;
    }
    answer(socket, response);
  }
}

function answer(socket: Socket, payload: Uint8Array): void {
  socket.write(concat(encodeU16be(payload.length), payload));
}
