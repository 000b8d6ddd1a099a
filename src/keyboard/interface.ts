// The keyboard interface: a boot keyboard that types tickets, and whose feature reports carry the OTP protocol.
// HID 1.11 §7.2, appendix B.1; ykcore.c
import { concat } from "../bytes/concat.ts";
import { fromHex } from "../bytes/hex.ts";
import type { Logger } from "../log.ts";
import { type InEndpoint, UsbStall } from "../usb/endpoint.ts";
import { HidClass, HidControl, ReportType } from "../usb/hid.ts";
import type { SetupPacket, UsbInterface } from "../usb/types.ts";
import { REPORT_SIZE } from "./frame.ts";
import { FrameProtocol, type SlotApplication } from "./frame-protocol.ts";
import { type TypingOutcome, Typist } from "./typist.ts";

/** HID 1.11 appendix B.1, and a feature report as YubiKeys have it. */
const REPORT_DESCRIPTOR = concat(
  fromHex("05 01  09 06"), // Usage Page (generic desktop), Usage (keyboard)
  fromHex("a1 01"), // Collection (Application)
  fromHex("05 07  19 e0  29 e7"), //   Usage Page (keys), Usage Minimum and Maximum: the modifiers
  fromHex("15 00  25 01  75 01  95 08  81 02"), //   8 fields of 1 bit, Input (Data, Variable)
  fromHex("95 01  75 08  81 01"), //   a byte, Input (Constant)
  fromHex("95 05  75 01  05 08  19 01  29 05  91 02"), //   the five LEDs, Output (Data, Variable)
  fromHex("95 01  75 03  91 01"), //   3 bits, Output (Constant)
  fromHex("95 06  75 08  15 00  25 65"), //   6 fields of 8 bits, 0 to 101
  fromHex("05 07  19 00  29 65  81 00"), //   Usage Page (keys), Input (Data, Array)
  fromHex("09 03  75 08  95 08  b1 02"), //   8 fields of 8 bits, Feature (Data, Variable)
  fromHex("c0"), // End Collection
);

/** 2^(7−1) microframes of 125 µs: the host asks every 8 ms. USB 2.0 table 9-13 */
const INTERVAL = 7;

export interface KeyboardInterfaceOptions {
  readonly application: SlotApplication;
  readonly log: Logger;
  readonly interfaceNumber: number;
  /** 1–15. */
  readonly endpoint: number;
  /** Index of the string that names the interface; 0 for none. */
  readonly iInterface?: number;
}

export class KeyboardInterface implements UsbInterface {
  readonly descriptors: Uint8Array;
  readonly interfaceNumbers: readonly number[];
  readonly endpoints: readonly [InEndpoint];
  readonly #typist = new Typist();
  readonly #protocol: FrameProtocol;
  readonly #hid: HidControl;

  constructor(options: KeyboardInterfaceOptions) {
    const { application, log, interfaceNumber, endpoint } = options;
    this.#protocol = new FrameProtocol(application, log);
    this.#hid = new HidControl({
      reportDescriptor: REPORT_DESCRIPTOR,
      boot: true,
      getReport: (type) => this.#getReport(type),
      setReport: (type, _id, data) => this.#setReport(type, data),
    });
    this.endpoints = [
      {
        direction: "in",
        number: endpoint,
        type: "interrupt",
        maxPacketSize: REPORT_SIZE,
        interval: INTERVAL,
        queue: this.#typist.queue,
      },
    ];
    this.interfaceNumbers = [interfaceNumber];
    const { endpoints } = this;
    this.descriptors = this.#hid.encodeInterface({
      interfaceNumber,
      iInterface: options.iInterface,
      bootDevice: HidClass.KEYBOARD,
      endpoints,
    });
  }

  /** See Typist.type. */
  type(codes: readonly number[], pacingMs: number): Promise<TypingOutcome> {
    return this.#typist.type(codes, pacingMs);
  }

  control(setup: SetupPacket, data: Uint8Array): Uint8Array {
    return this.#hid.control(setup, data);
  }

  reset(): void {
    this.#protocol.reset();
    this.#typist.reset();
    this.#hid.reset();
  }

  #getReport(type: number): Uint8Array {
    if (type === ReportType.FEATURE) return this.#protocol.read();
    if (type === ReportType.INPUT) return new Uint8Array(REPORT_SIZE);
    throw new UsbStall();
  }

  /** The LEDs say nothing to us. */
  #setReport(type: number, data: Uint8Array): void {
    if (type === ReportType.OUTPUT) return;
    if (type !== ReportType.FEATURE || data.length !== REPORT_SIZE) throw new UsbStall();
    this.#protocol.write(data);
  }
}
