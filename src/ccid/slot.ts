// The slot with the card in it, shared by all readers of a key (the CCID interface, vpcd): whether the card is there,
// which reader gives it power, and the way of an APDU to the applets. USB CCID 1.1 §3, §6.2.6
import type { Transport } from "../transport.ts";
import { DEFAULT_ATR } from "./atr.ts";
import { IccStatus } from "./message.ts";

/** What the slot needs of a card; ApduDispatcher is one. */
export interface Card {
  /** The power went or came, or stayed on in a warm reset: PINs are to be given again, no applet is selected. */
  reset(isWarm?: boolean): void;
  /** A command APDU in, a response APDU out. Never rejects. */
  exchange(message: Uint8Array, transport: Transport): Promise<Uint8Array>;
}

export interface CardReader {
  /** The card was ejected or inserted. */
  cardMoved(): void;
}

export class Slot {
  readonly atr: Uint8Array;
  readonly #card: Card;
  readonly #readers = new Set<CardReader>();
  readonly #powering = new Set<CardReader>();
  #isPresent = true;

  /** `atr`: Latchkey's own unless given. */
  constructor(card: Card, atr: Uint8Array = DEFAULT_ATR) {
    this.#card = card;
    this.atr = atr;
  }

  get isPresent(): boolean {
    return this.#isPresent;
  }

  /** `reader` is told from now on when the card moves. */
  connect(reader: CardReader): void {
    this.#readers.add(reader);
  }

  disconnect(reader: CardReader): void {
    this.#readers.delete(reader);
    this.powerOff(reader);
  }

  /** As `reader` sees it: each has switched on the card's power or not. */
  status(reader: CardReader): IccStatus {
    if (!this.#isPresent) return IccStatus.ABSENT;
    return this.#powering.has(reader) ? IccStatus.ACTIVE : IccStatus.INACTIVE;
  }

  /** Resets the card, whoever used it. Returns the answer to reset, or undefined where no card is. */
  powerOn(reader: CardReader): Uint8Array | undefined {
    if (!this.#isPresent) return undefined;
    const isWarm = this.#powering.has(reader);
    this.#powering.add(reader);
    this.#card.reset(isWarm);
    return this.atr;
  }

  powerOff(reader: CardReader): void {
    if (this.#powering.delete(reader)) this.#card.reset();
  }

  /** For a reader that powers the card. Never rejects. */
  exchange(command: Uint8Array, transport: Transport): Promise<Uint8Array> {
    return this.#card.exchange(command, transport);
  }

  /** Ejects the card, or inserts it. False when it was there already. */
  move(where: "in" | "out"): boolean {
    const isPresent = where === "in";
    if (this.#isPresent === isPresent) return false;
    this.#isPresent = isPresent;
    if (!isPresent) {
      this.#powering.clear();
      this.#card.reset();
    }
    for (const reader of [...this.#readers]) reader.cardMoved();
    return true;
  }
}
