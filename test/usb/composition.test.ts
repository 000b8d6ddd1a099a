import { expect, test } from "vitest";
import { composeInterfaces, type InterfaceNumbers } from "../../src/usb/composition.ts";
import type { Endpoint } from "../../src/usb/endpoint.ts";
import { PacketQueue } from "../../src/usb/packet-queue.ts";
import type { UsbInterface } from "../../src/usb/types.ts";

function maker(given: InterfaceNumbers[], interfaces: number, endpoints: number) {
  return (numbers: InterfaceNumbers): UsbInterface => {
    given.push(numbers);
    return {
      descriptors: new Uint8Array(0),
      interfaceNumbers: Array.from({ length: interfaces }, (_, index) => numbers.interfaceNumber + index),
      endpoints: Array.from(
        { length: endpoints },
        (_, index): Endpoint => ({
          direction: "in",
          number: numbers.endpoint + index,
          type: "bulk",
          maxPacketSize: 512,
          interval: 0,
          queue: new PacketQueue(),
        }),
      ),
      control: () => new Uint8Array(0),
      reset() {},
    };
  };
}

test("Functions are numbered in their order, each after what the one before has taken", () => {
  const given: InterfaceNumbers[] = [];
  const made = composeInterfaces([maker(given, 1, 1), maker(given, 2, 2), maker(given, 1, 0), maker(given, 1, 1)]);
  expect(made).toHaveLength(4);
  expect(given).toEqual([
    { interfaceNumber: 0, endpoint: 1 },
    { interfaceNumber: 1, endpoint: 2 },
    { interfaceNumber: 3, endpoint: 4 },
    { interfaceNumber: 4, endpoint: 4 },
  ]);
});

test("No functions, no interfaces", () => {
  expect(composeInterfaces([])).toEqual([]);
});
