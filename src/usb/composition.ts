// Numbers the functions of a composite device: interfaces from 0, in order, and to each the endpoint numbers that the ones
// before have left. The one place that knows them all. USB 2.0 §9.6.5, §9.6.6
import type { UsbInterface } from "./types.ts";

export interface InterfaceNumbers {
  readonly interfaceNumber: number;
  /** The first endpoint number that is free, in both directions; those after it are free too. */
  readonly endpoint: number;
}

/** Makes the interfaces of a device, in the order in which hosts see them. */
export function composeInterfaces(makers: readonly ((numbers: InterfaceNumbers) => UsbInterface)[]): UsbInterface[] {
  const interfaces: UsbInterface[] = [];
  let numbers: InterfaceNumbers = { interfaceNumber: 0, endpoint: 1 };
  for (const make of makers) {
    const made = make(numbers);
    interfaces.push(made);
    numbers = {
      interfaceNumber: Math.max(...made.interfaceNumbers) + 1,
      endpoint: Math.max(numbers.endpoint - 1, ...made.endpoints.map(({ number }) => number)) + 1,
    };
  }
  return interfaces;
}
