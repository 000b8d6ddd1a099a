// The OpenPGP card: its commands. Functional Specification of the OpenPGP application on ISO Smart Card Operating Systems,
// version 3.4.1, §7.2; and what Yubico added to it, as yubikit/openpgp.py names and uses it.
import { loadEcdsaDigest } from "../../src/crypto/ecdsa-digest.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import { attest } from "./attestation.ts";
import { applicationIdentifier, MAX_CHALLENGE_LENGTH } from "./card.ts";
import { DEFAULT_OPTIONS, type OpenPgpContext, type OpenPgpOptions } from "./context.ts";
import { getData, getNextData, putData, putDataOdd, selectData } from "./data-commands.ts";
import { generateKeyPair } from "./generate-key-pair.ts";
import { Keys } from "./keys.ts";
import { activate, terminate } from "./life-cycle.ts";
import { changeReferenceData, resetRetryCounter, setPinRetries, verify } from "./password-commands.ts";
import { Passwords } from "./passwords.ts";
import { Persistent } from "./persistent.ts";
import { internalAuthenticate, manageSecurityEnvironment, performSecurityOperation } from "./security-operations.ts";
import { Volatile } from "./volatile.ts";

/** §7.1; the last three are Yubico's. */
const Instruction = {
  VERIFY: 0x20,
  MANAGE_SECURITY_ENVIRONMENT: 0x22,
  CHANGE_REFERENCE_DATA: 0x24,
  PERFORM_SECURITY_OPERATION: 0x2a,
  RESET_RETRY_COUNTER: 0x2c,
  ACTIVATE_FILE: 0x44,
  GENERATE_ASYMMETRIC_KEY_PAIR: 0x47,
  GET_CHALLENGE: 0x84,
  INTERNAL_AUTHENTICATE: 0x88,
  SELECT_DATA: 0xa5,
  GET_DATA: 0xca,
  GET_NEXT_DATA: 0xcc,
  PUT_DATA: 0xda,
  PUT_DATA_ODD: 0xdb,
  TERMINATE_DF: 0xe6,
  GET_VERSION: 0xf1,
  SET_PIN_RETRIES: 0xf2,
  ATTEST: 0xfb,
} as const;

/** yubikit sends ATTEST in this class, and everything else in class 00. */
const CLASS_PROPRIETARY = 0x80;

export class OpenPgpApplet implements Applet {
  readonly name = "OpenPGP";
  readonly aid: Uint8Array;
  readonly context: OpenPgpContext;

  constructor(platform: Platform, options: Partial<OpenPgpOptions> = {}) {
    const whole = { ...DEFAULT_OPTIONS, ...options };
    const persistent = new Persistent(platform.store);
    this.aid = applicationIdentifier(whole.manufacturer, platform.device);
    this.context = {
      platform,
      options: whole,
      aid: this.aid,
      persistent,
      volatile: new Volatile(),
      passwords: new Passwords(platform, persistent),
      keys: new Keys(persistent),
    };
  }

  /**
   * What was verified stays so when the card is selected again: it is a SELECT of another application that ends it, §4.2,
   * and YubiKeys hold to that. No control information is given. §7.2.1
   */
  async select(): Promise<Uint8Array> {
    await loadEcdsaDigest();
    this.context.volatile.forgetSelections();
    if (this.context.persistent.isTerminated) throw new StatusError(StatusWord.TERMINATION_STATE);
    return new Uint8Array(0);
  }

  async process(apdu: CommandApdu, transport: Transport): Promise<Uint8Array> {
    const { context } = this;
    const isAttest = apdu.ins === Instruction.ATTEST;
    if (apdu.cla !== 0x00 && !(isAttest && apdu.cla === CLASS_PROPRIETARY)) {
      throw new StatusError(StatusWord.CLA_NOT_SUPPORTED);
    }
    if (context.persistent.isTerminated) return this.#processTerminated(apdu);
    switch (apdu.ins) {
      case Instruction.VERIFY:
        return verify(context, apdu);
      case Instruction.MANAGE_SECURITY_ENVIRONMENT:
        return manageSecurityEnvironment(context, apdu);
      case Instruction.CHANGE_REFERENCE_DATA:
        return changeReferenceData(context, apdu);
      case Instruction.PERFORM_SECURITY_OPERATION:
        return performSecurityOperation(context, apdu, transport);
      case Instruction.RESET_RETRY_COUNTER:
        return resetRetryCounter(context, apdu);
      case Instruction.ACTIVATE_FILE:
        requireP1P2(apdu, 0x00, 0x00);
        return activate(context);
      case Instruction.GENERATE_ASYMMETRIC_KEY_PAIR:
        return generateKeyPair(context, apdu, transport);
      case Instruction.GET_CHALLENGE:
        requireP1P2(apdu, 0x00, 0x00);
        return this.#getChallenge(apdu);
      case Instruction.INTERNAL_AUTHENTICATE:
        return internalAuthenticate(context, apdu, transport);
      case Instruction.SELECT_DATA:
        requireP1P2(apdu, apdu.p1, 0x04);
        return selectData(context, apdu);
      case Instruction.GET_DATA:
        return getData(context, apdu);
      case Instruction.GET_NEXT_DATA:
        return getNextData(context, apdu);
      case Instruction.PUT_DATA:
        return putData(context, apdu);
      case Instruction.PUT_DATA_ODD:
        requireP1P2(apdu, 0x3f, 0xff);
        return putDataOdd(context, apdu);
      case Instruction.TERMINATE_DF:
        requireP1P2(apdu, 0x00, 0x00);
        return terminate(context);
      case Instruction.GET_VERSION:
        requireP1P2(apdu, 0x00, 0x00);
        return this.#getVersion();
      case Instruction.SET_PIN_RETRIES:
        return setPinRetries(context, apdu);
      case Instruction.ATTEST:
        return attest(context, apdu, transport);
      default:
        throw new StatusError(StatusWord.INS_NOT_SUPPORTED);
    }
  }

  /** Back to the state of a new card, whatever its passwords are: for its owner. */
  async reset(): Promise<void> {
    await this.context.persistent.activate();
    this.deselect();
  }

  deselect(): void {
    this.context.volatile.forget();
    this.context.keys.unload();
  }

  /** In the initialisation state only the life cycle goes on; yubikit also wants to know whom it talks to. */
  async #processTerminated(apdu: CommandApdu): Promise<Uint8Array> {
    switch (apdu.ins) {
      case Instruction.ACTIVATE_FILE:
        requireP1P2(apdu, 0x00, 0x00);
        return activate(this.context);
      case Instruction.TERMINATE_DF:
        requireP1P2(apdu, 0x00, 0x00);
        return terminate(this.context);
      case Instruction.GET_VERSION:
        return this.#getVersion();
      default:
        throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
    }
  }

  #getChallenge({ le, data }: CommandApdu): Uint8Array {
    if (data.length > 0 || le === undefined || le > MAX_CHALLENGE_LENGTH) {
      throw new StatusError(StatusWord.WRONG_LENGTH);
    }
    return this.context.platform.randomBytes(le);
  }

  /** Each number in BCD. */
  #getVersion(): Uint8Array {
    return Uint8Array.from(
      this.context.platform.device.firmwareVersion,
      (part) => Math.floor(part / 10) * 16 + (part % 10),
    );
  }
}

function requireP1P2({ p1, p2 }: CommandApdu, wantedP1: number, wantedP2: number): void {
  if (p1 !== wantedP1 || p2 !== wantedP2) throw new StatusError(StatusWord.WRONG_P1_P2);
}
