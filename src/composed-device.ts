// A USB device that is composed anew at each power-up, of the functions that are on then, and with what its identity has
// for them: a host that has the device would not see them come or go.
import { type Composition, compose, type FunctionName, presentFunctions, type UsbFunction } from "./composition.ts";
import type { Identity, UsbId } from "./identity.ts";
import { CompositeDevice } from "./usb/device.ts";
import type { Urb, UsbDevice, UsbInterface } from "./usb/types.ts";

export interface ComposedDeviceOptions {
  readonly identity: Identity;
  /** In place of the identity's. */
  readonly usbId: UsbId | undefined;
  /** 16 hexadecimal digits, drawn once for a store. */
  readonly serialNumber: string;
  readonly functions: readonly UsbFunction[];
  /** The applications that are to be on, as `Capability` bits; asked at each power-up. */
  readEnabled(): number;
  /** The power came or went, after the interfaces were reset and before the next ones are made. */
  onReset(): void;
}

export class ComposedDevice implements UsbDevice {
  readonly #options: ComposedDeviceOptions;
  #enabled: number;
  #composition: Composition;
  #device: CompositeDevice;

  constructor(options: ComposedDeviceOptions) {
    this.#options = options;
    this.#enabled = options.readEnabled();
    this.#composition = compose(options.functions, this.#enabled);
    this.#device = this.#assemble();
  }

  get identity(): Identity {
    return this.#options.identity;
  }

  get serialNumber(): string {
    return this.#options.serialNumber;
  }

  /** The applications that have been on since power-up, as `Capability` bits. */
  get enabled(): number {
    return this.#enabled;
  }

  /** The USB functions that there have been since power-up, in order. */
  get functions(): readonly FunctionName[] {
    return this.#composition.names;
  }

  /** The interface of that kind, if there has been one since power-up. */
  protected find<T extends UsbInterface>(kind: abstract new (...parts: never[]) => T): T | undefined {
    return this.#composition.interfaces.find((each): each is UsbInterface & T => each instanceof kind);
  }

  get speed() {
    return this.#device.speed;
  }

  get descriptor() {
    return this.#device.descriptor;
  }

  get bConfigurationValue() {
    return this.#device.bConfigurationValue;
  }

  get interfaces() {
    return this.#device.interfaces;
  }

  submit(urb: Urb, signal: AbortSignal): Uint8Array | Promise<Uint8Array> {
    return this.#device.submit(urb, signal);
  }

  reset(): void {
    this.#device.reset();
    this.#options.onReset();
    const enabled = this.#options.readEnabled();
    const names = presentFunctions(this.#options.functions, enabled).map(({ name }) => name);
    if (enabled === this.#enabled && names.join() === this.#composition.names.join()) return;
    this.#enabled = enabled;
    for (const each of this.#composition.interfaces) each.dispose?.();
    this.#composition = compose(this.#options.functions, enabled);
    this.#device = this.#assemble();
  }

  #assemble(): CompositeDevice {
    const { identity, usbId, serialNumber } = this.#options;
    const { names, interfaces, strings } = this.#composition;
    const { vendor, product } = usbId ?? identity.usbId(names);
    return new CompositeDevice({
      idVendor: vendor,
      idProduct: product,
      bcdDevice: identity.bcdDevice,
      manufacturer: identity.manufacturer,
      product: identity.product(names),
      ...(identity.hasUsbSerialNumber && { serialNumber }),
      strings,
      interfaces,
    });
  }
}
