// Between a card reader and the applets: SELECT, command chaining and response chaining, so that an applet sees whole
// commands and returns whole answers. ISO/IEC 7816-4 §5.1, §5.3, §11.1.1
//
//   command APDU → class → chain → SELECT by AID, GET RESPONSE, or the selected applet → response, cut to what Le allows
//
// One command at a time, whichever reader it came through: they share the card.
import { concat } from "../bytes/concat.ts";
import { isEqual } from "../bytes/equal.ts";
import type { Logger } from "../log.ts";
import type { Transport } from "../transport.ts";
import { Turns } from "../turns.ts";
import { type CommandApdu, parseCommandApdu } from "./apdu.ts";
import type { Applet } from "./applet.ts";
import { answerApdu, describeExchange, encodeResponseApdu, type ResponseApdu } from "./exchange.ts";
import { StatusError, StatusWord } from "./status-word.ts";

const Instruction = { SELECT: 0xa4, MANAGE_CHANNEL: 0x70, GET_RESPONSE: 0xc0 } as const;

/** P1 of SELECT: by DF name, which is an AID. §11.1.1 table 62 */
const BY_DF_NAME = 0x04;
/** P2 of SELECT: which occurrence, and whether control information is wanted; the first, with or without, is what there is. */
const SelectAnswer = { FCI: 0x00, FCP: 0x04, FMD: 0x08, NONE: 0x0c } as const;
/** An AID has at least its registered provider's identifier. §12.2.3 */
const MIN_AID_LENGTH = 5;

/** Bits of CLA. §5.4.1, tables 2 and 3 */
const CHAINING = 0x10;
const CHANNEL = 0x03;
const SECURE_MESSAGING = 0x0c;
const FURTHER_INTERINDUSTRY = 0x40;
const PROPRIETARY = 0x80;

/** The data of a chain, at most: what one extended command can carry. */
const MAX_CHAIN_LENGTH = 0xffff;

/** What SW2 of 61xx can say at most; 00 says that, or more. */
const MAX_SHORT = 256;

/** Of an answer's data: with its status word, what the two bytes of a vpcd message's length can say. pcscd takes little more. */
const MAX_DATA_LENGTH = 0xffff - 2;

const NOTHING = new Uint8Array(0);

/** A command whose data has not come whole. */
interface Chain {
  readonly header: Pick<CommandApdu, "cla" | "ins" | "p1" | "p2">;
  readonly parts: Uint8Array[];
  length: number;
}

/** Of the command before: a chain that goes on, or the rest of an answer. */
interface Left {
  readonly chain: Chain | undefined;
  readonly remainder: ResponseApdu | undefined;
}

export class ApduDispatcher {
  readonly #applets: () => readonly Applet[];
  readonly #log: Logger;
  #selected: Applet | undefined;
  /** The applet that was selected when the card was reset with its power on. */
  #implicit: Applet | undefined;
  #chain: Chain | undefined;
  /** What GET RESPONSE fetches, and the status word that ends it. */
  #remainder: ResponseApdu | undefined;
  readonly #work = new Turns();
  /** Commands that have come and are not answered. */
  #underWay = 0;

  /** `applets`: asked at each SELECT, in the order in which a partial AID finds them. */
  constructor(applets: () => readonly Applet[], log: Logger) {
    this.#applets = applets;
    this.#log = log;
  }

  get selected(): Applet | undefined {
    return this.#selected;
  }

  /** The power went, or the card was reset, warm when its power stayed on: every applet is as new, and none is selected. */
  reset(isWarm = false): void {
    const applet = this.#selected;
    this.#implicit = isWarm ? (applet ?? this.#implicit) : undefined;
    this.#forget();
    if (this.#underWay === 0) return;
    // A command at work may yet leave something behind: a PIN that it found right, the rest of an answer.
    void this.#work.take(() => {
      applet?.deselect();
      this.#forget();
    });
  }

  #forget(): void {
    this.#selected?.deselect();
    this.#selected = undefined;
    this.#chain = undefined;
    this.#remainder = undefined;
  }

  /** A whole command APDU in, a whole response APDU out. Never rejects. */
  exchange(message: Uint8Array, transport: Transport): Promise<Uint8Array> {
    this.#underWay += 1;
    return this.#work.take(async () => {
      const response = await this.#exchange(message, transport);
      this.#underWay -= 1;
      return response;
    });
  }

  async #exchange(message: Uint8Array, transport: Transport): Promise<Uint8Array> {
    const name = this.#selected?.name ?? "card";
    // What the command before left is for this one alone, whatever becomes of it.
    const left: Left = { chain: this.#chain, remainder: this.#remainder };
    this.#chain = undefined;
    this.#remainder = undefined;
    let apdu: CommandApdu | undefined;
    const handle = async () => {
      apdu = parseCommandApdu(message);
      return this.#dispatch(apdu, left, transport);
    };
    const whole = await answerApdu(name, handle, this.#log);
    const response = apdu === undefined ? whole : this.#cut(apdu, whole);
    this.#log.traffic(() => describeExchange(this.#selected?.name ?? name, message, response));
    return encodeResponseApdu(response);
  }

  async #dispatch(apdu: CommandApdu, { chain, remainder }: Left, transport: Transport): Promise<Uint8Array> {
    const wrong = wrongClass(apdu.cla);
    if (wrong !== undefined) throw new StatusError(this.#selected?.wrongClass ?? wrong);
    if (remainder !== undefined && this.#isGetResponse(apdu)) return takeUp(remainder);
    const command = this.#assemble(apdu, chain);
    if (command === undefined) return NOTHING;
    if (command.cla === 0x00 && command.ins === Instruction.SELECT && command.p1 === BY_DF_NAME) {
      return this.#select(command, transport);
    }
    if (command.ins === Instruction.MANAGE_CHANNEL && command.cla === 0x00) {
      throw new StatusError(StatusWord.LOGICAL_CHANNEL_NOT_SUPPORTED);
    }
    const applet = this.#selected ?? this.#selectImplicitly(command);
    // As on a YubiKey. By this answer to its SELECT of a master file GnuPG finds that it has one: scd/app.c
    if (applet === undefined) throw new StatusError(StatusWord.INS_NOT_SUPPORTED);
    return applet.process(command, transport);
  }

  /**
   * A card may select an application itself after a reset. Ours does at a command for the one that a warm reset deselected:
   * pico-fido's tests reset the card and then look whether the application, which they do not select, has locked itself.
   */
  #selectImplicitly({ ins }: CommandApdu): Applet | undefined {
    if (ins === Instruction.SELECT) return undefined;
    const applet = this.#applets().find((one) => one === this.#implicit);
    this.#selected = applet;
    return applet;
  }

  /**
   * §5.3.3. The whole command once its last part is there, undefined before. Another command in the middle is refused,
   * as a YubiKey does, and ends the chain; SELECT by AID is not: a client that begins cannot know what another left.
   */
  #assemble(apdu: CommandApdu, begun: Chain | undefined): CommandApdu | undefined {
    const isLast = (apdu.cla & CHAINING) === 0;
    const { ins, p1, p2 } = apdu;
    const cla = apdu.cla & ~CHAINING;
    let chain = begun;
    const known = chain?.header;
    if (known === undefined || known.cla !== cla || known.ins !== ins || known.p1 !== p1 || known.p2 !== p2) {
      const isStart = cla === 0x00 && ins === Instruction.SELECT && p1 === BY_DF_NAME;
      if (chain !== undefined && !isStart) throw new StatusError(StatusWord.LAST_COMMAND_OF_CHAIN_EXPECTED);
      if (isLast) return apdu;
      chain = undefined;
    }
    chain ??= { header: { cla, ins, p1, p2 }, parts: [], length: 0 };
    chain.length += apdu.data.length;
    if (chain.length > MAX_CHAIN_LENGTH) throw new StatusError(StatusWord.WRONG_LENGTH);
    // What a reader hands over is its buffer, which the next part overwrites. Empty parts would pile up without an end.
    if (apdu.data.length > 0) chain.parts.push(Uint8Array.from(apdu.data));
    if (isLast) return { ...apdu, data: concat(...chain.parts) };
    this.#chain = chain;
    return undefined;
  }

  /** The old applet forgets what it was told before the new one is asked; while none answers to the AID, the old one stays. */
  async #select(apdu: CommandApdu, transport: Transport): Promise<Uint8Array> {
    const wanted: number = apdu.p2;
    if (!(Object.values(SelectAnswer) as number[]).includes(wanted)) throw new StatusError(StatusWord.INCORRECT_P1_P2);
    const { data } = apdu;
    const found = this.#applets().find(
      ({ aid }) => data.length >= MIN_AID_LENGTH && isEqual(aid.subarray(0, data.length), data),
    );
    if (found === undefined) throw new StatusError(StatusWord.FILE_OR_APPLICATION_NOT_FOUND);
    if (this.#selected !== found) this.#selected?.deselect();
    this.#selected = found;
    const answer = await found.select(apdu, transport);
    return wanted === SelectAnswer.NONE ? NOTHING : answer;
  }

  #isGetResponse({ cla, ins }: CommandApdu): boolean {
    return (cla & CHAINING) === 0 && ins === (this.#selected?.getResponseInstruction ?? Instruction.GET_RESPONSE);
  }

  /**
   * As much of the answer as the command allows; the rest waits for GET RESPONSE. A command without Le may still be
   * answered with data: yubikit's short commands never have one. A GET RESPONSE without Le asks for all that is left
   * (ykman 5 sends it so, and would go on for ever on another 61xx).
   */
  #cut(apdu: CommandApdu, response: ResponseApdu): ResponseApdu {
    const { data, statusWord } = response;
    const all = apdu.extended || (apdu.le === undefined && this.#isGetResponse(apdu));
    const most = Math.min(apdu.le ?? (all ? data.length : MAX_SHORT), MAX_DATA_LENGTH);
    if (data.length <= most) return response;
    const left = data.subarray(most);
    this.#remainder = { data: left, statusWord };
    return {
      data: data.subarray(0, most),
      statusWord: StatusWord.MORE_DATA | (left.length < MAX_SHORT ? left.length : 0),
    };
  }
}

/** The rest of an answer, as if an applet had just given it. */
function takeUp({ data, statusWord }: ResponseApdu): Uint8Array {
  if (statusWord === StatusWord.SUCCESS) return data;
  throw new StatusError(statusWord, data);
}

/** Why no applet is asked about a class; undefined where one is. */
function wrongClass(cla: number): StatusWord | undefined {
  if (cla === 0xff) return StatusWord.CLA_NOT_SUPPORTED; // §5.4.1: invalid
  if ((cla & PROPRIETARY) !== 0) return undefined;
  if ((cla & FURTHER_INTERINDUSTRY) !== 0) return StatusWord.LOGICAL_CHANNEL_NOT_SUPPORTED;
  if (cla >= 0x20) return StatusWord.CLA_NOT_SUPPORTED; // reserved
  if ((cla & CHANNEL) !== 0) return StatusWord.LOGICAL_CHANNEL_NOT_SUPPORTED;
  return (cla & SECURE_MESSAGING) === 0 ? undefined : StatusWord.SECURE_MESSAGING_NOT_SUPPORTED;
}
