import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { ReaderError } from "../../src/bytes/reader.ts";
import {
  EndpointDescriptor,
  eachDescriptor,
  encodeEndpointDescriptor,
  encodeStringDescriptor,
  InterfaceAssociationDescriptor,
} from "../../src/usb/descriptors.ts";
import { PacketQueue } from "../../src/usb/packet-queue.ts";

describe("Descriptors", () => {
  test("open with their length and type, and are read back without them", () => {
    const record = { bEndpointAddress: 0x81, bmAttributes: 3, wMaxPacketSize: 64, bInterval: 4 };
    expect(toHex(EndpointDescriptor.encode(record))).toBe("07058103400004");
    expect(EndpointDescriptor.parse(fromHex("07058103400004"))).toEqual(record);
    expect(EndpointDescriptor.size).toBe(7);
  });

  test("of an endpoint tell its direction and type", () => {
    const endpoint = { number: 2, maxPacketSize: 512, interval: 0, type: "bulk" } as const;
    expect(toHex(encodeEndpointDescriptor({ ...endpoint, direction: "in", queue: new PacketQueue() }))).toBe(
      "07058202000200",
    );
    expect(toHex(encodeEndpointDescriptor({ ...endpoint, direction: "out", receive() {} }))).toBe("07050202000200");
  });

  test("of an interface association name the interfaces that are one function", () => {
    const association = InterfaceAssociationDescriptor.encode({
      bFirstInterface: 1,
      bInterfaceCount: 2,
      bFunctionClass: 2,
      bFunctionSubClass: 2,
      bFunctionProtocol: 0,
      iFunction: 5,
    });
    expect(toHex(association)).toBe("080b010202020005");
  });

  test("of a string are UTF-16LE, beyond the first plane too", () => {
    expect(toHex(encodeStringDescriptor("Aé€"))).toBe("08034100e900ac20");
    expect(toHex(encodeStringDescriptor("🔑"))).toBe("06033dd811dd");
    expect(toHex(encodeStringDescriptor(""))).toBe("0203");
  });

  test("are taken apart one by one, and refused where a length lies", () => {
    const two = fromHex("0203 07058103400004");
    expect([...eachDescriptor(two)].map(({ bDescriptorType, bytes }) => [bDescriptorType, bytes.length])).toEqual([
      [3, 2],
      [5, 7],
    ]);
    expect(() => [...eachDescriptor(fromHex("0105"))]).toThrow(ReaderError);
    expect(() => [...eachDescriptor(fromHex("0005"))]).toThrow(ReaderError);
    expect(() => [...eachDescriptor(fromHex("070581"))]).toThrow(ReaderError);
    expect(() => [...eachDescriptor(fromHex("02"))]).toThrow(ReaderError);
  });
});
