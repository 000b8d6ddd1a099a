// Which functions a key has, and what each is given: numbers in one row, without gaps, whatever is off.
import { expect, test } from "vitest";
import { compose, type Place, type UsbFunction } from "../src/composition.ts";
import type { Endpoint } from "../src/usb/endpoint.ts";
import { PacketQueue } from "../src/usb/packet-queue.ts";

const places: Record<string, Place> = {};

/** A function with as many interfaces, and with IN endpoints on as many numbers. */
function makeFunction(name: UsbFunction["name"], capabilities: number, interfaces = 1, endpoints = 1): UsbFunction {
  return {
    name,
    capabilities,
    ...(name === "CCID" && { interfaceName: "Card" }),
    make(place) {
      places[name] = place;
      return {
        descriptors: new Uint8Array(0),
        interfaceNumbers: Array.from({ length: interfaces }, (_, index) => place.interfaceNumber + index),
        endpoints: Array.from(
          { length: endpoints },
          (_, index): Endpoint => ({
            number: place.endpoint + index,
            type: "interrupt",
            direction: "in",
            maxPacketSize: 8,
            interval: 4,
            queue: new PacketQueue(),
          }),
        ),
        control: () => new Uint8Array(0),
        reset: () => {},
      };
    },
  };
}

const functions = [makeFunction("CCID", 4, 1, 2), makeFunction("FIDO", 2, 2, 1), makeFunction("OTP", 1)];

test("Functions stand in the order of YubiKeys, and each gets the numbers after those before it", () => {
  expect(compose(functions, 7).names).toEqual(["OTP", "FIDO", "CCID"]);
  expect(places).toEqual({
    OTP: { interfaceNumber: 0, endpoint: 1, iInterface: 0 },
    FIDO: { interfaceNumber: 1, endpoint: 2, iInterface: 0 },
    CCID: { interfaceNumber: 3, endpoint: 3, iInterface: 4 },
  });
});

test("Without a function, those after it move up", () => {
  const { names, interfaces, strings } = compose(functions, 5);
  expect(names).toEqual(["OTP", "CCID"]);
  expect(interfaces.map(({ interfaceNumbers }) => interfaceNumbers)).toEqual([[0], [1]]);
  expect(places.CCID).toEqual({ interfaceNumber: 1, endpoint: 2, iInterface: 4 });
  expect(strings).toEqual({ 4: "Card" });
});
