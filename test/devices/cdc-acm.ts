// A serial port that echoes what it is sent: one function over two interfaces, with bulk endpoints. CDC 1.2 §5.2;
// PSTN 1.2 §5.3, §6.3 (the abstract control model).
import { concat } from "../../src/bytes/concat.ts";
import { struct, u8, u16le, u32le } from "../../src/bytes/struct.ts";
import {
  DescriptorType,
  descriptor,
  encodeEndpointDescriptor,
  InterfaceAssociationDescriptor,
  InterfaceDescriptor,
} from "../../src/usb/descriptors.ts";
import { ASSOCIATION_CLASS, CompositeDevice } from "../../src/usb/device.ts";
import { type InEndpoint, type OutEndpoint, UsbStall } from "../../src/usb/endpoint.ts";
import { PacketQueue } from "../../src/usb/packet-queue.ts";
import { RequestType } from "../../src/usb/request.ts";
import type { SetupPacket, UsbInterface } from "../../src/usb/types.ts";

const CdcClass = { COMMUNICATIONS: 2, DATA: 0x0a, ACM: 2, NO_PROTOCOL: 0 } as const;
const ControlLine = { SET_LINE_CODING: 0x20, GET_LINE_CODING: 0x21, SET_CONTROL_LINE_STATE: 0x22 } as const;

/** Functional descriptors open with a subtype. CDC 1.2 table 13; PSTN 1.2 §5.3 */
const Header = descriptor(DescriptorType.CS_INTERFACE, { bDescriptorSubtype: u8, bcdCDC: u16le });
const CallManagement = descriptor(DescriptorType.CS_INTERFACE, {
  bDescriptorSubtype: u8,
  bmCapabilities: u8,
  bDataInterface: u8,
});
const AbstractControl = descriptor(DescriptorType.CS_INTERFACE, { bDescriptorSubtype: u8, bmCapabilities: u8 });
const Union = descriptor(DescriptorType.CS_INTERFACE, {
  bDescriptorSubtype: u8,
  bControlInterface: u8,
  bSubordinateInterface0: u8,
});
/** bmCapabilities of AbstractControl: SET_LINE_CODING and its kin. */
const LINE_CODING = 0x02;

/** PSTN 1.2 table 17 */
const LineCoding = struct({ dwDTERate: u32le, bCharFormat: u8, bParityType: u8, bDataBits: u8 });
const DEFAULT_LINE_CODING = LineCoding.encode({ dwDTERate: 115_200, bCharFormat: 0, bParityType: 0, bDataBits: 8 });

export class SerialEcho implements UsbInterface {
  readonly interfaceNumbers = [0, 1];
  readonly #notification: InEndpoint = {
    direction: "in",
    number: 1,
    type: "interrupt",
    maxPacketSize: 16,
    interval: 8,
    queue: new PacketQueue(),
  };
  readonly #in: InEndpoint = {
    direction: "in",
    number: 2,
    type: "bulk",
    maxPacketSize: 512,
    interval: 0,
    queue: new PacketQueue(),
  };
  readonly #out: OutEndpoint = {
    direction: "out",
    number: 2,
    type: "bulk",
    maxPacketSize: 512,
    interval: 0,
    receive: (data) => void this.#in.queue.push(data),
  };
  readonly endpoints = [this.#notification, this.#in, this.#out];
  readonly descriptors = concat(
    InterfaceAssociationDescriptor.encode({
      bFirstInterface: 0,
      bInterfaceCount: 2,
      bFunctionClass: CdcClass.COMMUNICATIONS,
      bFunctionSubClass: CdcClass.ACM,
      bFunctionProtocol: CdcClass.NO_PROTOCOL,
      iFunction: 0,
    }),
    InterfaceDescriptor.encode({
      bInterfaceNumber: 0,
      bAlternateSetting: 0,
      bNumEndpoints: 1,
      bInterfaceClass: CdcClass.COMMUNICATIONS,
      bInterfaceSubClass: CdcClass.ACM,
      bInterfaceProtocol: CdcClass.NO_PROTOCOL,
      iInterface: 0,
    }),
    Header.encode({ bDescriptorSubtype: 0, bcdCDC: 0x0120 }),
    CallManagement.encode({ bDescriptorSubtype: 1, bmCapabilities: 0, bDataInterface: 1 }),
    AbstractControl.encode({ bDescriptorSubtype: 2, bmCapabilities: LINE_CODING }),
    Union.encode({ bDescriptorSubtype: 6, bControlInterface: 0, bSubordinateInterface0: 1 }),
    encodeEndpointDescriptor(this.#notification),
    InterfaceDescriptor.encode({
      bInterfaceNumber: 1,
      bAlternateSetting: 0,
      bNumEndpoints: 2,
      bInterfaceClass: CdcClass.DATA,
      bInterfaceSubClass: 0,
      bInterfaceProtocol: CdcClass.NO_PROTOCOL,
      iInterface: 0,
    }),
    encodeEndpointDescriptor(this.#in),
    encodeEndpointDescriptor(this.#out),
  );
  #lineCoding = DEFAULT_LINE_CODING;

  control(setup: SetupPacket, data: Uint8Array): Uint8Array {
    const { bmRequestType, bRequest } = setup;
    if (bmRequestType === RequestType.CLASS_INTERFACE_IN && bRequest === ControlLine.GET_LINE_CODING) {
      return this.#lineCoding;
    }
    if (bmRequestType === RequestType.CLASS_INTERFACE_OUT) {
      if (bRequest === ControlLine.SET_CONTROL_LINE_STATE) return new Uint8Array(0);
      if (bRequest === ControlLine.SET_LINE_CODING && data.length === LineCoding.size) {
        this.#lineCoding = data;
        return new Uint8Array(0);
      }
    }
    throw new UsbStall();
  }

  reset(): void {
    this.#lineCoding = DEFAULT_LINE_CODING;
    this.#in.queue.clear();
  }
}

export function createSerialDevice(serial: SerialEcho): CompositeDevice {
  return new CompositeDevice({
    idVendor: 0x1209,
    idProduct: 0x0001,
    bcdDevice: 0x0100,
    manufacturer: "Latchkey",
    product: "Test serial echo",
    serialNumber: "TTY1",
    deviceClass: ASSOCIATION_CLASS,
    interfaces: [serial],
  });
}
