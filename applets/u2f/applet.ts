// CTAP1, that is U2F: registration and authentication as APDUs. FIDO U2F Raw Message Formats v1.2
// Key handles are the ids of FIDO2 credentials, so that each protocol uses what the other made. CTAP 2.3 §10
import { fromHex } from "../../src/bytes/hex.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import type { Credentials } from "../fido2/credentials.ts";
import { authenticate } from "./authenticate.ts";
import type { U2fContext } from "./context.ts";
import { register } from "./register.ts";

/** §3.2: INS of the three commands. */
const Instruction = { REGISTER: 0x01, AUTHENTICATE: 0x02, VERSION: 0x03 } as const;

/** §6.1: ASCII, without a terminator. */
const VERSION = new TextEncoder().encode("U2F_V2");

export class U2fApplet implements Applet {
  readonly name = "U2F";
  /** The FIDO applet's (fido2/fido-applet.ts), through which U2F is reached over CCID. CTAP 2.3 §11.3.3 */
  readonly aid = fromHex("a0000006472f0001");
  readonly #context: U2fContext;
  readonly #isEnabled: () => boolean;

  /**
   * `credentials`: those of the FIDO2 authenticator. `isEnabled`: asked at each command; a key that always verifies its
   * user does not answer U2F.
   */
  constructor(platform: Platform, credentials: Credentials, isEnabled: () => boolean = () => true) {
    this.#context = { platform, credentials };
    this.#isEnabled = isEnabled;
  }

  get isEnabled(): boolean {
    return this.#isEnabled();
  }

  async select(): Promise<Uint8Array> {
    return VERSION;
  }

  async process(apdu: CommandApdu, transport: Transport): Promise<Uint8Array> {
    if (apdu.cla !== 0x00) throw new StatusError(StatusWord.CLA_NOT_SUPPORTED);
    // CTAP 2.3 §7.2.4, "Disabling CTAP1/U2F".
    if (!this.#isEnabled()) throw new StatusError(StatusWord.COMMAND_NOT_ALLOWED);
    switch (apdu.ins) {
      case Instruction.REGISTER: // P1 and P2 say nothing; clients send 00 and 03
        return register(this.#context, apdu.data, transport);
      case Instruction.AUTHENTICATE:
        return authenticate(this.#context, apdu.p1, apdu.data, transport);
      case Instruction.VERSION:
        if (apdu.data.length > 0) throw new StatusError(StatusWord.WRONG_LENGTH);
        return VERSION;
      default:
        throw new StatusError(StatusWord.INS_NOT_SUPPORTED);
    }
  }

  /** There is nothing to forget: U2F has no state between commands. */
  deselect(): void {}
}
