// The keyboard, the mouse and the serial echo, each driven through a server by our own client as a driver would.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { UsbStall } from "../../src/usb/endpoint.ts";
import { TransferAborted } from "../../src/usb/packet-queue.ts";
import { type ImportedDevice, importDevice, listDevices } from "../../src/usbip/client.ts";
import { UsbIpServer } from "../../src/usbip/server.ts";
import { createSerialDevice, SerialEcho } from "../devices/cdc-acm.ts";
import { createKeyboardDevice, Keyboard } from "../devices/keyboard.ts";
import { createMouseDevice, Mouse } from "../devices/mouse.ts";
import { setupPacket } from "../usb/rig.ts";

const keyboard = new Keyboard();
const mouse = new Mouse();
const server = new UsbIpServer();
const address = { host: "127.0.0.1", port: 0 };

beforeAll(async () => {
  server.export(createKeyboardDevice(keyboard));
  server.export(createMouseDevice(mouse));
  server.export(createSerialDevice(new SerialEcho()));
  address.port = (await server.listen({ port: 0 })).port;
});
afterAll(() => server.close());

/** Imports, reads the descriptors as a host does, and configures. */
async function enumerate(busid: string): Promise<{ device: ImportedDevice; configuration: Uint8Array; name: string }> {
  const device = await importSoon(busid);
  const descriptor = await device.controlIn(setupPacket(0x80, 6, 0x0100, 0, 64));
  expect(descriptor).toHaveLength(18);
  const head = await device.controlIn(setupPacket(0x80, 6, 0x0200, 0, 9));
  const total = Buffer.from(head).readUInt16LE(2);
  const configuration = await device.controlIn(setupPacket(0x80, 6, 0x0200, 0, total));
  expect(configuration).toHaveLength(total);
  const product = await device.controlIn(setupPacket(0x80, 6, 0x0302, 0x0409, 255));
  await device.controlOut({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0 });
  return { device, configuration, name: Buffer.from(product.subarray(2)).toString("utf16le") };
}

test("The list names all three with their interfaces", async () => {
  const devices = await listDevices(address);
  expect(devices.map(({ busid, idVendor, speed }) => [busid, idVendor, speed])).toEqual([
    ["1-1", 0x1209, 3],
    ["1-2", 0x1209, 3],
    ["1-3", 0x1209, 3],
  ]);
  const classes = devices.map(({ interfaces }) =>
    interfaces.map((each) => [each.bInterfaceClass, each.bInterfaceSubClass, each.bInterfaceProtocol]),
  );
  expect(classes).toEqual([
    [[3, 1, 1]],
    [[3, 1, 2]],
    [
      [2, 2, 0],
      [10, 0, 0],
    ],
  ]);
  expect(devices.map((each) => [each.bDeviceClass, each.bDeviceSubClass, each.bDeviceProtocol])).toEqual([
    [0, 0, 0],
    [0, 0, 0],
    [0xef, 2, 1],
  ]);
});

describe("The keyboard", () => {
  test("types a word to a host that reads as a driver does, and lights its LEDs", async () => {
    const { device, name } = await enumerate("1-1");
    expect(name).toBe("Test keyboard");
    await device.controlOut({ bmRequestType: 0x21, bRequest: 0x0a, wValue: 0, wIndex: 0 });
    expect(await device.controlIn(setupPacket(0x81, 6, 0x2200, 0, 255))).toHaveLength(63);
    const pending = [device.transferIn(1, 8), device.transferIn(1, 8)];
    keyboard.type("hello");
    let word = "";
    for (let report = 0; report < 10; report++) {
      const keys = await (pending.shift() as Promise<Uint8Array>);
      pending.push(device.transferIn(1, 8));
      expect(keys).toHaveLength(8);
      const usage = keys[2] ?? 0;
      if (usage !== 0) word += String.fromCharCode("a".charCodeAt(0) + usage - 4);
    }
    expect(word).toBe("hello");
    await device.controlOut({ bmRequestType: 0x21, bRequest: 9, wValue: 0x0200, wIndex: 0 }, Uint8Array.of(2));
    expect(keyboard.leds).toBe(2);
    for (const each of pending) each.catch(() => {});
    await device.detach();
  });

  test("knows the boot protocol, and has its own report on endpoint 0", async () => {
    const { device } = await enumerate("1-1");
    await device.controlOut({ bmRequestType: 0x21, bRequest: 0x0b, wValue: 0, wIndex: 0 });
    expect(await device.controlIn(setupPacket(0xa1, 3, 0, 0, 1))).toEqual(Uint8Array.of(0));
    expect(await device.controlIn(setupPacket(0xa1, 1, 0x0100, 0, 8))).toEqual(new Uint8Array(8));
    await device.detach();
  });
});

describe("The mouse", () => {
  test("moves and clicks", async () => {
    const { device, name } = await enumerate("1-2");
    expect(name).toBe("Test mouse");
    mouse.move(10, -5);
    mouse.click();
    const reports: number[][] = [];
    for (let count = 0; count < 3; count++) reports.push([...new Int8Array(await device.transferIn(1, 3))]);
    expect(reports).toEqual([
      [0, 10, -5],
      [1, 0, 0],
      [0, 0, 0],
    ]);
    await device.detach();
  });
});

describe("The serial port", () => {
  test("echoes whatever length, in order, to transfers of whatever length", async () => {
    const { device, configuration, name } = await enumerate("1-3");
    expect(name).toBe("Test serial echo");
    expect(configuration[4]).toBe(2);
    for (const length of [1, 511, 512, 513, 1024, 70_000]) {
      const sent = Uint8Array.from({ length }, (_, index) => index * 7);
      expect(await device.transferOut(2, sent)).toBe(length);
      const echoed: Uint8Array[] = [];
      for (let received = 0; received < length; ) {
        const part = await device.transferIn(2, 16_384);
        echoed.push(part);
        received += part.length;
      }
      expect(Buffer.concat(echoed).equals(sent)).toBe(true);
    }
    await device.detach();
  });

  test("keeps its line coding until it is unplugged", async () => {
    const coding = Uint8Array.of(0x80, 0x25, 0, 0, 0, 0, 8);
    const first = (await enumerate("1-3")).device;
    expect(await first.controlIn(setupPacket(0xa1, 0x21, 0, 0, 7))).toEqual(Uint8Array.of(0, 0xc2, 1, 0, 0, 0, 8));
    await first.controlOut({ bmRequestType: 0x21, bRequest: 0x20, wValue: 0, wIndex: 0 }, coding);
    await first.controlOut({ bmRequestType: 0x21, bRequest: 0x22, wValue: 3, wIndex: 0 });
    expect(await first.controlIn(setupPacket(0xa1, 0x21, 0, 0, 7))).toEqual(coding);
    await expect(first.controlIn(setupPacket(0xa1, 0x55, 0, 0, 7))).rejects.toThrow(UsbStall);
    await first.detach();
    const second = await importSoon("1-3");
    await second.controlOut({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0 });
    expect((await second.controlIn(setupPacket(0xa1, 0x21, 0, 0, 7)))[0]).toBe(0);
    await second.detach();
  });

  test("lets a read be taken back without losing the byte that comes next", async () => {
    const device = await importSoon("1-3");
    await device.controlOut({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0 });
    const controller = new AbortController();
    const first = device.transferIn(2, 64, controller.signal);
    controller.abort();
    await expect(first).rejects.toThrow(TransferAborted);
    await device.transferOut(2, Uint8Array.of(42));
    expect(await device.transferIn(2, 64)).toEqual(Uint8Array.of(42));
    await device.detach();
  });
});

/** The server sees a detach a moment after the client. */
async function importSoon(busid: string): Promise<ImportedDevice> {
  const exported = server.exports.find((each) => each.busid === busid);
  await vi.waitFor(() => expect(exported?.importedBy).toBeUndefined(), { interval: 2 });
  return importDevice({ ...address, busid });
}
