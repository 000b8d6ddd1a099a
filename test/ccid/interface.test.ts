// What the interface tells hosts without being asked by a message: descriptors, class requests, slot changes.
// CCID 1.1 §4, §5.1, §5.3, §6.3.1
import { expect, test } from "vitest";
import { toHex } from "../../src/bytes/hex.ts";
import { CcidInterface } from "../../src/ccid/interface.ts";
import { Slot } from "../../src/ccid/slot.ts";
import { silentLogger } from "../../src/log.ts";
import { eachDescriptor } from "../../src/usb/descriptors.ts";
import { UsbStall } from "../../src/usb/endpoint.ts";
import { Rig, ScriptedCard } from "./rig.ts";

test("The descriptors say what a driver needs to know, field by field", () => {
  const { descriptors } = new Rig().interface;
  const found = [...eachDescriptor(descriptors)].map(({ bytes }) => toHex(bytes));
  expect(found).toEqual(
    [
      "0904 01 00 03 0b0000 00",
      [
        "3621 1001 00 07 02000000", // bcdCCID 1.10, one slot, 5/3/1.8 V, T=1
        "a00f0000 a00f0000 01 00b00400 00b00400 01", // 4 MHz, 307,200 bit/s, one of each
        "fe000000 00000000 00000000", // dwMaxIFSD 254
        "fe000400", // dwFeatures: all automatic, short and extended APDU level
        "0a100000", // dwMaxCCIDMessageLength 4,096 + 10
        "ff ff 0000 00 01", // class echoed, no display, no PIN pad, one busy slot
      ].join(" "),
      "0705 02 02 0002 00",
      "0705 82 02 0002 00",
      "0705 83 03 0800 09",
    ].map((hex) => hex.replaceAll(" ", "")),
  );
});

test("The interface can have a name", () => {
  const slot = new Slot(new ScriptedCard());
  const named = new CcidInterface({ slot, log: silentLogger, interfaceNumber: 0, endpoint: 1, iInterface: 5 });
  expect(named.descriptors[8]).toBe(5);
});

const request = (bmRequestType: number, bRequest: number) =>
  new Rig().interface.control({ bmRequestType, bRequest, wValue: 0, wIndex: 1, wLength: 64 });

test("GET_CLOCK_FREQUENCIES and GET_DATA_RATES give the one that there is of each", () => {
  expect(toHex(request(0xa1, 0x02))).toBe("a00f0000");
  expect(toHex(request(0xa1, 0x03))).toBe("00b00400");
});

test.each([
  ["a request that CCID has not", 0xa1, 0x04],
  ["ABORT in the wrong direction", 0xa1, 0x01],
  ["GET_DATA_RATES in the wrong direction", 0x21, 0x03],
  ["a vendor's request", 0xc1, 0x02],
])("It stalls %s", (_what, bmRequestType, bRequest) => {
  expect(() => request(bmRequestType, bRequest)).toThrow(UsbStall);
});

test("Slot changes are told as they happen: the card leaves, the card comes", async () => {
  const rig = new Rig();
  expect(rig.slot.move("out")).toBe(true);
  expect(await rig.notifications()).toEqual(["5002"]);
  expect(rig.slot.move("out")).toBe(false);
  expect(await rig.notifications()).toEqual([]);
  expect(rig.slot.move("in")).toBe(true);
  expect(rig.slot.move("in")).toBe(false);
  expect(await rig.notifications()).toEqual(["5003"]);
});

test("A host that attaches is told of the card that is there, and of none where none is", async () => {
  const rig = new Rig();
  rig.interface.reset();
  expect(await rig.notifications()).toEqual(["5003"]);
  rig.slot.move("out");
  await rig.notifications();
  rig.interface.reset();
  expect(await rig.notifications()).toEqual([]);
});

test("Who reads late is told how it is now", async () => {
  const rig = new Rig({ isReading: false });
  rig.slot.move("out");
  rig.slot.move("in");
  rig.slot.move("out");
  const { queue } = rig.interface.endpoints[2];
  expect(queue.length).toBe(1);
  expect(toHex(await queue.pull(8, new AbortController().signal))).toBe("5002");
});
