import { describe, expect, test, vi } from "vitest";
import { UsbStall } from "../../src/usb/endpoint.ts";
import { TransferAborted } from "../../src/usb/packet-queue.ts";
import { UsbSpeed } from "../../src/usb/types.ts";
import { BenchHost, BenchInterface, createBenchDevice, NOTHING, setupPacket } from "./rig.ts";

async function attach(...interfaces: readonly BenchInterface[]): Promise<BenchHost> {
  const host = new BenchHost(createBenchDevice(interfaces));
  await host.configure();
  return host;
}

describe("A composite device", () => {
  test("says what a list of devices tells of it", () => {
    const device = createBenchDevice([new BenchInterface(0, 1), new BenchInterface(1, 3)], { deviceClass: [1, 2, 3] });
    expect(device.speed).toBe(UsbSpeed.HIGH);
    expect(device.bConfigurationValue).toBe(1);
    expect(device.descriptor).toMatchObject({ idVendor: 0x1234, idProduct: 0xabcd, bcdDevice: 0x0107, bcdUSB: 0x0200 });
    expect(device.descriptor).toMatchObject({ bDeviceClass: 1, bDeviceSubClass: 2, bDeviceProtocol: 3 });
    expect(device.interfaces.map((each) => each.bInterfaceProtocol)).toEqual([0, 1]);
  });

  test("gives OUT data to the endpoint it names before the call returns, so that transfers keep their order", async () => {
    const bench = new BenchInterface();
    const host = await attach(bench);
    const both = [host.transferOut(1, Uint8Array.of(1)), host.transferOut(1, Uint8Array.of(2))];
    expect(bench.received).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
    expect(await Promise.all(both)).toEqual([NOTHING, NOTHING]);
  });

  test("answers a zero-length OUT and otherwise ignores it", async () => {
    const bench = new BenchInterface();
    const host = await attach(bench);
    await host.transferOut(1, NOTHING);
    expect(bench.received).toEqual([]);
  });

  test("leaves an IN pending until there is data or its signal aborts", async () => {
    const bench = new BenchInterface();
    const host = await attach(bench);
    const controller = new AbortController();
    const aborted = host.transferIn(2, 64, controller.signal);
    const answered = host.transferIn(2, 64);
    controller.abort();
    bench.interruptIn.queue.push(Uint8Array.of(5));
    await expect(aborted).rejects.toThrow(TransferAborted);
    expect(await answered).toEqual(Uint8Array.of(5));
  });

  test.each([
    ["an endpoint that is not there", 7],
    ["the other direction of an endpoint", 2],
    ["a number beyond four bits", 16],
    ["a number with the direction bit", 0x81],
  ])("stalls a transfer to %s", async (_name, endpoint) => {
    const host = await attach(new BenchInterface());
    await expect(host.transferOut(endpoint, Uint8Array.of(1))).rejects.toThrow(UsbStall);
    if (endpoint === 7) await expect(host.transferIn(endpoint)).rejects.toThrow(UsbStall);
  });

  test("stalls a transfer to endpoint 0 that brings no setup packet", async () => {
    const host = await attach(new BenchInterface());
    await expect(host.transferIn(0)).rejects.toThrow(UsbStall);
  });

  test("halts an endpoint whose interface stalled a transfer, until the host clears it", async () => {
    const bench = new BenchInterface();
    const host = await attach(bench);
    bench.fault = new UsbStall();
    await expect(host.transferOut(1, Uint8Array.of(1))).rejects.toThrow(UsbStall);
    bench.fault = undefined;
    await expect(host.transferOut(1, Uint8Array.of(2))).rejects.toThrow(UsbStall);
    await host.controlOut(setupPacket(0x02, 1, 0, 0x01));
    await host.transferOut(1, Uint8Array.of(3));
    expect(bench.received).toEqual([Uint8Array.of(3)]);
  });

  test("passes on any other fault as it is, and goes on", async () => {
    const bench = new BenchInterface();
    const host = await attach(bench);
    bench.fault = new Error("a bug of ours");
    await expect(host.transferOut(1, Uint8Array.of(1))).rejects.toThrow("a bug of ours");
    bench.fault = undefined;
    await host.transferOut(1, Uint8Array.of(2));
    expect(bench.received).toHaveLength(1);
  });

  test("loses configuration, halts and data with its power, and tells the wiring", async () => {
    const bench = new BenchInterface();
    const onReset = vi.fn();
    const device = createBenchDevice([bench], { onReset });
    const host = new BenchHost(device);
    await host.configure();
    await host.controlOut(setupPacket(0x02, 3, 0, 0x01));
    bench.bulkIn.queue.push(Uint8Array.of(1));
    const resets = bench.resets;
    device.reset();
    expect([bench.resets, bench.bulkIn.queue.length, onReset.mock.calls.length]).toEqual([resets + 1, 0, 1]);
    expect(await host.controlIn(setupPacket(0x80, 8, 0, 0, 1))).toEqual(Uint8Array.of(0));
    await host.configure();
    await host.transferOut(1, Uint8Array.of(2));
    expect(bench.received).toHaveLength(1);
  });
});

describe("A mistake in the wiring is found when the device is made", () => {
  test("interface numbers with a gap", () => {
    expect(() => createBenchDevice([new BenchInterface(1, 1)])).toThrow("numbered from 0");
  });

  test("two interfaces with one endpoint", () => {
    expect(() => createBenchDevice([new BenchInterface(0, 1), new BenchInterface(1, 1)])).toThrow("two endpoints");
  });

  test("an interface whose descriptors say something else than its properties", () => {
    const bench = new BenchInterface();
    const wrong = (changes: object) =>
      createBenchDevice([Object.assign(Object.create(bench), bench, changes) as BenchInterface]);
    expect(() => wrong({ interfaceNumbers: [1] })).toThrow("interface numbers");
    expect(() => wrong({ endpoints: [bench.bulkIn] })).toThrow("endpoints do not match");
  });

  test("a string at an index that is taken, or too long", () => {
    expect(() => createBenchDevice([], { strings: { 1: "again" } })).toThrow("string index 1");
    expect(() => createBenchDevice([], { product: "x".repeat(127) })).toThrow("too long");
    expect(() => createBenchDevice([], { product: "x".repeat(126) })).not.toThrow();
  });
});
