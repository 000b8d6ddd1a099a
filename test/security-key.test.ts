// The whole stack, from the TCP socket to the store: a security key served over USB/IP and used through our own client.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSecurityKey, MemoryKeyStore, PendingPresence, UsbIpServer } from "../src/index.ts";
import { type ImportedDevice, importDevice } from "../src/usbip/client.ts";
import { CtapHidClient, type ReportPipe } from "./support/ctaphid-client.ts";

let store: MemoryKeyStore;
let presence: PendingPresence;
let server: UsbIpServer;
let address: { host: string; port: number };

beforeEach(async () => {
  store = new MemoryKeyStore();
  presence = new PendingPresence();
  server = new UsbIpServer();
  server.export(await createSecurityKey({ store, presence }));
  const { address: host, port } = await server.listen({ port: 0 });
  address = { host, port };
});
afterEach(async () => {
  presence.reset();
  await server.close();
});

/** Plugs the key in and configures it, as a host's kernel does. */
async function attach(): Promise<ImportedDevice> {
  const device = await importDevice({ ...address, busid: "1-1" });
  await device.controlOut({ bmRequestType: 0x00, bRequest: 9, wValue: 1, wIndex: 0 });
  return device;
}

/** The FIDO interface's two endpoints. */
function reports(device: ImportedDevice): ReportPipe {
  return {
    send: async (report) => void (await device.transferOut(1, report)),
    receive: () => device.transferIn(1, 64),
  };
}

async function stringDescriptor(device: ImportedDevice, index: number): Promise<string> {
  const setup = { bmRequestType: 0x80, bRequest: 6, wValue: 0x0300 | index, wIndex: 0x0409, wLength: 255 };
  return Buffer.from((await device.controlIn(setup)).subarray(2)).toString("utf16le");
}

test("It names its maker, itself, and a serial number that stays with the store", async () => {
  const device = await attach();
  const [manufacturer, product, serial] = await Promise.all([1, 2, 3].map((index) => stringDescriptor(device, index)));
  expect([manufacturer, product]).toEqual(["Latchkey", "Security Key"]);
  expect(serial).toMatch(/^[0-9a-f]{16}$/);

  const second = server.export(await createSecurityKey({ store, presence }));
  const again = await importDevice({ ...address, busid: second.busid });
  expect(await stringDescriptor(again, 3)).toBe(serial);
  const third = server.export(await createSecurityKey({ store: new MemoryKeyStore(), presence }));
  const other = await importDevice({ ...address, busid: third.busid });
  expect(await stringDescriptor(other, 3)).not.toBe(serial);
});

test("It answers CTAPHID through its interrupt endpoints", async () => {
  const client = await CtapHidClient.open(reports(await attach()));
  expect(client.initReply).toMatchObject({ protocolVersion: 2, capabilities: 0x05 });
  const data = Uint8Array.from({ length: 1_000 }, (_, index) => index);
  expect(new Uint8Array(await client.ping(data))).toEqual(data);
});

test("A host that leaves takes its questions along", async () => {
  const device = await attach();
  const asked = presence.request({ applet: "fido2", action: "register" }, new AbortController().signal);
  expect(presence.waiting).toHaveLength(1);
  await device.detach();
  expect(await asked).toBe("cancelled");
  await vi.waitFor(() => expect(server.exports[0]?.importedBy).toBeUndefined());
});
