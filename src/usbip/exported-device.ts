// A device on offer: its busid, what lists say of it, and who has it. One host at a time, as with a cable.
import type { UsbDevice } from "../usb/types.ts";
import { BUSID_MAX_LENGTH, devidOf, type UsbipUsbDevice, UsbipUsbInterface } from "./protocol.ts";

export class ExportedDevice {
  readonly busid: string;
  readonly device: UsbDevice;
  readonly devid: number;
  readonly #busnum: number;
  readonly #devnum: number;
  #importedBy: string | undefined;

  /** `busnum` and `devnum` make up the devid; Linux numbers a bus's devices from 2, its hub being 1. */
  constructor(
    device: UsbDevice,
    address: { readonly busid: string; readonly busnum: number; readonly devnum: number },
  ) {
    const { busid, busnum, devnum } = address;
    if (busid.length === 0 || busid.length > BUSID_MAX_LENGTH) throw new RangeError(`"${busid}" is no busid`);
    this.busid = busid;
    this.device = device;
    this.#busnum = busnum;
    this.#devnum = devnum;
    this.devid = devidOf(address);
  }

  /** What lists and imports say of it: the device as it is now, since a power cycle may have made another of it. */
  get record(): UsbipUsbDevice {
    const { busid, device } = this;
    const { descriptor } = device;
    return {
      path: `/sys/devices/latchkey/${busid}`,
      busid,
      busnum: this.#busnum,
      devnum: this.#devnum,
      speed: device.speed,
      idVendor: descriptor.idVendor,
      idProduct: descriptor.idProduct,
      bcdDevice: descriptor.bcdDevice,
      bDeviceClass: descriptor.bDeviceClass,
      bDeviceSubClass: descriptor.bDeviceSubClass,
      bDeviceProtocol: descriptor.bDeviceProtocol,
      bConfigurationValue: device.bConfigurationValue,
      bNumConfigurations: descriptor.bNumConfigurations,
      bNumInterfaces: device.interfaces.length,
    };
  }

  /** One for each interface, as OP_REP_DEVLIST has them after the device. */
  get encodedInterfaces(): Uint8Array[] {
    return this.device.interfaces.map((each) =>
      UsbipUsbInterface.encode({
        bInterfaceClass: each.bInterfaceClass,
        bInterfaceSubClass: each.bInterfaceSubClass,
        bInterfaceProtocol: each.bInterfaceProtocol,
        padding: 0,
      }),
    );
  }

  /** The address of the host that has it, if one has. */
  get importedBy(): string | undefined {
    return this.#importedBy;
  }

  /** Gives the device to `peer` and powers it up; false when another has it. */
  claim(peer: string): boolean {
    if (this.#importedBy !== undefined) return false;
    this.device.reset();
    this.#importedBy = peer;
    return true;
  }

  /** The host has gone: the device loses power, and with it all that waited for that host. */
  release(): void {
    this.#importedBy = undefined;
    this.device.reset();
  }
}
