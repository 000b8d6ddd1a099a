// A CCID interface on the bench: a scripted card behind it, and in front a host that reads both IN endpoints all the time,
// as a driver does. Time is vitest's where a test says so.
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { CcidInterface } from "../../src/ccid/interface.ts";
import { type Card, Slot } from "../../src/ccid/slot.ts";
import { createLogger } from "../../src/log.ts";
import type { Transport } from "../../src/transport.ts";

/** Echoes an APDU with 9000 after it; INS 77 waits until the test answers or the request is cancelled (6f00). */
export class ScriptedCard implements Card {
  resets = 0;
  readonly commands: string[] = [];
  readonly waiting: { readonly transport: Transport; readonly answer: (hex: string) => void }[] = [];

  reset(): void {
    this.resets += 1;
  }

  exchange(message: Uint8Array, transport: Transport): Promise<Uint8Array> {
    this.commands.push(toHex(message));
    if (message[1] !== 0x77) return Promise.resolve(Uint8Array.of(...message, 0x90, 0x00));
    return new Promise((resolve) => {
      this.waiting.push({ transport, answer: (hex) => resolve(fromHex(hex)) });
      transport.signal.addEventListener("abort", () => resolve(fromHex("6f00")), { once: true });
    });
  }
}

interface CommandOptions {
  readonly slot?: number;
  readonly seq?: number;
  /** Three bytes. */
  readonly specific?: string;
  readonly data?: string;
  /** Of the data, when dwLength is to lie. */
  readonly length?: number;
}

/** A message as the host writes it. */
export function command(
  type: number,
  { slot = 0, seq = 1, specific = "000000", data = "", length }: CommandOptions = {},
): Uint8Array {
  const header = Buffer.alloc(7);
  header.writeUInt8(type, 0);
  header.writeUInt32LE(length ?? data.length / 2, 1);
  header.writeUInt8(slot, 5);
  header.writeUInt8(seq, 6);
  return Uint8Array.from(Buffer.concat([header, Buffer.from(specific + data, "hex")]));
}

export const POWER_ON = 0x62;
export const POWER_OFF = 0x63;
export const SLOT_STATUS = 0x65;
export const XFR_BLOCK = 0x6f;
export const ABORT = 0x72;

export class Rig {
  readonly card = new ScriptedCard();
  readonly slot: Slot;
  readonly log: string[] = [];
  readonly interface: CcidInterface;
  readonly #answers: string[] = [];
  readonly #notifications: string[] = [];

  constructor({ isReading = true, atr }: { readonly isReading?: boolean; readonly atr?: Uint8Array } = {}) {
    this.slot = new Slot(this.card, atr);
    const log = createLogger("traffic", (line) => this.log.push(line));
    this.interface = new CcidInterface({ slot: this.slot, log, interfaceNumber: 1, endpoint: 2 });
    if (!isReading) return;
    void this.#read(this.interface.endpoints[1].queue, 65_536, this.#answers);
    void this.#read(this.interface.endpoints[2].queue, 8, this.#notifications);
  }

  async #read(queue: { pull(length: number, signal: AbortSignal): Promise<Uint8Array> }, length: number, to: string[]) {
    const { signal } = new AbortController();
    for (;;) to.push(toHex(await queue.pull(length, signal)));
  }

  /** One bulk OUT transfer. */
  put(data: Uint8Array): void {
    this.interface.endpoints[0].receive(data);
  }

  /** What has come on the bulk IN pipe since the last time, in hexadecimal. */
  async answers(): Promise<string[]> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    return this.#answers.splice(0);
  }

  async notifications(): Promise<string[]> {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    return this.#notifications.splice(0);
  }

  /** One command, and the only answer to it. */
  async exchange(...args: Parameters<typeof command>): Promise<string> {
    this.put(command(...args));
    const answers = await this.answers();
    if (answers.length !== 1) throw new Error(`${answers.length} answers: ${answers.join(", ")}`);
    return answers[0] ?? "";
  }

  /** The class request ABORT. */
  abort(slot: number, seq: number): void {
    const setup = { bmRequestType: 0x21, bRequest: 0x01, wValue: (seq << 8) | slot, wIndex: 1, wLength: 0 };
    this.interface.control(setup);
  }

  /** With its power on, and nothing of that left to read. */
  async powerOn(): Promise<void> {
    await this.exchange(POWER_ON);
    await this.notifications();
  }
}

/** Header of an answer; bStatus, bError and the last byte in hexadecimal. */
export function answer(type: number, rest: string, { seq = 1, slot = 0, data = "" } = {}): string {
  const header = Buffer.alloc(7);
  header.writeUInt8(type, 0);
  header.writeUInt32LE(data.length / 2, 1);
  header.writeUInt8(slot, 5);
  header.writeUInt8(seq, 6);
  return header.toString("hex") + rest + data;
}
