// The descriptors that a device describes itself with, as tables: USB 2.0 §9.6; the interface association of the
// ECN of 2003 (USB 3.2 §9.6.4); the HID descriptor of HID 1.11 §6.2.1. Class descriptors that only one function
// needs stand with that function.
import { concat } from "../bytes/concat.ts";
import { Reader, ReaderError } from "../bytes/reader.ts";
import { type Field, type Infer, type Struct, struct, u8, u16le } from "../bytes/struct.ts";
import type { Endpoint } from "./endpoint.ts";
import { DIRECTION_IN } from "./request.ts";

/** USB 2.0 table 9-5; HID 1.11 §7.1 */
export const DescriptorType = {
  DEVICE: 1,
  CONFIGURATION: 2,
  STRING: 3,
  INTERFACE: 4,
  ENDPOINT: 5,
  DEVICE_QUALIFIER: 6,
  OTHER_SPEED_CONFIGURATION: 7,
  INTERFACE_ASSOCIATION: 11,
  BOS: 15,
  HID: 0x21,
  HID_REPORT: 0x22,
  CS_INTERFACE: 0x24,
} as const;
export type DescriptorType = (typeof DescriptorType)[keyof typeof DescriptorType];

/** Every descriptor opens with its length and its type. USB 2.0 §9.5 */
export const DescriptorHeader = struct({ bLength: u8, bDescriptorType: u8 });

type Fields = Readonly<Record<string, Field<unknown>>>;

/** A descriptor of fixed layout: the table names what follows bLength and bDescriptorType; `encode` writes those two. */
export function descriptor<F extends Fields>(bDescriptorType: number, fields: F): Struct<F> {
  const body = struct(fields);
  const size = DescriptorHeader.size + body.size;
  const header = DescriptorHeader.encode({ bLength: size, bDescriptorType });
  return {
    size,
    parse: (input) => body.parse(input.subarray(DescriptorHeader.size)),
    encode: (record, payload) => concat(header, body.encode(record, payload)),
  };
}

/** USB 2.0 table 9-8 */
export const DeviceDescriptor = descriptor(DescriptorType.DEVICE, {
  bcdUSB: u16le,
  bDeviceClass: u8,
  bDeviceSubClass: u8,
  bDeviceProtocol: u8,
  bMaxPacketSize0: u8,
  idVendor: u16le,
  idProduct: u16le,
  bcdDevice: u16le,
  iManufacturer: u8,
  iProduct: u8,
  iSerialNumber: u8,
  bNumConfigurations: u8,
});
export type DeviceDescriptor = Infer<typeof DeviceDescriptor>;

/** USB 2.0 table 9-9 */
export const DeviceQualifierDescriptor = descriptor(DescriptorType.DEVICE_QUALIFIER, {
  bcdUSB: u16le,
  bDeviceClass: u8,
  bDeviceSubClass: u8,
  bDeviceProtocol: u8,
  bMaxPacketSize0: u8,
  bNumConfigurations: u8,
  bReserved: u8,
});

/** USB 2.0 table 9-10. wTotalLength counts the interfaces' descriptors too. */
const configurationFields = {
  wTotalLength: u16le,
  bNumInterfaces: u8,
  bConfigurationValue: u8,
  iConfiguration: u8,
  bmAttributes: u8,
  bMaxPower: u8,
};
export const ConfigurationDescriptor = descriptor(DescriptorType.CONFIGURATION, configurationFields);
export const OtherSpeedConfigurationDescriptor = descriptor(
  DescriptorType.OTHER_SPEED_CONFIGURATION,
  configurationFields,
);

/** USB 2.0 table 9-12 */
export const InterfaceDescriptor = descriptor(DescriptorType.INTERFACE, {
  bInterfaceNumber: u8,
  bAlternateSetting: u8,
  bNumEndpoints: u8,
  bInterfaceClass: u8,
  bInterfaceSubClass: u8,
  bInterfaceProtocol: u8,
  iInterface: u8,
});
export type InterfaceDescriptor = Infer<typeof InterfaceDescriptor>;

/** USB 3.2 table 9-16: several interfaces that are one function. */
export const InterfaceAssociationDescriptor = descriptor(DescriptorType.INTERFACE_ASSOCIATION, {
  bFirstInterface: u8,
  bInterfaceCount: u8,
  bFunctionClass: u8,
  bFunctionSubClass: u8,
  bFunctionProtocol: u8,
  iFunction: u8,
});

/** USB 2.0 table 9-13 */
export const EndpointDescriptor = descriptor(DescriptorType.ENDPOINT, {
  bEndpointAddress: u8,
  bmAttributes: u8,
  wMaxPacketSize: u16le,
  bInterval: u8,
});

/** HID 1.11 §6.2.1, with the report descriptor as its only class descriptor. */
export const HidDescriptor = descriptor(DescriptorType.HID, {
  bcdHID: u16le,
  bCountryCode: u8,
  bNumDescriptors: u8,
  bReportDescriptorType: u8,
  wReportDescriptorLength: u16le,
});

export const TransferType = { bulk: 2, interrupt: 3 } as const;

/** bEndpointAddress: the number and the direction. USB 2.0 table 9-13 */
export function endpointAddress(endpoint: Pick<Endpoint, "number" | "direction">): number {
  return endpoint.direction === "in" ? endpoint.number | DIRECTION_IN : endpoint.number;
}

export function encodeEndpointDescriptor(endpoint: Endpoint): Uint8Array {
  return EndpointDescriptor.encode({
    bEndpointAddress: endpointAddress(endpoint),
    bmAttributes: TransferType[endpoint.type],
    wMaxPacketSize: endpoint.maxPacketSize,
    bInterval: endpoint.interval,
  });
}

/** Takes a configuration, or a part of one, apart. Throws ReaderError when a length does not fit. USB 2.0 §9.5 */
export function* eachDescriptor(bytes: Uint8Array): Generator<{ bDescriptorType: number; bytes: Uint8Array }> {
  const reader = new Reader(bytes);
  while (reader.remaining > 0) {
    const { bLength, bDescriptorType } = DescriptorHeader.parse(bytes.subarray(reader.offset));
    if (bLength < DescriptorHeader.size) throw new ReaderError(`a descriptor of ${bLength} bytes`);
    yield { bDescriptorType, bytes: reader.bytes(bLength) };
  }
}

/** UNICODE string descriptor: UTF-16LE, at most 126 units, since bLength is one byte. USB 2.0 §9.6.7 */
export function encodeStringDescriptor(text: string): Uint8Array {
  const units = new Uint8Array(Buffer.from(text, "utf16le"));
  const bLength = DescriptorHeader.size + units.length;
  if (bLength > 0xff) throw new RangeError(`"${text}" is too long for a string descriptor`);
  return concat(DescriptorHeader.encode({ bLength, bDescriptorType: DescriptorType.STRING }), units);
}
