// The PIV card application: its table of instructions. SP 800-73-4 pt 2 §3 table 2, and Yubico's extensions as of
// firmware 5.7. Secure messaging (pt 2 §4) and the virtual contact interface are not here.
import { fromHex } from "../../src/bytes/hex.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { loadEcdsaDigest } from "../../src/crypto/ecdsa-digest.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { Platform } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import { attest, provideAttestationKey } from "./attestation.ts";
import { DEFAULT_OPTIONS, type PivContext, type PivOptions } from "./context.ts";
import { getData, putData } from "./data-objects.ts";
import { generalAuthenticate } from "./general-authenticate.ts";
import { KeyReference } from "./identifiers.ts";
import { generateKeyPair, importKey, moveKey } from "./key-commands.ts";
import { setManagementKey } from "./management-key.ts";
import { getMetadata } from "./metadata.ts";
import { changeReferenceData, resetRetryCounter, setPinRetries, verify } from "./pin-commands.ts";
import { ReferenceData } from "./reference-data.ts";
import { eraseAll, reset } from "./reset.ts";
import { Session } from "./session.ts";

const Instruction = {
  VERIFY: 0x20,
  CHANGE_REFERENCE_DATA: 0x24,
  RESET_RETRY_COUNTER: 0x2c,
  GENERATE_ASYMMETRIC_KEY_PAIR: 0x47,
  GENERAL_AUTHENTICATE: 0x87,
  GET_RESPONSE: 0xc0,
  GET_DATA: 0xcb,
  PUT_DATA: 0xdb,
  MOVE_KEY: 0xf6,
  GET_METADATA: 0xf7,
  GET_SERIAL: 0xf8,
  ATTEST: 0xf9,
  SET_PIN_RETRIES: 0xfa,
  RESET: 0xfb,
  GET_VERSION: 0xfd,
  IMPORT_ASYMMETRIC_KEY: 0xfe,
  SET_MANAGEMENT_KEY: 0xff,
} as const;

const AID = fromHex("a000000308 000010000100");
const PROVIDER_LENGTH = 5;

/** The application property template: what the AID says beyond its provider, and who gives tags out. pt 2 table 3 */
const PROPERTIES = encodeTlv(
  0x61,
  encodeTlv(0x4f, AID.subarray(PROVIDER_LENGTH)),
  encodeTlv(0x79, encodeTlv(0x4f, AID.subarray(0, PROVIDER_LENGTH))),
);

export class PivApplet implements Applet {
  readonly name = "PIV";
  readonly aid = AID;
  readonly #context: PivContext;

  constructor(platform: Platform, options: Partial<PivOptions> = {}) {
    this.#context = {
      platform,
      options: { ...DEFAULT_OPTIONS, ...options },
      session: new Session(),
      pin: new ReferenceData(platform, "pin", "123456"),
      puk: new ReferenceData(platform, "puk", "12345678"),
    };
  }

  get pin(): ReferenceData {
    return this.#context.pin;
  }

  get puk(): ReferenceData {
    return this.#context.puk;
  }

  /** When it was selected already, its security status stays: pt 2 §3.1.1. */
  async select(): Promise<Uint8Array> {
    await loadEcdsaDigest();
    await provideAttestationKey(this.#context.platform);
    return PROPERTIES;
  }

  async process(apdu: CommandApdu, transport: Transport): Promise<Uint8Array> {
    if (apdu.cla !== 0x00) throw new StatusError(StatusWord.CLA_NOT_SUPPORTED);
    this.#ageChallenge(apdu);
    // A YubiKey 5.7.4 says so to a single byte of data whatever the command: it is nothing that any of them could take.
    if (apdu.data.length === 1) throw new StatusError(StatusWord.WRONG_DATA);
    const context = this.#context;
    switch (apdu.ins) {
      case Instruction.VERIFY:
        return verify(context, apdu);
      case Instruction.CHANGE_REFERENCE_DATA:
        return changeReferenceData(context, apdu);
      case Instruction.RESET_RETRY_COUNTER:
        return resetRetryCounter(context, apdu);
      case Instruction.GENERAL_AUTHENTICATE:
        return generalAuthenticate(context, apdu, transport);
      case Instruction.GENERATE_ASYMMETRIC_KEY_PAIR:
        return generateKeyPair(context, apdu, transport);
      case Instruction.GET_DATA:
        return getData(context, apdu, AID);
      case Instruction.PUT_DATA:
        return putData(context, apdu);
      case Instruction.MOVE_KEY:
        return moveKey(context, apdu);
      case Instruction.GET_METADATA:
        return getMetadata(context, apdu);
      case Instruction.GET_SERIAL:
        return encodeU32be(context.platform.device.serialNumber);
      case Instruction.ATTEST:
        return attest(context, apdu);
      case Instruction.SET_PIN_RETRIES:
        return setPinRetries(context, apdu);
      case Instruction.RESET:
        return reset(context, apdu);
      case Instruction.GET_VERSION:
        return Uint8Array.from(context.platform.device.firmwareVersion);
      case Instruction.IMPORT_ASYMMETRIC_KEY:
        return importKey(context, apdu);
      case Instruction.SET_MANAGEMENT_KEY:
        return setManagementKey(context, apdu);
      case Instruction.GET_RESPONSE: // with nothing left to fetch: what Yubico's manual shows
        throw new StatusError(StatusWord.WRONG_DATA);
      default:
        throw new StatusError(StatusWord.INS_NOT_SUPPORTED);
    }
  }

  /** What its owner may do at any time: everything as delivered, but for the attestation key. */
  async reset(): Promise<void> {
    await eraseAll(this.#context.platform);
    this.#context.session.forget();
  }

  deselect(): void {
    this.#context.session.forget();
  }

  /**
   * A challenge of the management key waits through other authentications and a look at that key's metadata, as on a
   * YubiKey, and through nothing else: who shares the card does not finish what another client began.
   */
  #ageChallenge({ ins, p2 }: CommandApdu): void {
    const isKept =
      ins === Instruction.GENERAL_AUTHENTICATE || (ins === Instruction.GET_METADATA && p2 === KeyReference.MANAGEMENT);
    if (!isKept) this.#context.session.forgetChallenge();
  }
}
