// Chapter 9, request by request, as a host sends it. The numbers are USB 2.0's own, written out.
import { beforeEach, describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { UsbStall } from "../../src/usb/endpoint.ts";
import { BenchHost, BenchInterface, createBenchDevice, NOTHING, setupPacket } from "./rig.ts";

const IN = 0x80;
const OUT = 0x00;
const INTERFACE = 0x01;
const ENDPOINT = 0x02;
const GET_STATUS = 0;
const CLEAR_FEATURE = 1;
const SET_FEATURE = 3;
const GET_DESCRIPTOR = 6;
const GET_CONFIGURATION = 8;
const GET_INTERFACE = 10;
const SET_INTERFACE = 11;
const ENDPOINT_HALT = 0;

let first: BenchInterface;
let second: BenchInterface;
let host: BenchHost;

beforeEach(async () => {
  first = new BenchInterface(0, 1);
  second = new BenchInterface(1, 3);
  const device = createBenchDevice([first, second], { serialNumber: "0042", strings: { 4: "Interface" } });
  device.reset();
  host = new BenchHost(device);
  await host.configure();
});

const getDescriptor = (type: number, index = 0, wLength = 255) =>
  host.controlIn(setupPacket(IN, GET_DESCRIPTOR, type * 256 + index, type === 3 && index > 0 ? 0x0409 : 0, wLength));

const stalls = (answer: Promise<unknown>) => expect(answer).rejects.toThrow(UsbStall);

describe("GET_DESCRIPTOR", () => {
  test("gives the device descriptor of a high-speed device, cut to wLength", async () => {
    const whole = "12 01 0002 00 00 00 40 3412 cdab 0701 01 02 03 01".replaceAll(" ", "");
    expect(toHex(await getDescriptor(1))).toBe(whole);
    expect(toHex(await getDescriptor(1, 0, 64))).toBe(whole);
    expect(toHex(await getDescriptor(1, 0, 8))).toBe(whole.slice(0, 16));
  });

  test("gives the configuration's first nine bytes, and all of wTotalLength", async () => {
    const whole = await getDescriptor(2, 0, 0xffff);
    expect(toHex(whole.subarray(0, 9))).toBe("090245000201008032");
    expect(whole).toHaveLength(0x45);
    expect(await getDescriptor(2, 0, 9)).toEqual(whole.subarray(0, 9));
    expect(toHex(whole.subarray(9, 39))).toBe(
      `${"0904000003ff5a0000"}${"07058102000200"}${"07050102000200"}${"07058203400006"}`,
    );
  });

  test("gives the device qualifier, and the configuration at full speed", async () => {
    expect(toHex(await getDescriptor(6))).toBe("0a060002000000400100");
    const other = await getDescriptor(7, 0, 0xffff);
    expect(other[1]).toBe(7);
    expect(other).toHaveLength(0x45);
    expect(toHex(other.subarray(18, 39))).toBe(`${"07058102400000"}${"07050102400000"}${"07058203400004"}`);
  });

  test("gives the table of languages and each string, in whatever language it is asked for", async () => {
    expect(toHex(await getDescriptor(3, 0))).toBe("04030904");
    const strings = await Promise.all([1, 2, 3, 4].map((index) => getDescriptor(3, index)));
    expect(strings.map((string) => Buffer.from(string.subarray(2)).toString("utf16le"))).toEqual([
      "Maker",
      "Bench",
      "0042",
      "Interface",
    ]);
    expect(strings.map((string) => string[0])).toEqual(strings.map((string) => string.length));
    expect(await host.controlIn(setupPacket(IN, GET_DESCRIPTOR, 0x0301, 0x0407, 255))).toEqual(strings[0]);
  });

  test.each([
    ["an unknown string", 3, 5],
    ["Microsoft's string 0xEE", 3, 0xee],
    ["BOS, which bcdUSB 0x0200 does not promise", 15, 0],
    ["a second configuration", 2, 1],
    ["a second device descriptor", 1, 1],
    ["an interface descriptor by itself", 4, 0],
    ["an unknown type", 0x29, 0],
  ])("stalls for %s", async (_what, type, index) => {
    await stalls(getDescriptor(type, index));
  });

  test("names no serial number when there is none, and stalls for it", async () => {
    host = new BenchHost(createBenchDevice([new BenchInterface()]));
    expect((await getDescriptor(1))[16]).toBe(0);
    await stalls(getDescriptor(3, 3));
  });

  test("answers before the device is configured", async () => {
    await host.configure(0);
    expect(await getDescriptor(1)).toHaveLength(18);
  });
});

describe("SET_CONFIGURATION", () => {
  const configuration = () => host.controlIn(setupPacket(IN, GET_CONFIGURATION, 0, 0, 1));

  test("takes the one configuration, and 0 for none, and GET_CONFIGURATION says which", async () => {
    expect(await configuration()).toEqual(Uint8Array.of(1));
    await host.configure(0);
    expect(await configuration()).toEqual(Uint8Array.of(0));
    await stalls(host.configure(2));
    expect(await configuration()).toEqual(Uint8Array.of(0));
  });

  test("resets every interface", async () => {
    const before = [first.resets, second.resets];
    await host.configure();
    expect([first.resets, second.resets]).toEqual(before.map((count) => count + 1));
  });

  test("leaves a device without configuration no interfaces and no endpoints but 0", async () => {
    await host.configure(0);
    await stalls(host.transferOut(1, Uint8Array.of(1)));
    await stalls(host.transferIn(1));
    await stalls(host.controlIn(setupPacket(IN | INTERFACE, GET_STATUS, 0, 0, 2)));
    await stalls(host.controlIn(setupPacket(IN | INTERFACE, GET_INTERFACE, 0, 0, 1)));
    await stalls(host.controlIn(setupPacket(IN | ENDPOINT, GET_STATUS, 0, 0x81, 2)));
    await stalls(host.controlOut(setupPacket(0x21, 0x0a)));
    expect(first.requests).toEqual([]);
    expect(first.received).toEqual([]);
  });
});

describe("GET_STATUS", () => {
  const status = (recipient: number, wIndex: number) =>
    host.controlIn(setupPacket(IN | recipient, GET_STATUS, 0, wIndex, 2));

  test("is two zero bytes for a bus-powered device, its interfaces and endpoints", async () => {
    for (const [recipient, index] of [
      [0, 0],
      [INTERFACE, 0],
      [INTERFACE, 1],
      [ENDPOINT, 0],
      [ENDPOINT, 0x80],
      [ENDPOINT, 0x81],
      [ENDPOINT, 0x01],
    ] as const) {
      expect(await status(recipient, index)).toEqual(Uint8Array.of(0, 0));
    }
  });

  test("stalls for interfaces and endpoints that are not there", async () => {
    await stalls(status(INTERFACE, 2));
    await stalls(status(ENDPOINT, 0x8f));
    await stalls(status(ENDPOINT, 0x02));
  });
});

describe("ENDPOINT_HALT", () => {
  const set = (address: number) => host.controlOut(setupPacket(OUT | ENDPOINT, SET_FEATURE, ENDPOINT_HALT, address));
  const clear = (address: number) =>
    host.controlOut(setupPacket(OUT | ENDPOINT, CLEAR_FEATURE, ENDPOINT_HALT, address));
  const isHalted = async (address: number) =>
    (await host.controlIn(setupPacket(IN | ENDPOINT, GET_STATUS, 0, address, 2)))[0] === 1;

  test("stalls every transfer of that endpoint, and of no other, until it is cleared", async () => {
    await set(0x01);
    expect([await isHalted(0x01), await isHalted(0x81)]).toEqual([true, false]);
    await stalls(host.transferOut(1, Uint8Array.of(1)));
    await stalls(host.transferOut(1, Uint8Array.of(1)));
    await host.transferOut(3, Uint8Array.of(2));
    await clear(0x01);
    await host.transferOut(1, Uint8Array.of(3));
    expect(first.received).toEqual([Uint8Array.of(3)]);
    expect(second.received).toEqual([Uint8Array.of(2)]);
  });

  test("stalls a transfer that already waits, and keeps what the endpoint has to say", async () => {
    const waiting = host.transferIn(1);
    const halted = stalls(waiting);
    await set(0x81);
    await halted;
    first.bulkIn.queue.push(Uint8Array.of(7));
    await stalls(host.transferIn(1));
    await clear(0x81);
    expect(await host.transferIn(1)).toEqual(Uint8Array.of(7));
  });

  test.each([
    ["SET_CONFIGURATION", () => host.configure()],
    ["SET_INTERFACE", () => host.controlOut(setupPacket(OUT | INTERFACE, SET_INTERFACE, 0, 0))],
  ])("ends with %s", async (_name, request) => {
    await set(0x01);
    await request();
    expect(await isHalted(0x01)).toBe(false);
    await host.transferOut(1, Uint8Array.of(1));
  });

  test("is never that of endpoint 0: clearing it changes nothing, setting it stalls", async () => {
    await clear(0x00);
    await clear(0x80);
    await stalls(set(0x00));
    expect(await isHalted(0x00)).toBe(false);
  });

  test("stalls for endpoints that are not there and for other features", async () => {
    await stalls(set(0x05));
    await stalls(clear(0x05));
    await stalls(host.controlOut(setupPacket(OUT | ENDPOINT, CLEAR_FEATURE, 1, 0x81)));
  });
});

describe("GET_INTERFACE and SET_INTERFACE", () => {
  test("know alternate setting 0 alone", async () => {
    expect(await host.controlIn(setupPacket(IN | INTERFACE, GET_INTERFACE, 0, 1, 1))).toEqual(Uint8Array.of(0));
    await host.controlOut(setupPacket(OUT | INTERFACE, SET_INTERFACE, 0, 1));
    await stalls(host.controlOut(setupPacket(OUT | INTERFACE, SET_INTERFACE, 1, 1)));
    await stalls(host.controlOut(setupPacket(OUT | INTERFACE, SET_INTERFACE, 0, 2)));
    await stalls(host.controlIn(setupPacket(IN | INTERFACE, GET_INTERFACE, 0, 2, 1)));
  });
});

describe("What the device does not have", () => {
  test.each([
    ["remote wakeup, set", setupPacket(OUT, SET_FEATURE, 1)],
    ["remote wakeup, cleared", setupPacket(OUT, CLEAR_FEATURE, 1)],
    ["a test mode", setupPacket(OUT, SET_FEATURE, 2, 0x0100)],
    ["a feature of an interface", setupPacket(OUT | INTERFACE, SET_FEATURE, 0, 0)],
    ["SET_ADDRESS, which is the host controller's", setupPacket(OUT, 5, 1)],
    ["SYNCH_FRAME", setupPacket(IN | ENDPOINT, 12, 0, 0x81, 2)],
    ["an unknown standard request", setupPacket(IN, 0x33, 0, 0, 8)],
    ["a class request to the device", setupPacket(IN | 0x20, 1, 0, 0, 8)],
    ["a vendor request to the device", setupPacket(IN | 0x40, 1, 0, 0, 8)],
    ["a request of the reserved type", setupPacket(IN | 0x61, 1, 0, 0, 8)],
    ["a reserved recipient", setupPacket(IN | 0x24, 1, 0, 0, 8)],
  ])("%s stalls", async (_name, setup) => {
    await stalls(setup.bmRequestType >= IN ? host.controlIn(setup) : host.controlOut(setup));
    expect([...first.requests, ...second.requests]).toEqual([]);
  });

  test("a descriptor to be set stalls", async () => {
    await stalls(host.controlOut(setupPacket(OUT, 7, 0x0301, 0, 4), fromHex("04030904")));
  });
});

describe("A class or vendor request", () => {
  test("goes to the interface that wIndex names, with its data", async () => {
    const setup = setupPacket(0x21, 0x09, 0x0200, 1, 3);
    await host.controlOut(setup, Uint8Array.of(1, 2, 3));
    expect(first.requests).toEqual([]);
    expect(second.requests).toEqual([{ setup, data: Uint8Array.of(1, 2, 3) }]);
  });

  test("to an endpoint goes to the interface that owns it", async () => {
    await host.controlOut(setupPacket(0x42, 0x01, 0, 0x83));
    expect([first.requests.length, second.requests.length]).toEqual([0, 1]);
  });

  test("has its answer cut to wLength and to the host's buffer", async () => {
    first.reply = Uint8Array.of(1, 2, 3, 4, 5);
    expect(await host.controlIn(setupPacket(0xa1, 1, 0, 0, 4))).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(await host.controlIn(setupPacket(0xc1, 1, 0, 0, 8), 2)).toEqual(Uint8Array.of(1, 2));
    expect(await host.controlIn(setupPacket(0xa1, 1, 0, 0, 8))).toEqual(first.reply);
  });

  test("that the interface does not know stalls, and so does one for no interface", async () => {
    first.reply = undefined;
    await stalls(host.controlIn(setupPacket(0xa1, 1, 0, 0, 8)));
    await stalls(host.controlIn(setupPacket(0xa1, 1, 0, 9, 8)));
    await stalls(host.controlIn(setupPacket(0xa2, 1, 0, 0x0f, 8)));
  });

  test("GET_DESCRIPTOR to an interface is the interface's to answer", async () => {
    first.reply = Uint8Array.of(9);
    expect(await host.controlIn(setupPacket(IN | INTERFACE, GET_DESCRIPTOR, 0x2200, 0, 64))).toEqual(first.reply);
  });
});

describe("A setup packet that disagrees with its transfer", () => {
  test.each([
    ["more data than wLength", setupPacket(0x21, 9, 0, 0, 2), 3],
    ["less data than wLength", setupPacket(0x21, 9, 0, 0, 4), 3],
    ["data where wLength is 0", setupPacket(0x21, 9, 0, 0, 0), 3],
    ["data out where the request reads", setupPacket(0xa1, 1, 0, 0, 3), 3],
  ])("stalls: %s", async (_name, setup, length) => {
    await stalls(host.controlOut(setup, new Uint8Array(length)));
    expect(first.requests).toEqual([]);
  });

  test("stalls: a transfer that reads where the request writes", async () => {
    await stalls(host.controlIn(setupPacket(0x21, 9, 0, 0, 3)));
  });

  test("is fine without a data stage, either way", async () => {
    await host.controlIn(setupPacket(0x21, 0x0a, 0, 0, 0));
    expect(await host.controlOut(setupPacket(IN, GET_DESCRIPTOR, 0x0100, 0, 0))).toEqual(NOTHING);
    expect(first.requests).toHaveLength(1);
  });
});

test("A hub's PORT_RESET, by which USB/IP hosts reset a device, resets it and keeps its configuration", async () => {
  const resets = first.resets;
  await host.controlOut(setupPacket(0x23, SET_FEATURE, 4, 1));
  expect(first.resets).toBe(resets + 1);
  await host.transferOut(1, Uint8Array.of(1));
  await stalls(host.controlOut(setupPacket(0x23, SET_FEATURE, 8, 1)));
  await stalls(host.controlOut(setupPacket(0x23, CLEAR_FEATURE, 4, 1)));
});
