// The control endpoint: every request of USB 2.0 chapter 9 that a host sends, and the way of class and vendor requests
// to the interface that they name. Whatever is not known here ends in a STALL (§9.2.7).
import { DescriptorType, endpointAddress } from "./descriptors.ts";
import { type Endpoint, UsbStall } from "./endpoint.ts";
import {
  Feature,
  highByte,
  lowByte,
  PortFeature,
  Recipient,
  RequestKind,
  RequestType,
  requestKind,
  requestRecipient,
  StandardRequest,
} from "./request.ts";
import type { SetupPacket, UsbInterface } from "./types.ts";

/** What GET_DESCRIPTOR gives, ready to send. */
export interface DescriptorSet {
  readonly device: Uint8Array;
  readonly deviceQualifier: Uint8Array;
  readonly configuration: Uint8Array;
  readonly otherSpeedConfiguration: Uint8Array;
  /** By string index; 0 is the table of languages. */
  readonly strings: ReadonlyMap<number, Uint8Array>;
}

const NOTHING = new Uint8Array(0);
const UNCONFIGURED = 0;

export class ControlEndpoint {
  readonly #descriptors: DescriptorSet;
  readonly #bConfigurationValue: number;
  readonly #interfaces = new Map<number, UsbInterface>();
  readonly #endpoints = new Map<number, { readonly endpoint: Endpoint; readonly owner: UsbInterface }>();
  /** bEndpointAddress of each halted endpoint. USB 2.0 §9.4.5 */
  readonly #halted = new Set<number>();
  #configuration = UNCONFIGURED;

  constructor(descriptors: DescriptorSet, bConfigurationValue: number, interfaces: readonly UsbInterface[]) {
    this.#descriptors = descriptors;
    this.#bConfigurationValue = bConfigurationValue;
    for (const owner of interfaces) {
      for (const number of owner.interfaceNumbers) this.#interfaces.set(number, owner);
      for (const endpoint of owner.endpoints) this.#endpoints.set(endpointAddress(endpoint), { endpoint, owner });
    }
  }

  /** The data endpoint at this address, if it can be used now: the device is configured and the endpoint not halted. */
  usableEndpoint(address: number): Endpoint {
    if (this.#halted.has(address)) throw new UsbStall();
    return this.#endpoint(address).endpoint;
  }

  /** Stalls the endpoint's transfers, the waiting ones too, until CLEAR_FEATURE(ENDPOINT_HALT). USB 2.0 §9.4.9 */
  halt(address: number): void {
    const { endpoint } = this.#endpoint(address);
    this.#halted.add(address);
    if (endpoint.direction === "in") endpoint.queue.fail(new UsbStall());
  }

  /** Power-up: the host has configured nothing yet. USB 2.0 §9.1.1.3 */
  reset(): void {
    this.#configure(UNCONFIGURED);
  }

  /** Answers one request: the data stage of an IN, not yet cut to wLength; empty for an OUT. Throws UsbStall. */
  handle(setup: SetupPacket, data: Uint8Array): Uint8Array {
    switch (requestKind(setup.bmRequestType)) {
      case RequestKind.STANDARD:
        return this.#standard(setup, data);
      case RequestKind.CLASS:
      case RequestKind.VENDOR:
        if (setup.bmRequestType === RequestType.PORT_OUT) return this.#port(setup);
        return this.#owner(setup).control(setup, data);
    }
    throw new UsbStall();
  }

  #standard(setup: SetupPacket, data: Uint8Array): Uint8Array {
    switch (setup.bmRequestType) {
      case RequestType.DEVICE_IN:
        return this.#getFromDevice(setup);
      case RequestType.DEVICE_OUT:
        return this.#setOnDevice(setup);
      case RequestType.INTERFACE_IN:
        return this.#getFromInterface(setup, data);
      case RequestType.INTERFACE_OUT:
        return this.#setOnInterface(setup, data);
      case RequestType.ENDPOINT_IN:
        return this.#getFromEndpoint(setup);
      case RequestType.ENDPOINT_OUT:
        return this.#setOnEndpoint(setup);
    }
    throw new UsbStall();
  }

  #getFromDevice(setup: SetupPacket): Uint8Array {
    switch (setup.bRequest) {
      case StandardRequest.GET_DESCRIPTOR:
        return this.#descriptor(highByte(setup.wValue), lowByte(setup.wValue));
      case StandardRequest.GET_CONFIGURATION:
        return Uint8Array.of(this.#configuration);
      case StandardRequest.GET_STATUS:
        return Uint8Array.of(0, 0); // bus-powered, remote wakeup off: §9.4.5
    }
    throw new UsbStall();
  }

  /**
   * A string answers in whatever language it is asked for: there is one, and hosts that hard-code another exist.
   * BOS is not promised (bcdUSB is 0x0200), nor is Microsoft's string 0xEE: both stall. USB 2.0 §9.4.3
   */
  #descriptor(type: number, index: number): Uint8Array {
    const { device, deviceQualifier, configuration, otherSpeedConfiguration, strings } = this.#descriptors;
    let found: Uint8Array | undefined;
    if (type === DescriptorType.STRING) {
      found = strings.get(index);
    } else if (index === 0) {
      if (type === DescriptorType.DEVICE) found = device;
      if (type === DescriptorType.CONFIGURATION) found = configuration;
      if (type === DescriptorType.DEVICE_QUALIFIER) found = deviceQualifier;
      if (type === DescriptorType.OTHER_SPEED_CONFIGURATION) found = otherSpeedConfiguration;
    }
    if (found === undefined) throw new UsbStall();
    return found;
  }

  /** The device has no feature to set: no remote wakeup (bmAttributes says so), no test mode. USB 2.0 §9.4.1, §9.4.9 */
  #setOnDevice(setup: SetupPacket): Uint8Array {
    if (setup.bRequest !== StandardRequest.SET_CONFIGURATION) throw new UsbStall();
    const value = lowByte(setup.wValue); // the upper byte is reserved: §9.4.7
    if (value !== UNCONFIGURED && value !== this.#bConfigurationValue) throw new UsbStall();
    this.#configure(value);
    return NOTHING;
  }

  #getFromInterface(setup: SetupPacket, data: Uint8Array): Uint8Array {
    const owner = this.#owner(setup);
    switch (setup.bRequest) {
      case StandardRequest.GET_STATUS:
        return Uint8Array.of(0, 0);
      case StandardRequest.GET_INTERFACE:
        return Uint8Array.of(0);
    }
    return owner.control(setup, data);
  }

  /** Interfaces have one setting each and no feature. USB 2.0 §9.4.9, §9.4.10 */
  #setOnInterface(setup: SetupPacket, data: Uint8Array): Uint8Array {
    const owner = this.#owner(setup);
    switch (setup.bRequest) {
      case StandardRequest.CLEAR_FEATURE:
      case StandardRequest.SET_FEATURE:
        throw new UsbStall();
      case StandardRequest.SET_INTERFACE:
        if (setup.wValue !== 0) throw new UsbStall();
        for (const endpoint of owner.endpoints) this.#halted.delete(endpointAddress(endpoint));
        return NOTHING;
    }
    return owner.control(setup, data);
  }

  #getFromEndpoint(setup: SetupPacket): Uint8Array {
    if (setup.bRequest !== StandardRequest.GET_STATUS) throw new UsbStall();
    const address = lowByte(setup.wIndex);
    if (isControlEndpoint(address)) return Uint8Array.of(0, 0);
    this.#endpoint(address);
    return Uint8Array.of(this.#halted.has(address) ? 1 : 0, 0);
  }

  #setOnEndpoint(setup: SetupPacket): Uint8Array {
    const address = lowByte(setup.wIndex);
    if (setup.wValue !== Feature.ENDPOINT_HALT) throw new UsbStall();
    switch (setup.bRequest) {
      case StandardRequest.CLEAR_FEATURE:
        if (isControlEndpoint(address)) return NOTHING; // never halted: every setup packet ends its stall, §8.5.3.4
        this.#endpoint(address);
        this.#halted.delete(address);
        return NOTHING;
      case StandardRequest.SET_FEATURE:
        this.halt(address);
        return NOTHING;
    }
    throw new UsbStall();
  }

  /**
   * A USB/IP host resets a device by SET_FEATURE(PORT_RESET) to the hub's port, which Linux' own server
   * (drivers/usb/usbip/stub_rx.c) turns into a reset after which the configuration is as before.
   */
  #port(setup: SetupPacket): Uint8Array {
    if (setup.bRequest !== StandardRequest.SET_FEATURE || setup.wValue !== PortFeature.RESET) throw new UsbStall();
    this.#configure(this.#configuration);
    return NOTHING;
  }

  #configure(value: number): void {
    this.#configuration = value;
    this.#halted.clear();
    for (const owner of new Set(this.#interfaces.values())) owner.reset();
  }

  #owner(setup: SetupPacket): UsbInterface {
    const index = lowByte(setup.wIndex);
    const recipient = requestRecipient(setup.bmRequestType);
    if (recipient === Recipient.ENDPOINT) return this.#endpoint(index).owner;
    const owner = recipient === Recipient.INTERFACE ? this.#interfaces.get(index) : undefined;
    if (owner === undefined || this.#configuration === UNCONFIGURED) throw new UsbStall();
    return owner;
  }

  /** Only a configured device has interfaces and data endpoints. USB 2.0 §9.1.1.5 */
  #endpoint(address: number): { readonly endpoint: Endpoint; readonly owner: UsbInterface } {
    const found = this.#endpoints.get(address);
    if (found === undefined || this.#configuration === UNCONFIGURED) throw new UsbStall();
    return found;
  }
}

/** Address 0x00 and 0x80 are the same endpoint. USB 2.0 §9.6.6 */
function isControlEndpoint(address: number): boolean {
  return (address & 0x0f) === 0;
}
