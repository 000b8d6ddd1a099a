// A USB device composed of interfaces: its descriptors, and the way of a transfer to the control endpoint or to the
// data endpoint it names. A high-speed device: bulk packets of 512 bytes suit every host (USB 2.0 §5.8.3; Windows'
// virtual controllers know no other). What the interfaces do is not known here.
import { concat } from "../bytes/concat.ts";
import { encodeU16le } from "../bytes/integer.ts";
import { ControlEndpoint } from "./control.ts";
import {
  ConfigurationDescriptor,
  DescriptorHeader,
  DescriptorType,
  DeviceDescriptor,
  DeviceQualifierDescriptor,
  EndpointDescriptor,
  eachDescriptor,
  encodeStringDescriptor,
  endpointAddress,
  InterfaceDescriptor,
  OtherSpeedConfigurationDescriptor,
  TransferType,
} from "./descriptors.ts";
import { UsbStall } from "./endpoint.ts";
import { DIRECTION_IN } from "./request.ts";
import { type SetupPacket, type Urb, type UsbDevice, type UsbInterface, UsbSpeed } from "./types.ts";

export interface CompositeDeviceOptions {
  readonly idVendor: number;
  readonly idProduct: number;
  /** Release number, binary-coded decimal. */
  readonly bcdDevice: number;
  readonly manufacturer: string;
  readonly product: string;
  readonly serialNumber?: string;
  /** Further strings by index (from 4), for the interfaces' iInterface. */
  readonly strings?: Readonly<Record<number, string>>;
  /** bDeviceClass, bDeviceSubClass, bDeviceProtocol; 0, 0, 0 unless given: each interface says its own. */
  readonly deviceClass?: readonly [number, number, number];
  readonly interfaces: readonly UsbInterface[];
  /** Called when the power came or went, after the interfaces were reset. */
  readonly onReset?: () => void;
}

/** Class code of devices whose functions span interfaces: an interface association says which. USB 3.2 §9.6.4 */
export const ASSOCIATION_CLASS = [0xef, 0x02, 0x01] as const;

const StringIndex = { LANGUAGES: 0, MANUFACTURER: 1, PRODUCT: 2, SERIAL_NUMBER: 3 } as const;
const LANGUAGE_ENGLISH_US = 0x0409;
const CONFIGURATION_VALUE = 1;
const MAX_PACKET_SIZE_0 = 64;
const BUS_POWERED = 0x80;
/** bMaxPower, in units of 2 mA. */
const MAX_POWER = 50;
/** Endpoint numbers have four bits. USB 2.0 §8.3.2.2 */
const MAX_ENDPOINT = 15;
const NOTHING = new Uint8Array(0);

export class CompositeDevice implements UsbDevice {
  readonly speed = UsbSpeed.HIGH;
  readonly descriptor: DeviceDescriptor;
  readonly bConfigurationValue = CONFIGURATION_VALUE;
  readonly interfaces: readonly InterfaceDescriptor[];
  readonly #control: ControlEndpoint;
  readonly #onReset: (() => void) | undefined;

  /** Throws RangeError when the interfaces' descriptors do not fit together: a mistake in the wiring. */
  constructor(options: CompositeDeviceOptions) {
    const [bDeviceClass, bDeviceSubClass, bDeviceProtocol] = options.deviceClass ?? [0, 0, 0];
    const common = {
      bcdUSB: 0x0200,
      bDeviceClass,
      bDeviceSubClass,
      bDeviceProtocol,
      bMaxPacketSize0: MAX_PACKET_SIZE_0,
      bNumConfigurations: 1,
    };
    this.descriptor = {
      ...common,
      idVendor: options.idVendor,
      idProduct: options.idProduct,
      bcdDevice: options.bcdDevice,
      iManufacturer: StringIndex.MANUFACTURER,
      iProduct: StringIndex.PRODUCT,
      iSerialNumber: options.serialNumber === undefined ? 0 : StringIndex.SERIAL_NUMBER,
    };
    this.interfaces = describedInterfaces(options.interfaces);
    const functions = concat(...options.interfaces.map((each) => each.descriptors));
    const configuration = {
      wTotalLength: ConfigurationDescriptor.size + functions.length,
      bNumInterfaces: this.interfaces.length,
      bConfigurationValue: CONFIGURATION_VALUE,
      iConfiguration: 0,
      bmAttributes: BUS_POWERED,
      bMaxPower: MAX_POWER,
    };
    const descriptors = {
      device: DeviceDescriptor.encode(this.descriptor),
      deviceQualifier: DeviceQualifierDescriptor.encode({ ...common, bReserved: 0 }),
      configuration: concat(ConfigurationDescriptor.encode(configuration), functions),
      otherSpeedConfiguration: concat(OtherSpeedConfigurationDescriptor.encode(configuration), atFullSpeed(functions)),
      strings: encodeStrings(options),
    };
    this.#control = new ControlEndpoint(descriptors, CONFIGURATION_VALUE, options.interfaces);
    this.#onReset = options.onReset;
  }

  /** All but an IN that waits is done when it returns: a promise would cost as much as the transfer itself. */
  submit(urb: Urb, signal: AbortSignal): Uint8Array | Promise<Uint8Array> {
    if (urb.endpoint === 0) {
      if (urb.setup === undefined) throw new UsbStall();
      return this.#controlTransfer(urb.setup, urb);
    }
    if (urb.endpoint > MAX_ENDPOINT) throw new UsbStall();
    const address = urb.direction === "in" ? urb.endpoint | DIRECTION_IN : urb.endpoint;
    const endpoint = this.#control.usableEndpoint(address);
    if (endpoint.direction === "in")
      return endpoint.queue.pullNow(urb.length) ?? endpoint.queue.pull(urb.length, signal);
    // A zero-length packet ends a transfer that filled its last packet; a transfer is whole here without it.
    if (urb.data.length === 0) return NOTHING;
    try {
      endpoint.receive(urb.data);
    } catch (error) {
      if (error instanceof UsbStall) this.#control.halt(address);
      throw error;
    }
    return NOTHING;
  }

  reset(): void {
    this.#control.reset();
    this.#onReset?.();
  }

  /** Without a data stage (wLength 0) the direction says nothing: USB 2.0 table 9-2. */
  #controlTransfer(setup: SetupPacket, urb: Urb): Uint8Array {
    const direction = (setup.bmRequestType & DIRECTION_IN) === 0 ? "out" : "in";
    if (setup.wLength > 0 && direction !== urb.direction) throw new UsbStall();
    if (urb.direction === "out" && urb.data.length !== setup.wLength) throw new UsbStall();
    return this.#control.handle(setup, urb.data).subarray(0, Math.min(setup.wLength, urb.length));
  }
}

/** The interface descriptors, in order; throws RangeError unless they and the endpoints are what the interfaces say. */
function describedInterfaces(interfaces: readonly UsbInterface[]): InterfaceDescriptor[] {
  const described: InterfaceDescriptor[] = [];
  const addresses = new Set<number>();
  for (const each of interfaces) {
    const numbers: number[] = [];
    const ownAddresses: number[] = [];
    for (const { bDescriptorType, bytes } of eachDescriptor(each.descriptors)) {
      if (bDescriptorType === DescriptorType.INTERFACE) {
        const descriptor = InterfaceDescriptor.parse(bytes);
        described.push(descriptor);
        numbers.push(descriptor.bInterfaceNumber);
      } else if (bDescriptorType === DescriptorType.ENDPOINT) {
        ownAddresses.push(EndpointDescriptor.parse(bytes).bEndpointAddress);
      }
    }
    const claimed = each.endpoints.map(endpointAddress);
    if (numbers.join() !== [...each.interfaceNumbers].join()) throw new RangeError("interface numbers do not match");
    if (ownAddresses.toSorted().join() !== claimed.toSorted().join()) throw new RangeError("endpoints do not match");
    for (const address of claimed) {
      if (addresses.has(address)) throw new RangeError(`two endpoints at address ${address}`);
      addresses.add(address);
    }
  }
  if (!described.every((descriptor, index) => descriptor.bInterfaceNumber === index)) {
    throw new RangeError("interfaces are numbered from 0, in order");
  }
  return described;
}

/**
 * What the configuration would be at full speed, for GET_DESCRIPTOR(OTHER_SPEED_CONFIGURATION): packets of at most 64
 * bytes, and polling in frames of 1 ms where high speed counts 2^(bInterval−1) microframes. USB 2.0 §5.7.3, §5.8.3
 */
function atFullSpeed(functions: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { bDescriptorType, bytes } of eachDescriptor(functions)) {
    if (bDescriptorType !== DescriptorType.ENDPOINT) {
      parts.push(bytes);
      continue;
    }
    const endpoint = EndpointDescriptor.parse(bytes);
    const frames = Math.min(Math.max(2 ** (endpoint.bInterval - 1) / 8, 1), 255);
    parts.push(
      EndpointDescriptor.encode({
        ...endpoint,
        wMaxPacketSize: Math.min(endpoint.wMaxPacketSize, 64),
        bInterval: endpoint.bmAttributes === TransferType.interrupt ? frames : endpoint.bInterval,
      }),
    );
  }
  return concat(...parts);
}

function encodeStrings(options: CompositeDeviceOptions): Map<number, Uint8Array> {
  const languages = encodeU16le(LANGUAGE_ENGLISH_US);
  const header = { bLength: DescriptorHeader.size + languages.length, bDescriptorType: DescriptorType.STRING };
  const strings = new Map([
    [StringIndex.LANGUAGES as number, concat(DescriptorHeader.encode(header), languages)],
    [StringIndex.MANUFACTURER, encodeStringDescriptor(options.manufacturer)],
    [StringIndex.PRODUCT, encodeStringDescriptor(options.product)],
  ]);
  if (options.serialNumber !== undefined) {
    strings.set(StringIndex.SERIAL_NUMBER, encodeStringDescriptor(options.serialNumber));
  }
  for (const [index, text] of Object.entries(options.strings ?? {})) {
    if (strings.has(Number(index))) throw new RangeError(`string index ${index} is taken`);
    strings.set(Number(index), encodeStringDescriptor(text));
  }
  return strings;
}
