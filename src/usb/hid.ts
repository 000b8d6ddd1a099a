// The control requests of a HID interface, shared by all of them: the HID and report descriptors, idle rate, boot
// protocol, and reports over endpoint 0. HID 1.11 §7.1, §7.2
import { concat } from "../bytes/concat.ts";
import { DescriptorType, encodeEndpointDescriptor, HidDescriptor, InterfaceDescriptor } from "./descriptors.ts";
import { type Endpoint, UsbStall } from "./endpoint.ts";
import { highByte, lowByte, RequestType, StandardRequest } from "./request.ts";
import type { SetupPacket } from "./types.ts";

/** bInterfaceClass, bInterfaceSubClass and bInterfaceProtocol. HID 1.11 §4.1–4.3 */
export const HidClass = { CLASS: 3, NO_SUBCLASS: 0, BOOT: 1, NO_PROTOCOL: 0, KEYBOARD: 1, MOUSE: 2 } as const;

/** bRequest. HID 1.11 §7.2 */
const HidRequest = {
  GET_REPORT: 0x01,
  GET_IDLE: 0x02,
  GET_PROTOCOL: 0x03,
  SET_REPORT: 0x09,
  SET_IDLE: 0x0a,
  SET_PROTOCOL: 0x0b,
} as const;

/** The high byte of wValue in GET_REPORT and SET_REPORT. HID 1.11 §7.2.1 */
export const ReportType = { INPUT: 1, OUTPUT: 2, FEATURE: 3 } as const;

/** wValue of SET_PROTOCOL. HID 1.11 §7.2.5 */
export const HidProtocol = { BOOT: 0, REPORT: 1 } as const;
export type HidProtocol = (typeof HidProtocol)[keyof typeof HidProtocol];

export interface HidOptions {
  readonly reportDescriptor: Uint8Array;
  /** Of the boot subclass: GET_PROTOCOL and SET_PROTOCOL are answered. Others stall them (HID 1.11 §7.2.5). */
  readonly boot?: boolean;
  /** GET_REPORT; stalls when absent. `type` is a ReportType, `id` 0 where the device has no report ids. */
  readonly getReport?: (type: number, id: number) => Uint8Array;
  /** SET_REPORT; stalls when absent. */
  readonly setReport?: (type: number, id: number, data: Uint8Array) => void;
}

export interface HidInterfaceOptions {
  readonly interfaceNumber: number;
  /** Index of the string that names the interface; 0 unless given, for none. */
  readonly iInterface?: number | undefined;
  /** bInterfaceProtocol: which boot device it is, for those of the boot subclass. HID 1.11 §4.3 */
  readonly bootDevice?: number;
  readonly endpoints: readonly Endpoint[];
}

const NOTHING = new Uint8Array(0);

export class HidControl {
  /** The HID descriptor: it stands between the interface's and the endpoints'. HID 1.11 §7.1 */
  readonly descriptor: Uint8Array;
  readonly #options: HidOptions;
  #protocol: HidProtocol = HidProtocol.REPORT;

  constructor(options: HidOptions) {
    this.#options = options;
    this.descriptor = HidDescriptor.encode({
      bcdHID: 0x0111,
      bCountryCode: 0,
      bNumDescriptors: 1,
      bReportDescriptorType: DescriptorType.HID_REPORT,
      wReportDescriptorLength: options.reportDescriptor.length,
    });
  }

  /** The whole interface, in the order of HID 1.11 §7.1. */
  encodeInterface({ interfaceNumber, iInterface = 0, bootDevice, endpoints }: HidInterfaceOptions): Uint8Array {
    return concat(
      InterfaceDescriptor.encode({
        bInterfaceNumber: interfaceNumber,
        bAlternateSetting: 0,
        bNumEndpoints: endpoints.length,
        bInterfaceClass: HidClass.CLASS,
        bInterfaceSubClass: this.#options.boot ? HidClass.BOOT : HidClass.NO_SUBCLASS,
        bInterfaceProtocol: bootDevice ?? HidClass.NO_PROTOCOL,
        iInterface,
      }),
      this.descriptor,
      ...endpoints.map(encodeEndpointDescriptor),
    );
  }

  /** What the host asked for last; the report protocol after a reset. HID 1.11 §7.2.6 */
  get protocol(): HidProtocol {
    return this.#protocol;
  }

  reset(): void {
    this.#protocol = HidProtocol.REPORT;
  }

  /** Answers one request to the interface: the data stage of an IN, empty for OUT. Throws UsbStall. */
  control(setup: SetupPacket, data: Uint8Array): Uint8Array {
    const { bmRequestType, bRequest } = setup;
    if (bmRequestType === RequestType.INTERFACE_IN && bRequest === StandardRequest.GET_DESCRIPTOR) {
      return this.#getDescriptor(setup.wValue);
    }
    if (bmRequestType === RequestType.CLASS_INTERFACE_IN) return this.#get(bRequest, setup.wValue);
    if (bmRequestType === RequestType.CLASS_INTERFACE_OUT) {
      this.#set(bRequest, setup.wValue, data);
      return NOTHING;
    }
    throw new UsbStall();
  }

  /** Descriptor index 0 is the only one of each type. HID 1.11 §7.1.1 */
  #getDescriptor(wValue: number): Uint8Array {
    if (lowByte(wValue) === 0) {
      if (highByte(wValue) === DescriptorType.HID) return this.descriptor;
      if (highByte(wValue) === DescriptorType.HID_REPORT) return this.#options.reportDescriptor;
    }
    throw new UsbStall();
  }

  #get(bRequest: number, wValue: number): Uint8Array {
    switch (bRequest) {
      case HidRequest.GET_REPORT:
        if (this.#options.getReport === undefined) break;
        return this.#options.getReport(highByte(wValue), lowByte(wValue));
      case HidRequest.GET_IDLE:
        return Uint8Array.of(0);
      case HidRequest.GET_PROTOCOL:
        if (!this.#options.boot) break;
        return Uint8Array.of(this.#protocol);
    }
    throw new UsbStall();
  }

  #set(bRequest: number, wValue: number, data: Uint8Array): void {
    switch (bRequest) {
      case HidRequest.SET_REPORT:
        if (this.#options.setReport === undefined) break;
        this.#options.setReport(highByte(wValue), lowByte(wValue), data);
        return;
      case HidRequest.SET_IDLE:
        // Duration 0: report only what changed. No interface here repeats a report (a repeated CTAPHID packet would
        // be a sequence error), so any other rate is refused rather than promised. HID 1.11 §7.2.4
        if (highByte(wValue) !== 0) break;
        return;
      case HidRequest.SET_PROTOCOL:
        if (!this.#options.boot) break;
        if (wValue !== HidProtocol.BOOT && wValue !== HidProtocol.REPORT) break;
        this.#protocol = wValue;
        return;
    }
    throw new UsbStall();
  }
}
