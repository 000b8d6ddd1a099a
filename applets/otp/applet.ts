// Yubico's OTP applet: two slots that type or answer challenges, the same over a card reader and over the keyboard
// interface. ykpers' ykdef.h and ykcore.c, yubikit/yubiotp.py, YubiKey SDK user's manual "OTP commands"
//
//   00 01 P1 00 data   slot command P1: what a keyboard's frame has as its slot
//   00 03 00 00        READ STATUS
import { fromHex } from "../../src/bytes/hex.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import { respondHmac, respondOtp } from "./challenge-response.ts";
import { configure, swap, update, writeNdef, writeScanMap } from "./configure.ts";
import { ExtendedFlag, Instruction, SlotCommand, type SlotNumber } from "./parameters.ts";
import { press, type Silence } from "./press.ts";
import type { ScanCode } from "./scan-map.ts";
import { Slots } from "./slots.ts";
import { encodeStatus } from "./status.ts";

/** The device's own configuration, which the management applet keeps. */
export interface DeviceInfoStore {
  /** What READ CONFIG answers. Throws StatusError. */
  read(page: number): Uint8Array;
  /** What WRITE CONFIG takes. Rejects with StatusError. */
  write(data: Uint8Array): Promise<void>;
  /** What SET MODE takes: four bytes. Rejects with StatusError. */
  setMode(data: Uint8Array): Promise<void>;
}

/** What types tickets; "unread": nobody took all of the keys. */
export interface TicketKeyboard {
  /** `codes`: usages of the keyboard page, with bit 7 where Shift is held; `pacingMs`: between two, on top of the usual. */
  type(codes: readonly ScanCode[], pacingMs: number): Promise<"typed" | "unread" | "busy">;
}

/** What came of a touch. */
export type TouchOutcome = "typed" | "unread" | "busy" | Silence;

/** Clients send either; it is the same to a YubiKey. */
const CLASSES: readonly number[] = [0x00, 0x80];
/** Of DEVICE_CONFIG: mode, two time-outs. yubikit/management.py, set_mode */
const MODE_SIZE = 4;

export class OtpApplet implements Applet {
  readonly name = "OTP";
  readonly aid = fromHex("a000000527200101");
  readonly slots: Slots;
  readonly #platform: Platform;
  readonly #deviceInfo: DeviceInfoStore | undefined;
  /** On the platform's clock. */
  #poweredAt: number;
  #isTyping = false;

  constructor(platform: Platform, options: { readonly deviceInfo?: DeviceInfoStore } = {}) {
    this.#platform = platform;
    this.#deviceInfo = options.deviceInfo;
    this.slots = new Slots(platform);
    this.#poweredAt = platform.clock.now();
  }

  /** Six bytes: version, programming sequence, and which slots are configured. */
  status(): Uint8Array {
    return encodeStatus(this.#platform, this.slots);
  }

  async select(): Promise<Uint8Array> {
    return this.status();
  }

  async process({ cla, ins, p1, p2, data }: CommandApdu, transport: Transport): Promise<Uint8Array> {
    if (!CLASSES.includes(cla)) throw new StatusError(StatusWord.CLA_NOT_SUPPORTED);
    switch (ins) {
      case Instruction.SLOT:
        if (p2 !== 0) throw new StatusError(StatusWord.INCORRECT_P1_P2);
        return (await this.execute(p1, data, transport)) ?? this.status();
      case Instruction.STATUS:
        return this.status();
      default:
        throw new StatusError(StatusWord.INS_NOT_SUPPORTED);
    }
  }

  /** One slot command: what it answers; undefined when it wrote something, which the status shows. Rejects with StatusError. */
  execute(command: number, data: Uint8Array, transport: Transport): Promise<Uint8Array | undefined> {
    switch (command) {
      case SlotCommand.CONFIG_1:
        return this.#write(() => configure(this.slots, 1, data));
      case SlotCommand.CONFIG_2:
        return this.#write(() => configure(this.slots, 2, data));
      case SlotCommand.UPDATE_1:
        return this.#write(() => update(this.slots, 1, data));
      case SlotCommand.UPDATE_2:
        return this.#write(() => update(this.slots, 2, data));
      case SlotCommand.SWAP:
        return this.#write(() => swap(this.slots, data));
      case SlotCommand.SCAN_MAP:
        return this.#write(() => writeScanMap(this.slots, data));
      case SlotCommand.NDEF_1:
        return this.#write(() => writeNdef(this.slots, 1, data));
      case SlotCommand.NDEF_2:
        return this.#write(() => writeNdef(this.slots, 2, data));
      case SlotCommand.DEVICE_CONFIG:
        return this.#write(() => this.#writeDevice((device) => device.setMode(data.subarray(0, MODE_SIZE))));
      case SlotCommand.DEVICE_SERIAL:
        return this.#serial();
      case SlotCommand.DEVICE_INFO:
        return this.#readDeviceInfo(data[0] ?? 0);
      case SlotCommand.SET_DEVICE_INFO:
        // The first byte is the length, so that the rest of a frame is nothing. yubikit/management.py
        return this.#write(() => this.#writeDevice((device) => device.write(data.subarray(0, (data[0] ?? 0) + 1))));
      case SlotCommand.CHAL_HMAC_1:
        return respondHmac(this.#challenged(1, transport), data);
      case SlotCommand.CHAL_HMAC_2:
        return respondHmac(this.#challenged(2, transport), data);
      case SlotCommand.CHAL_OTP_1:
        return respondOtp(this.#challenged(1, transport), data, this.#poweredAt);
      case SlotCommand.CHAL_OTP_2:
        return respondOtp(this.#challenged(2, transport), data, this.#poweredAt);
      default:
        return Promise.reject(new StatusError(StatusWord.INCORRECT_P1_P2));
    }
  }

  /** A touch that nobody asked for: types what the slot types, after what it uses up is durable. */
  async touch(slot: SlotNumber, keyboard: TicketKeyboard): Promise<TouchOutcome> {
    if (this.#isTyping) return "busy";
    this.#isTyping = true;
    try {
      const pressed = await this.slots.inTurn(() => press(this.#platform, this.slots, slot, this.#poweredAt));
      if (typeof pressed === "string") return pressed;
      const outcome = await keyboard.type(pressed.codes, pressed.pacingMs);
      this.#platform.log.info(`OTP: a touch of slot ${slot}: ${outcome}`);
      return outcome;
    } finally {
      this.#isTyping = false;
    }
  }

  deselect(): void {}

  /** As new: both slots, and the scan map. */
  reset(): Promise<void> {
    return this.slots.inTurn(() => this.slots.erase());
  }

  /** Each slot's next Yubico OTP begins a new session. */
  powerCycle(): void {
    this.slots.powerCycle();
    this.#poweredAt = this.#platform.clock.now();
  }

  #write(run: () => Promise<void>): Promise<undefined> {
    return this.slots.inTurn(async () => {
      await run();
      return undefined;
    });
  }

  #challenged(slot: SlotNumber, transport: Transport) {
    return { platform: this.#platform, slots: this.slots, slot, transport };
  }

  /** "The YubiKey will allow its serial number to be read": one configured slot has to say so, while there is one. */
  async #serial(): Promise<Uint8Array> {
    const { configured } = this.slots;
    const flags = configured.map((slot) => this.slots.get(slot)?.config.extFlags ?? 0);
    if (configured.length > 0 && !flags.some((each) => (each & ExtendedFlag.SERIAL_API_VISIBLE) !== 0)) {
      throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
    }
    return encodeU32be(this.#platform.device.serialNumber);
  }

  async #readDeviceInfo(page: number): Promise<Uint8Array> {
    if (this.#deviceInfo === undefined) throw new StatusError(StatusWord.FUNCTION_NOT_SUPPORTED);
    return this.#deviceInfo.read(page);
  }

  async #writeDevice(write: (device: DeviceInfoStore) => Promise<void>): Promise<void> {
    if (this.#deviceInfo === undefined) throw new StatusError(StatusWord.FUNCTION_NOT_SUPPORTED);
    await write(this.#deviceInfo);
    this.slots.countWrite();
  }
}
