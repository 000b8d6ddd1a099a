// The numbers of HID 1.11 §7.2, written out.
import { describe, expect, test, vi } from "vitest";
import { fromHex } from "../../src/bytes/hex.ts";
import { UsbStall } from "../../src/usb/endpoint.ts";
import { HidControl, type HidOptions } from "../../src/usb/hid.ts";
import { NOTHING, setupPacket } from "./rig.ts";

const GET = 0xa1;
const SET = 0x21;
const STANDARD_GET = 0x81;
const reportDescriptor = fromHex("0501 0906 a101 c0");

const create = (options: Partial<HidOptions> = {}) => new HidControl({ reportDescriptor, ...options });
const ask = (hid: HidControl, bmRequestType: number, bRequest: number, wValue = 0, data: Uint8Array = NOTHING) =>
  hid.control(setupPacket(bmRequestType, bRequest, wValue, 0, data.length), data);

describe("Every HID interface", () => {
  test("gives its HID descriptor and its report descriptor", () => {
    const hid = create();
    expect(hid.descriptor).toEqual(fromHex("09 21 1101 00 01 22 0700"));
    expect(ask(hid, STANDARD_GET, 6, 0x2100)).toEqual(hid.descriptor);
    expect(ask(hid, STANDARD_GET, 6, 0x2200)).toEqual(reportDescriptor);
  });

  test.each([
    ["a physical descriptor", STANDARD_GET, 6, 0x2300],
    ["a second report descriptor", STANDARD_GET, 6, 0x2201],
    ["SET_DESCRIPTOR", 0x01, 7, 0x2200],
    ["an unknown class request to read", GET, 0x04, 0],
    ["an unknown class request to write", SET, 0x0c, 0],
    ["a vendor request", 0xc1, 0x01, 0],
    ["a request in the wrong direction", SET, 0x01, 0x0100],
  ])("stalls for %s", (_name, bmRequestType, bRequest, wValue) => {
    expect(() => ask(create({ boot: true }), bmRequestType, bRequest, wValue)).toThrow(UsbStall);
  });

  test("promises to report changes alone, and refuses a rate that it would not keep", () => {
    const hid = create();
    expect(ask(hid, SET, 0x0a, 0x0000)).toEqual(NOTHING);
    expect(() => ask(hid, SET, 0x0a, 0x7d00)).toThrow(UsbStall);
    expect(ask(hid, GET, 0x02)).toEqual(Uint8Array.of(0));
  });
});

describe("GET_REPORT and SET_REPORT", () => {
  test("stall when the interface has no reports on endpoint 0", () => {
    expect(() => ask(create(), GET, 0x01, 0x0100)).toThrow(UsbStall);
    expect(() => ask(create(), SET, 0x09, 0x0200, Uint8Array.of(1))).toThrow(UsbStall);
  });

  test("reach the interface with the report's type, id and data", () => {
    const getReport = vi.fn(() => Uint8Array.of(1, 2));
    const setReport = vi.fn();
    const hid = create({ getReport, setReport });
    expect(ask(hid, GET, 0x01, 0x0305)).toEqual(Uint8Array.of(1, 2));
    expect(getReport).toHaveBeenCalledWith(3, 5);
    expect(ask(hid, SET, 0x09, 0x0206, Uint8Array.of(9))).toEqual(NOTHING);
    expect(setReport).toHaveBeenCalledWith(2, 6, Uint8Array.of(9));
  });
});

describe("GET_PROTOCOL and SET_PROTOCOL", () => {
  test("stall outside the boot subclass", () => {
    expect(() => ask(create(), GET, 0x03)).toThrow(UsbStall);
    expect(() => ask(create(), SET, 0x0b, 0)).toThrow(UsbStall);
  });

  test("switch a boot device, which starts with the report protocol and returns to it on reset", () => {
    const hid = create({ boot: true });
    expect(ask(hid, GET, 0x03)).toEqual(Uint8Array.of(1));
    ask(hid, SET, 0x0b, 0);
    expect(ask(hid, GET, 0x03)).toEqual(Uint8Array.of(0));
    expect(hid.protocol).toBe(0);
    expect(() => ask(hid, SET, 0x0b, 2)).toThrow(UsbStall);
    hid.reset();
    expect(ask(hid, GET, 0x03)).toEqual(Uint8Array.of(1));
  });
});
