// The functions of the USB device, composed: which of them are there, and the interface numbers, endpoint numbers and
// string indexes that they get. This is the one place that gives them out. USB 2.0 §9.6.5, §9.6.7
import type { UsbInterface } from "./usb/types.ts";

/** In the order in which YubiKeys have them: some hosts take interface 0 for the keyboard whatever its descriptors say. */
export const FUNCTION_NAMES = ["OTP", "FIDO", "CCID"] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** Where a function sits in the device. */
export interface Place {
  /** The first that is free; a function of several interfaces takes those that follow, too. */
  readonly interfaceNumber: number;
  /** The first endpoint number that is free in both directions; the same goes for these. */
  readonly endpoint: number;
  /** Index of the string that names the interface; 0 for none. */
  readonly iInterface: number;
}

export interface UsbFunction {
  readonly name: FunctionName;
  /** `Capability` bits of the applications behind it: it is there while one of them is on. */
  readonly capabilities: number;
  /** What its interface is called, where that is told apart from the product. */
  readonly interfaceName?: string;
  /** Asked at each power-up, where being on is not enough. */
  isWanted?(): boolean;
  /** A new one for each composition; `enabled` are the capabilities that are on. */
  make(place: Place, enabled: number): UsbInterface;
}

export interface Composition {
  readonly names: readonly FunctionName[];
  readonly interfaces: readonly UsbInterface[];
  readonly strings: Readonly<Record<number, string>>;
}

/** Strings 1 to 3 are the manufacturer, the product and the serial number: src/usb/device.ts. */
const FIRST_STRING = 4;

/** Endpoint 0 is everybody's. */
const FIRST_ENDPOINT = 1;

/** The functions that `enabled` asks for, in the order of FUNCTION_NAMES whatever that of `functions`. */
export function presentFunctions(functions: readonly UsbFunction[], enabled: number): UsbFunction[] {
  return FUNCTION_NAMES.flatMap((name) => functions.filter((each) => each.name === name)).filter(
    (each) => (each.capabilities & enabled) !== 0 && each.isWanted?.() !== false,
  );
}

/** Makes the functions that are present. */
export function compose(functions: readonly UsbFunction[], enabled: number): Composition {
  const present = presentFunctions(functions, enabled);
  const interfaces: UsbInterface[] = [];
  const strings: Record<number, string> = {};
  let interfaceNumber = 0;
  let endpoint = FIRST_ENDPOINT;
  let string = FIRST_STRING;
  for (const { interfaceName, make } of present) {
    const iInterface = interfaceName === undefined ? 0 : string++;
    if (interfaceName !== undefined) strings[iInterface] = interfaceName;
    const made = make({ interfaceNumber, endpoint, iInterface }, enabled);
    interfaces.push(made);
    interfaceNumber += made.interfaceNumbers.length;
    endpoint = Math.max(endpoint, ...made.endpoints.map(({ number }) => number + 1));
  }
  return { names: present.map(({ name }) => name), interfaces, strings };
}
