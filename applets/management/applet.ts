// The management applet of a YubiKey 5: what the key is, and which of its applications are on. Yubico documents its
// client, yubikit/management.py.
import { fromHex } from "../../src/bytes/hex.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { isForeignReader, type Transport } from "../../src/transport.ts";
import type { Management } from "./management.ts";

const Instruction = { SET_MODE: 0x16, WRITE_CONFIG: 0x1c, READ_CONFIG: 0x1d, DEVICE_RESET: 0x1f } as const;
/** P1 of SET MODE: the keyboard slot that did the same. */
const DEVICE_CONFIG = 0x11;

/** Clients send either; it is the same to a YubiKey. */
const CLASSES: readonly number[] = [0x00, 0x80];

const NOTHING = new Uint8Array(0);

export class ManagementApplet implements Applet {
  readonly name = "management";
  readonly aid = fromHex("a000000527471117");
  readonly #management: Management;

  constructor(management: Management) {
    this.#management = management;
  }

  /** Clients read the version off the end. */
  async select(): Promise<Uint8Array> {
    return new TextEncoder().encode(`Virtual mgr - FW version ${this.#management.version}`);
  }

  async process({ cla, ins, p1, p2, data }: CommandApdu, transport: Transport): Promise<Uint8Array> {
    if (!CLASSES.includes(cla)) throw new StatusError(StatusWord.CLA_NOT_SUPPORTED);
    switch (ins) {
      case Instruction.READ_CONFIG: // P1: the page
        verifyParameters(p2 === 0);
        return this.#management.readConfig(p1, isForeignReader(transport));
      case Instruction.WRITE_CONFIG:
        verifyParameters(p1 === 0 && p2 === 0);
        await this.#management.writeConfig(data, isForeignReader(transport));
        return NOTHING;
      case Instruction.SET_MODE:
        verifyParameters(p1 === DEVICE_CONFIG && p2 === 0);
        await this.#management.setMode(data);
        return NOTHING;
      case Instruction.DEVICE_RESET:
        verifyParameters(p1 === 0 && p2 === 0);
        await this.#management.reset(transport);
        return NOTHING;
      default:
        throw new StatusError(StatusWord.INS_NOT_SUPPORTED);
    }
  }

  /** There is nothing to forget: a lock code opens the one command that it came with. */
  deselect(): void {}
}

function verifyParameters(areRight: boolean): void {
  if (!areRight) throw new StatusError(StatusWord.INCORRECT_P1_P2);
}
