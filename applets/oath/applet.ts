// The OATH applet: HOTP and TOTP accounts whose codes the card computes. YKOATH Protocol Specification, and yubikit for
// RENAME; VERIFY CODE is Nitrokey's. SEND REMAINING is the dispatcher's.

import { concat } from "../../src/bytes/concat.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { Platform } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import { AccessCode } from "./access-code.ts";
import { Accounts } from "./accounts.ts";
import { calculate, calculateAll, type OathContext, verifyCode } from "./calculate.ts";
import { Instruction, OathType, parseData, parseObjects, readObject, Tag } from "./parameters.ts";
import { parsePut, readName } from "./put.ts";

const NOTHING = new Uint8Array(0);

interface Command {
  /** P1 and P2 that a YubiKey takes; others are 6B00, whatever else is wrong. */
  readonly takes: (p1: number, p2: number) => boolean;
  /** "Require Auth": not before VALIDATE, where an access code is set. */
  readonly isGuarded: boolean;
  readonly run: (apdu: CommandApdu, transport: Transport) => Promise<Uint8Array>;
}

const zeros = (p1: number, p2: number) => p1 === 0x00 && p2 === 0x00;
const truncation = (p1: number, p2: number) => p1 === 0x00 && p2 <= 0x01;
/** So it is: either of the two may be anything. */
const oneZero = (p1: number, p2: number) => p1 === 0x00 || p2 === 0x00;
const deadParameters = (p1: number, p2: number) => p1 === 0xde && p2 === 0xad;

export class OathApplet implements Applet {
  readonly name = "OATH";
  readonly aid = fromHex("a000000527210101");
  readonly getResponseInstruction = Instruction.SEND_REMAINING;
  readonly accounts: Accounts;
  readonly #platform: Platform;
  readonly #code: AccessCode;
  readonly #commands: ReadonlyMap<number, Command>;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.accounts = new Accounts(platform);
    this.#code = new AccessCode(platform);
    const { accounts } = this;
    const context: OathContext = { platform, accounts };
    const guarded = (takes: Command["takes"], run: Command["run"]): Command => ({ takes, isGuarded: true, run });
    const open = (takes: Command["takes"], run: Command["run"]): Command => ({ takes, isGuarded: false, run });
    this.#commands = new Map([
      [Instruction.PUT, guarded(zeros, (apdu) => this.#put(apdu))],
      [Instruction.DELETE, guarded(zeros, (apdu) => this.#delete(apdu))],
      [Instruction.SET_CODE, guarded(zeros, (apdu) => done(this.#code.set(apdu.data)))],
      [Instruction.RESET, open(deadParameters, () => done(this.reset()))],
      [Instruction.RENAME, guarded(zeros, (apdu) => this.#rename(apdu))],
      [Instruction.LIST, guarded(zeros, async () => this.#list())],
      [Instruction.CALCULATE, guarded(truncation, (apdu, transport) => calculate(context, apdu, transport))],
      [Instruction.VALIDATE, open(oneZero, async (apdu) => this.#code.validate(apdu.data))],
      [Instruction.CALCULATE_ALL, guarded(truncation, (apdu) => calculateAll(context, apdu))],
      [Instruction.VERIFY_CODE, guarded(zeros, (apdu, transport) => verifyCode(context, apdu, transport))],
    ]);
  }

  /** 79 version, 71 device id, and with an access code 74 challenge, 7b algorithm. */
  async select(): Promise<Uint8Array> {
    return concat(
      encodeTlv(Tag.VERSION, Uint8Array.from(this.#platform.device.firmwareVersion)),
      encodeTlv(Tag.NAME, await this.accounts.obtainSalt()),
      ...this.#code.select(),
    );
  }

  async process(apdu: CommandApdu, transport: Transport): Promise<Uint8Array> {
    if (apdu.cla !== 0x00 && apdu.cla !== 0x80) throw new StatusError(StatusWord.CLA_NOT_SUPPORTED);
    const command = this.#commands.get(apdu.ins);
    if (command === undefined) throw new StatusError(StatusWord.INS_NOT_SUPPORTED);
    if (!command.takes(apdu.p1, apdu.p2)) throw new StatusError(StatusWord.WRONG_P1_P2);
    if (command.isGuarded && !this.#code.isOpen) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
    return command.run(apdu, transport);
  }

  deselect(): void {
    this.#code.forget();
  }

  /** Forgets the accounts and the access code, and takes another device id. */
  async reset(): Promise<void> {
    await this.accounts.reset();
    this.#code.forget();
    this.#platform.log.info("OATH was reset");
  }

  async #put({ data }: CommandApdu): Promise<Uint8Array> {
    const { fields, counter } = parsePut(data);
    return done(this.accounts.put(fields, counter));
  }

  /** 71 name */
  async #delete({ data }: CommandApdu): Promise<Uint8Array> {
    const [name] = parseObjects(data, [Tag.NAME]);
    return done(this.accounts.delete(name));
  }

  /** 71 name, 71 new name */
  async #rename({ data }: CommandApdu): Promise<Uint8Array> {
    const [name, newName] = parseData(data, (reader) => [readObject(reader, Tag.NAME), readName(reader)] as const);
    return done(this.accounts.rename(name, newName));
  }

  /** 72 type and algorithm, name: for each account. A type that yubikit does not know would end its listing. */
  #list(): Uint8Array {
    const entries = this.accounts.list().map(({ type, algorithm, name }) => {
      const shown = type === OathType.REVERSE_HOTP ? OathType.HOTP : type;
      return encodeTlv(Tag.NAME_LIST, Uint8Array.of(shown | algorithm), name);
    });
    return concat(...entries);
  }
}

async function done(change: Promise<void>): Promise<Uint8Array> {
  await change;
  return NOTHING;
}
