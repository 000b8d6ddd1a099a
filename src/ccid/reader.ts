// The reader behind the CCID interface: what each PC_to_RDR message does and what it is answered with.
// USB CCID 1.1 §5.3.1 (ABORT), §6.1, §6.2
import type { Logger } from "../log.ts";
import { type Block, BlockChain } from "./chain.ts";
import { Exchange, TimeExtensions } from "./exchange.ts";
import {
  CcidError,
  Command,
  type CommandHeader,
  type CommandMessage,
  CommandStatus,
  IccStatus,
  messageName,
  Response,
  ResponseHeader,
  responseTo,
  SlotError,
  XfrBlockFields,
} from "./message.ts";
import { PROTOCOL_T1, parametersOf, T1Parameters } from "./parameters.ts";
import type { CardReader, Slot } from "./slot.ts";

/** bPowerSelect: automatic, 5 V, 3 V, 1.8 V. §6.1.1 */
const MAX_POWER_SELECT = 3;
/** The BWT multiplier that bError is in a time extension: one more of the usual time. §6.2.6 */
const ONCE_MORE = 1;
const NOTHING = new Uint8Array(0);

export interface ReaderOptions {
  readonly slot: Slot;
  readonly log: Logger;
  /** Sends one message on the bulk IN pipe; a time extension is one that no command asked for. */
  send(message: Uint8Array, isTimeExtension: boolean): void;
  /** Tells the host, on the interrupt pipe, whether the card is there now. */
  notify(isPresent: boolean): void;
}

interface Answer {
  readonly bSpecific?: number;
  readonly abData?: Uint8Array;
}

export class UsbCardReader implements CardReader {
  readonly #options: ReaderOptions;
  readonly #slot: Slot;
  readonly #chain = new BlockChain();
  #parameters: Uint8Array;
  /** The only command that takes time; others are refused meanwhile. bMaxCCIDBusySlots 1 */
  #exchange: Exchange | undefined;
  readonly #timeExtensions = new TimeExtensions(() => this.#requestTime());
  /** bSeq of an ABORT that has come on one pipe and not yet on the other. §5.3.1 */
  #abortOnControl: number | undefined;
  #abortOnBulk: CommandHeader | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#slot = options.slot;
    this.#parameters = parametersOf(this.#slot.atr);
    this.#slot.connect(this);
  }

  /** A new attach: the card loses its power. */
  reset(): void {
    this.#abandon();
    this.#abortOnControl = undefined;
    this.#abortOnBulk = undefined;
    this.#slot.powerOff(this);
  }

  /** It is not there any more. */
  dispose(): void {
    this.reset();
    this.#timeExtensions.dispose();
    this.#slot.disconnect(this);
  }

  cardMoved(): void {
    if (!this.#slot.isPresent) this.#endWithoutCard();
    this.#options.notify(this.#slot.isPresent);
  }

  /** Takes one whole command. Never throws, never waits. */
  receive({ header, abData }: CommandMessage): void {
    this.#options.log.traffic(() => `CCID < ${messageName(header.bMessageType)}, ${abData.length} bytes`);
    try {
      const answer = this.#carryOut(header, abData);
      if (answer !== undefined) this.#answer(header, answer);
    } catch (error) {
      this.#fail(header, error);
    }
  }

  /** Answers a command whose length is wrong. */
  refuse(header: CommandHeader): void {
    this.#fail(header, new CcidError(header.bSlot === 0 ? SlotError.BAD_LENGTH : SlotError.BAD_SLOT));
  }

  /** The class request ABORT. False when there is no such slot. §5.3.1 */
  abort(bSlot: number, bSeq: number): boolean {
    if (bSlot !== 0) return false;
    this.#abortOnControl = bSeq;
    this.#abortIfBoth();
    return true;
  }

  /** Nobody reads any more: the APDU under way is cancelled. */
  cancelUnread(): void {
    this.#exchange?.cancel();
  }

  /** Undefined when the answer comes later. Throws CcidError. */
  #carryOut(header: CommandHeader, abData: Uint8Array): Answer | undefined {
    if (header.bSlot !== 0) throw new CcidError(SlotError.BAD_SLOT);
    if (header.bMessageType === Command.ABORT) return this.#abortCommand(header, abData);
    const isAborting = this.#abortOnControl !== undefined || this.#abortOnBulk !== undefined;
    if (isAborting) throw new CcidError(SlotError.CMD_ABORTED);
    if (this.#exchange !== undefined) throw new CcidError(SlotError.CMD_SLOT_BUSY);
    switch (header.bMessageType) {
      case Command.ICC_POWER_ON:
        return this.#powerOn(header, abData);
      case Command.ICC_POWER_OFF:
        verifyEmpty(abData);
        this.#abandon();
        this.#slot.powerOff(this);
        return { bSpecific: this.#clockStatus() };
      case Command.GET_SLOT_STATUS:
        verifyEmpty(abData);
        return { bSpecific: this.#clockStatus() };
      case Command.XFR_BLOCK:
        return this.#xfrBlock(header, abData);
      case Command.GET_PARAMETERS:
        verifyEmpty(abData);
        this.#verifyActive();
        return this.#parametersAnswer();
      case Command.RESET_PARAMETERS:
        verifyEmpty(abData);
        this.#verifyActive();
        this.#parameters = parametersOf(this.#slot.atr);
        return this.#parametersAnswer();
      case Command.SET_PARAMETERS:
        return this.#setParameters(header, abData);
      default:
        // Escape has no meaning here; SetDataRateAndClockFrequency, IccClock and Mechanical want a real reader; Secure
        // wants a PIN pad, T0APDU the protocol T=0.
        throw new CcidError(SlotError.CMD_NOT_SUPPORTED);
    }
  }

  /** §6.1.1. Of a card that has power already: a warm reset. */
  #powerOn({ specific: [bPowerSelect = 0] }: CommandHeader, abData: Uint8Array): Answer {
    verifyEmpty(abData);
    if (bPowerSelect > MAX_POWER_SELECT) throw new CcidError(SlotError.BAD_POWER_SELECT);
    const atr = this.#slot.powerOn(this);
    if (atr === undefined) throw new CcidError(SlotError.ICC_MUTE);
    this.#chain.reset();
    this.#parameters = parametersOf(this.#slot.atr);
    return { abData: atr };
  }

  /** §6.1.4 */
  #xfrBlock(header: CommandHeader, abData: Uint8Array): Answer | undefined {
    this.#verifyActive();
    const step = this.#chain.take(XfrBlockFields.parse(header.specific).wLevelParameter, abData);
    if ("block" in step) return blockAnswer(step.block);
    const exchange = new Exchange(header);
    this.#exchange = exchange;
    this.#timeExtensions.start();
    void this.#transfer(header, step.apdu, exchange);
    return undefined;
  }

  async #transfer(header: CommandHeader, apdu: Uint8Array, exchange: Exchange): Promise<void> {
    const response = await this.#slot.exchange(apdu, exchange);
    if (this.#exchange !== exchange) return;
    this.#finish();
    this.#answer(header, blockAnswer(this.#chain.give(response)));
  }

  /** §6.1.7. They are kept and shown, and change nothing: there is no line whose speed they could set. */
  #setParameters({ specific: [bProtocolNum] }: CommandHeader, abData: Uint8Array): Answer {
    if (bProtocolNum !== PROTOCOL_T1) throw new CcidError(SlotError.BAD_PROTOCOL_NUM);
    if (abData.length !== T1Parameters.size) throw new CcidError(SlotError.BAD_LENGTH);
    this.#verifyActive();
    this.#parameters = Uint8Array.from(abData);
    return this.#parametersAnswer();
  }

  #parametersAnswer(): Answer {
    return { bSpecific: PROTOCOL_T1, abData: this.#parameters };
  }

  /** bClockStatus: running, or stopped low where there is no power. §6.2.2 */
  #clockStatus(): number {
    return this.#slot.status(this) === IccStatus.ACTIVE ? 0 : 1;
  }

  #verifyActive(): void {
    if (this.#slot.status(this) !== IccStatus.ACTIVE) throw new CcidError(SlotError.ICC_MUTE);
  }

  /** §6.1.13: answered once the class request with the same bSeq is there, too. */
  #abortCommand(header: CommandHeader, abData: Uint8Array): undefined {
    verifyEmpty(abData);
    const expected = this.#abortOnControl;
    if (expected !== undefined && expected !== header.bSeq) throw new CcidError(SlotError.CMD_ABORTED);
    this.#abortOnBulk = header;
    this.#abortIfBoth();
  }

  #abortIfBoth(): void {
    const header = this.#abortOnBulk;
    if (header === undefined || this.#abortOnControl === undefined) return;
    this.#abortOnBulk = undefined;
    if (header.bSeq !== this.#abortOnControl) {
      this.#fail(header, new CcidError(SlotError.CMD_ABORTED));
      return;
    }
    this.#abortOnControl = undefined;
    this.#abandon();
    this.#answer(header, { bSpecific: this.#clockStatus() });
  }

  /** Aborts what is under way; its answer is of no interest any more. */
  #abandon(): void {
    this.#exchange?.cancel();
    this.#finish();
    this.#chain.reset();
  }

  /** Answered, or of no interest any more. */
  #finish(): void {
    this.#timeExtensions.stop();
    this.#exchange = undefined;
  }

  #endWithoutCard(): void {
    const exchange = this.#exchange;
    this.#abandon();
    this.#parameters = parametersOf(this.#slot.atr);
    if (exchange !== undefined) this.#fail(exchange.header, new CcidError(SlotError.ICC_MUTE));
  }

  #answer(header: CommandHeader, { bSpecific = 0, abData = NOTHING }: Answer): void {
    this.#send(header, CommandStatus.PROCESSED, 0, bSpecific, abData);
  }

  /** The one place where an error becomes an answer. What is no CcidError is our fault: it is logged, and the reader goes on. */
  #fail(header: CommandHeader, error: unknown): void {
    if (!(error instanceof CcidError)) {
      this.#options.log.error(`CCID ${messageName(header.bMessageType)} failed`, error);
    }
    const bError = error instanceof CcidError ? error.bError : SlotError.HW_ERROR;
    const bSpecific = responseTo(header.bMessageType) === Response.SLOT_STATUS ? this.#clockStatus() : 0;
    this.#send(header, CommandStatus.FAILED, bError, bSpecific, NOTHING);
  }

  #requestTime(): void {
    if (this.#exchange === undefined) return;
    this.#send(this.#exchange.header, CommandStatus.TIME_EXTENSION, ONCE_MORE, 0, NOTHING);
  }

  #send(header: CommandHeader, status: CommandStatus, bError: number, bSpecific: number, abData: Uint8Array): void {
    const { bMessageType, bSlot, bSeq } = header;
    // Of a slot that does not exist, no card can be in it.
    const iccStatus = bSlot === 0 ? this.#slot.status(this) : IccStatus.ABSENT;
    const type = responseTo(bMessageType);
    this.#options.log.traffic(() => {
      const outcome = describeOutcome(status, bError);
      return `CCID > ${messageName(type)} ${outcome}, ${abData.length} bytes`;
    });
    const message = ResponseHeader.encode(
      { bMessageType: type, dwLength: abData.length, bSlot, bSeq, bStatus: status | iccStatus, bError, bSpecific },
      abData,
    );
    this.#options.send(message, status === CommandStatus.TIME_EXTENSION);
  }
}

function blockAnswer({ bChainParameter, abData }: Block): Answer {
  return { bSpecific: bChainParameter, abData };
}

function verifyEmpty(abData: Uint8Array): void {
  if (abData.length > 0) throw new CcidError(SlotError.BAD_LENGTH);
}

function describeOutcome(status: CommandStatus, bError: number): string {
  if (status === CommandStatus.TIME_EXTENSION) return "asks for time";
  return status === CommandStatus.PROCESSED ? "done" : `failed, error ${bError.toString(16).padStart(2, "0")}`;
}
