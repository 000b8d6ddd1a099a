// The faces of the USB core: what a USB/IP server asks of a device, and what a device asks of its interfaces.
import { type Infer, struct, u8, u16le } from "../bytes/struct.ts";
import type { DeviceDescriptor, InterfaceDescriptor } from "./descriptors.ts";
import type { Endpoint } from "./endpoint.ts";

/** The eight bytes that open every control transfer. USB 2.0 §9.3, table 9-2 */
export const SetupPacket = struct({ bmRequestType: u8, bRequest: u8, wValue: u16le, wIndex: u16le, wLength: u16le });
export type SetupPacket = Infer<typeof SetupPacket>;

/** One transfer, as the host's driver asked for it (Linux calls it a USB request block). */
export interface Urb {
  /** Endpoint number without the direction bit; 0 is the control endpoint. */
  readonly endpoint: number;
  /** Host-centric, as in USB 2.0: OUT is host to device. */
  readonly direction: "in" | "out";
  /** Endpoint 0 only. */
  readonly setup?: SetupPacket | undefined;
  /** OUT: the payload; empty for IN. */
  readonly data: Uint8Array;
  /** IN: the most bytes that the host will take. */
  readonly length: number;
}

/** As Linux numbers them (enum usb_device_speed), and USB/IP with it. */
export const UsbSpeed = { LOW: 1, FULL: 2, HIGH: 3, SUPER: 5 } as const;
export type UsbSpeed = (typeof UsbSpeed)[keyof typeof UsbSpeed];

/** What a USB/IP server asks of a device: enough to list and export it, and one function that does a transfer. */
export interface UsbDevice {
  readonly speed: UsbSpeed;
  readonly descriptor: DeviceDescriptor;
  /** Of the only configuration. */
  readonly bConfigurationValue: number;
  /** One for each interface of the configuration, in order of their numbers; alternate setting 0. */
  readonly interfaces: readonly InterfaceDescriptor[];
  /**
   * Does the transfer, or starts it and returns a promise: of the data of an IN, of nothing once an OUT is accepted. Only
   * an IN from a data endpoint may wait: with nothing to send it stays pending until `signal` aborts, and then rejects
   * with TransferAborted. Throws, or rejects with, UsbStall for a STALL handshake. Once settled, a transfer holds no
   * listener on its signal: the signal may serve another.
   */
  submit(urb: Urb, signal: AbortSignal): Uint8Array | Promise<Uint8Array>;
  /** The power came or went: a host attached or left. */
  reset(): void;
}

/** One function of a composite device: the CTAPHID interface, the CCID interface. */
export interface UsbInterface {
  /** Interface, class-specific and endpoint descriptors, in the order of USB 2.0 §9.6.3. */
  readonly descriptors: Uint8Array;
  /** Interface numbers that `descriptors` holds: one, or several for a function such as CDC-ACM. */
  readonly interfaceNumbers: readonly number[];
  readonly endpoints: readonly Endpoint[];
  /** A class or vendor request, or GET_DESCRIPTOR, for this interface: returns the data stage of an IN (empty for OUT). Throws UsbStall. */
  control(setup: SetupPacket, data: Uint8Array): Uint8Array;
  /** The power went, or the host set a configuration: forget everything volatile, empty the queues. */
  reset(): void;
  /** It is not in the device any more, nor will be: lets go of what outlives it. */
  dispose?(): void;
}
