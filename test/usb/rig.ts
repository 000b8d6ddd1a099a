// A device on the bench: one interface with a bulk pair and an interrupt endpoint, whose host is the test.
import { concat } from "../../src/bytes/concat.ts";
import { encodeEndpointDescriptor, InterfaceDescriptor } from "../../src/usb/descriptors.ts";
import { CompositeDevice, type CompositeDeviceOptions } from "../../src/usb/device.ts";
import { type InEndpoint, type OutEndpoint, UsbStall } from "../../src/usb/endpoint.ts";
import { PacketQueue } from "../../src/usb/packet-queue.ts";
import type { SetupPacket, UsbDevice, UsbInterface } from "../../src/usb/types.ts";

export const NOTHING = new Uint8Array(0);

/** Keeps what it receives and what it is asked; answers control requests with `reply`, or stalls without one. */
export class BenchInterface implements UsbInterface {
  readonly interfaceNumbers: readonly number[];
  readonly descriptors: Uint8Array;
  readonly bulkIn: InEndpoint;
  readonly bulkOut: OutEndpoint;
  readonly interruptIn: InEndpoint;
  readonly endpoints: readonly [InEndpoint, OutEndpoint, InEndpoint];
  readonly received: Uint8Array[] = [];
  readonly requests: { readonly setup: SetupPacket; readonly data: Uint8Array }[] = [];
  resets = 0;
  reply: Uint8Array | undefined = NOTHING;
  /** What `receive` throws, if anything. */
  fault: Error | undefined;

  constructor(interfaceNumber = 0, firstEndpoint = 1) {
    this.interfaceNumbers = [interfaceNumber];
    const bulk = { number: firstEndpoint, type: "bulk", maxPacketSize: 512, interval: 0 } as const;
    this.bulkIn = { ...bulk, direction: "in", queue: new PacketQueue() };
    this.bulkOut = { ...bulk, direction: "out", receive: (data) => this.#receive(data) };
    this.interruptIn = {
      number: firstEndpoint + 1,
      type: "interrupt",
      maxPacketSize: 64,
      interval: 6,
      direction: "in",
      queue: new PacketQueue(),
    };
    this.endpoints = [this.bulkIn, this.bulkOut, this.interruptIn];
    this.descriptors = concat(
      InterfaceDescriptor.encode({
        bInterfaceNumber: interfaceNumber,
        bAlternateSetting: 0,
        bNumEndpoints: 3,
        bInterfaceClass: 0xff,
        bInterfaceSubClass: 0x5a,
        bInterfaceProtocol: interfaceNumber,
        iInterface: 0,
      }),
      ...this.endpoints.map(encodeEndpointDescriptor),
    );
  }

  control(setup: SetupPacket, data: Uint8Array): Uint8Array {
    this.requests.push({ setup, data });
    if (this.reply === undefined) throw new UsbStall();
    return this.reply;
  }

  reset(): void {
    this.resets++;
    this.bulkIn.queue.clear();
    this.interruptIn.queue.clear();
  }

  #receive(data: Uint8Array): void {
    if (this.fault !== undefined) throw this.fault;
    this.received.push(data);
  }
}

export function createBenchDevice(
  interfaces: readonly UsbInterface[],
  options: Partial<CompositeDeviceOptions> = {},
): CompositeDevice {
  return new CompositeDevice({
    idVendor: 0x1234,
    idProduct: 0xabcd,
    bcdDevice: 0x0107,
    manufacturer: "Maker",
    product: "Bench",
    interfaces,
    ...options,
  });
}

export function setupPacket(bmRequestType: number, bRequest: number, wValue = 0, wIndex = 0, wLength = 0): SetupPacket {
  return { bmRequestType, bRequest, wValue, wIndex, wLength };
}

/** The host's side of a device: transfers as calls. */
export class BenchHost {
  readonly #device: UsbDevice;

  constructor(device: UsbDevice) {
    this.#device = device;
  }

  /** `length` is the host's buffer; wLength unless given. */
  controlIn(setup: SetupPacket, length = setup.wLength): Promise<Uint8Array> {
    return this.#submit({ endpoint: 0, direction: "in", setup, data: NOTHING, length });
  }

  controlOut(setup: SetupPacket, data: Uint8Array = NOTHING): Promise<Uint8Array> {
    return this.#submit({ endpoint: 0, direction: "out", setup, data, length: data.length });
  }

  transferIn(endpoint: number, length = 512, signal?: AbortSignal): Promise<Uint8Array> {
    return this.#submit({ endpoint, direction: "in", data: NOTHING, length }, signal);
  }

  transferOut(endpoint: number, data: Uint8Array): Promise<Uint8Array> {
    return this.#submit({ endpoint, direction: "out", data, length: data.length });
  }

  configure(value = 1): Promise<Uint8Array> {
    return this.controlOut(setupPacket(0x00, 9, value));
  }

  async #submit(urb: Parameters<UsbDevice["submit"]>[0], signal = new AbortController().signal): Promise<Uint8Array> {
    return this.#device.submit(urb, signal);
  }
}
