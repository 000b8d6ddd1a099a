// A HID boot mouse that moves and clicks. HID 1.11 appendix B.2, E.10.
import { fromHex } from "../../src/bytes/hex.ts";
import { CompositeDevice } from "../../src/usb/device.ts";
import type { InEndpoint } from "../../src/usb/endpoint.ts";
import { HidClass, HidControl } from "../../src/usb/hid.ts";
import { PacketQueue } from "../../src/usb/packet-queue.ts";
import type { SetupPacket, UsbInterface } from "../../src/usb/types.ts";

/** Three buttons, then X and Y as signed steps. HID 1.11 appendix E.10 */
const REPORT_DESCRIPTOR = fromHex(
  `05 01 09 02 a1 01 09 01 a1 00
   05 09 19 01 29 03 15 00 25 01 95 03 75 01 81 02
   95 01 75 05 81 03
   05 01 09 30 09 31 15 81 25 7f 75 08 95 02 81 06
   c0 c0`,
);
const LEFT_BUTTON = 1;

export class Mouse implements UsbInterface {
  readonly interfaceNumbers = [0];
  readonly #in: InEndpoint = {
    direction: "in",
    number: 1,
    type: "interrupt",
    maxPacketSize: 3,
    interval: 4,
    queue: new PacketQueue({ burst: 16, intervalMs: 2 }),
  };
  readonly endpoints = [this.#in];
  readonly #hid = new HidControl({
    reportDescriptor: REPORT_DESCRIPTOR,
    boot: true,
    getReport: () => Uint8Array.of(0, 0, 0),
  });
  readonly descriptors = this.#hid.encodeInterface({
    interfaceNumber: 0,
    bootDevice: HidClass.MOUSE,
    endpoints: this.endpoints,
  });

  /** Steps of −127 to 127: right and down are positive. */
  move(x: number, y: number): void {
    this.#in.queue.push(Uint8Array.of(0, x, y));
  }

  click(): void {
    this.#in.queue.push(Uint8Array.of(LEFT_BUTTON, 0, 0));
    this.#in.queue.push(Uint8Array.of(0, 0, 0));
  }

  control(setup: SetupPacket, data: Uint8Array): Uint8Array {
    return this.#hid.control(setup, data);
  }

  reset(): void {
    this.#in.queue.clear();
    this.#hid.reset();
  }
}

export function createMouseDevice(mouse: Mouse): CompositeDevice {
  return new CompositeDevice({
    idVendor: 0x1209,
    idProduct: 0x0001,
    bcdDevice: 0x0100,
    manufacturer: "Latchkey",
    product: "Test mouse",
    serialNumber: "MS1",
    interfaces: [mouse],
  });
}
