// A HID boot keyboard that types words: a proof that the USB core knows no particular function. HID 1.11 appendix B.1,
// F.5; key usages of the HID Usage Tables, page 0x07.
import { fromHex } from "../../src/bytes/hex.ts";
import { CompositeDevice } from "../../src/usb/device.ts";
import type { InEndpoint } from "../../src/usb/endpoint.ts";
import { HidClass, HidControl, ReportType } from "../../src/usb/hid.ts";
import { PacketQueue } from "../../src/usb/packet-queue.ts";
import type { SetupPacket, UsbInterface } from "../../src/usb/types.ts";

/** Modifiers, a reserved byte, six keys; five LEDs the other way. HID 1.11 appendix B.1 */
const REPORT_DESCRIPTOR = fromHex(
  `05 01 09 06 a1 01
   05 07 19 e0 29 e7 15 00 25 01 75 01 95 08 81 02
   95 01 75 08 81 03
   95 05 75 01 05 08 19 01 29 05 91 02 95 01 75 03 91 03
   95 06 75 08 15 00 25 65 05 07 19 00 29 65 81 00
   c0`,
);
const RELEASED = new Uint8Array(8);
const USAGE_A = 0x04;

export class Keyboard implements UsbInterface {
  readonly interfaceNumbers = [0];
  /** What the host last lit: bit 0 Num Lock, 1 Caps Lock, … */
  leds = 0;
  readonly #in: InEndpoint = {
    direction: "in",
    number: 1,
    type: "interrupt",
    maxPacketSize: 8,
    interval: 4,
    queue: new PacketQueue({ burst: 16, intervalMs: 2 }),
  };
  readonly endpoints = [this.#in];
  readonly #hid = new HidControl({
    reportDescriptor: REPORT_DESCRIPTOR,
    boot: true,
    getReport: () => RELEASED,
    setReport: (type, _id, data) => {
      if (type === ReportType.OUTPUT) this.leds = data[0] ?? 0;
    },
  });
  readonly descriptors = this.#hid.encodeInterface({
    interfaceNumber: 0,
    bootDevice: HidClass.KEYBOARD,
    endpoints: this.endpoints,
  });

  /** Presses and releases each letter, a to z; the host reads the reports when it asks. */
  type(word: string): void {
    for (const letter of word) {
      const usage = letter.charCodeAt(0) - "a".charCodeAt(0) + USAGE_A;
      this.#in.queue.push(Uint8Array.of(0, 0, usage, 0, 0, 0, 0, 0));
      this.#in.queue.push(RELEASED);
    }
  }

  control(setup: SetupPacket, data: Uint8Array): Uint8Array {
    return this.#hid.control(setup, data);
  }

  reset(): void {
    this.leds = 0;
    this.#in.queue.clear();
    this.#hid.reset();
  }
}

export function createKeyboardDevice(keyboard: Keyboard): CompositeDevice {
  return new CompositeDevice({
    idVendor: 0x1209,
    idProduct: 0x0001,
    bcdDevice: 0x0100,
    manufacturer: "Latchkey",
    product: "Test keyboard",
    serialNumber: "KB1",
    interfaces: [keyboard],
  });
}
