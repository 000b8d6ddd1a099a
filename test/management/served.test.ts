// Applications turned off and on in a key that is served over USB/IP, by CTAPHID's vendor commands and by its owner.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Capability } from "../../applets/management/capability.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { administer } from "../../src/control/local-administration.ts";
import { identities } from "../../src/identity.ts";
import { createSecurityKey, MemoryKeyStore, type SecurityKey, UsbIpServer } from "../../src/index.ts";
import { autoPresence } from "../../src/presence/auto.ts";
import { type ImportedDevice, type ListedDevice, listDevices } from "../../src/usbip/client.ts";
import { attachDevice, openChannel } from "../support/attached-key.ts";
import type { CtapHidClient } from "../support/ctaphid-client.ts";
import { createTestTransport } from "../support/platform.ts";

const Vendor = { SET_MODE: 0x40, READ_CONFIG: 0x42, WRITE_CONFIG: 0x43 } as const;
const GET_INFO = Uint8Array.of(0x04);
const U2F_VERSION = fromHex("00030000 000000");

let key: SecurityKey;
let server: UsbIpServer;
let address: { host: string; port: number };
let device: ImportedDevice;
let client: CtapHidClient;

beforeEach(async () => {
  key = await createSecurityKey({ store: new MemoryKeyStore(), presence: autoPresence, identity: "yubikey5" });
  server = new UsbIpServer();
  server.export(key);
  const { address: host, port } = await server.listen({ port: 0 });
  address = { host, port };
  await attach();
});
afterEach(() => server.close());

async function attach(): Promise<void> {
  device = await attachDevice(address);
  client = await openChannel(device);
}

async function replug(): Promise<void> {
  await device.detach();
  await expect.poll(() => server.exports[0]?.importedBy).toBe(undefined);
  await attach();
}

const card = (apdu: string) => key.card.exchange(fromHex(apdu), createTestTransport()).then(toHex);
const versions = async () => Buffer.from(await client.cbor(GET_INFO)).toString("latin1");

describe("Over CTAPHID", () => {
  test("the configuration is read, a page at a time", async () => {
    const first = await client.request(Vendor.READ_CONFIG, Uint8Array.of(0));
    expect(first[0]).toBe(first.length - 1);
    expect(toHex(first)).toContain(`0302${key.enabled.toString(16).padStart(4, "0")}`);
    expect(await client.request(Vendor.READ_CONFIG, new Uint8Array(0))).toEqual(first);
    expect(Buffer.from(await client.request(Vendor.READ_CONFIG, Uint8Array.of(1))).toString("latin1")).toContain(
      "LATCHKEY",
    );
    await expect(client.request(Vendor.READ_CONFIG, Uint8Array.of(0, 0))).rejects.toMatchObject({ code: 0x03 });
  });

  test("it is written, and refused with an error of CTAPHID's", async () => {
    expect(await client.request(Vendor.WRITE_CONFIG, fromHex("03 080140"))).toHaveLength(0);
    expect(key.applications.management.configuration.values.deviceFlags).toBe(0x40);
    await expect(client.request(Vendor.WRITE_CONFIG, fromHex("04 080140"))).rejects.toMatchObject({ code: 0x02 });
    await client.request(Vendor.WRITE_CONFIG, fromHex("12 0a10 000102030405060708090a0b0c0d0e0f"));
    await expect(client.request(Vendor.WRITE_CONFIG, fromHex("03 080140"))).rejects.toMatchObject({ code: 0x7f });
  });

  test("SET MODE turns interfaces on and off", async () => {
    await client.request(Vendor.SET_MODE, fromHex("03 0f 0000"));
    expect(key.applications.management.configuration.enabled).toBe(Capability.FIDO2 | Capability.U2F);
  });
});

test("Without FIDO2 there is U2F alone: CTAPHID_INIT says so, and CTAPHID_CBOR is no command", async () => {
  await client.request(Vendor.WRITE_CONFIG, fromHex("04 03020002"));
  expect(await versions()).toContain("FIDO_2_1");
  await replug();
  expect(client.initReply.capabilities & 0x0c).toBe(0x00);
  await expect(client.cbor(GET_INFO)).rejects.toMatchObject({ code: 0x01 });
  expect(Buffer.from(await client.msg(U2F_VERSION)).toString("latin1")).toContain("U2F_V2");
  expect(await card("00a4040008a0000006472f0001")).toBe(`${toHex(Buffer.from("U2F_V2"))}9000`);
  expect(await card("801000000104")).toBe("6986");
});

test("Without U2F there is FIDO2 alone: getInfo does not promise it, and CTAPHID_MSG is no command", async () => {
  expect(await versions()).toContain("U2F_V2");
  await client.request(Vendor.WRITE_CONFIG, fromHex("04 03020200"));
  await replug();
  expect(client.initReply.capabilities & 0x0c).toBe(0x0c);
  expect(await versions()).not.toContain("U2F_V2");
  await expect(client.msg(U2F_VERSION)).rejects.toMatchObject({ code: 0x01 });
  expect(await card("00a4040008a0000006472f0001")).toBe(`${toHex(Buffer.from("FIDO_2_0"))}9000`);
  expect(await card("0003000000")).toBe("6986");
});

describe("Interfaces come and go with what is behind them, from one attach to the next", () => {
  const HID = 3;
  const SMART_CARD = 11;
  /** FIDO is the HID interface that is no keyboard. */
  const hasFido = ({ interfaces }: ListedDevice) =>
    interfaces.some((each) => each.bInterfaceClass === HID && each.bInterfaceSubClass === 0);
  const hasCard = ({ interfaces }: ListedDevice) => interfaces.some((each) => each.bInterfaceClass === SMART_CARD);
  const listed = async () => (await listDevices(address))[0] as ListedDevice;
  /** What the imported device says itself: the device descriptor, and how many interfaces its configuration has. */
  const read = async (wValue: number) =>
    Buffer.from(await device.controlIn({ bmRequestType: 0x80, bRequest: 6, wValue, wIndex: 0, wLength: 255 }));

  test("FIDO, disabled over CCID and enabled by the owner", async () => {
    await replugWith(() => key.applications.management.configuration.reset());
    const whole = await listed();
    expect(whole.idProduct).toBe(identities.yubikey5.usbId(key.functions).product);
    expect(hasFido(whole)).toBe(true);

    expect(await card("00a4040008a000000527471117")).toMatch(/9000$/);
    const rest = key.applications.management.configuration.supported & ~(Capability.U2F | Capability.FIDO2);
    if (rest === 0) throw new Error("the key has nothing but FIDO");
    const mask = rest.toString(16).padStart(4, "0");
    expect(await card(`001c000007060c000302${mask}`)).toBe("9000");
    expect((await read(0x0100)).readUInt16LE(10)).toBe(whole.idProduct);
    expect(await listed()).toEqual(whole);

    await replugWith(async () => {});
    const without = await listed();
    expect(hasFido(without)).toBe(false);
    expect(without.idProduct).not.toBe(whole.idProduct);
    expect((await read(0x0100)).readUInt16LE(10)).toBe(without.idProduct);
    expect((await read(0x0200))[4]).toBe(without.interfaces.length);
    expect(device.record).toMatchObject({ idProduct: without.idProduct, bNumInterfaces: without.interfaces.length });
    expect(await card("00a4040008a0000006472f0001")).toBe("6a82");

    await replugWith(async () => void (await administer(key).identity.configure({ enable: ["fido2"] })));
    expect(hasFido(await listed())).toBe(true);
    expect((await read(0x0200))[4]).toBe((await listed()).interfaces.length);
  });

  test("the smart card reader, without a card application that it is for", async () => {
    await replugWith(() => key.applications.management.configuration.reset());
    expect(hasCard(await listed())).toBe(true);
    expect(key.slot.isPresent).toBe(true);
    await replugWith(() => key.applications.management.configuration.enable(Capability.FIDO2));
    expect(hasCard(await listed())).toBe(false);
    // The card is there all the same, for other readers than that of the USB device.
    expect(await card("00a4040008a000000527471117")).toMatch(/9000$/);
  });

  async function replugWith(change: () => Promise<void>): Promise<void> {
    await change();
    await device.detach();
    await expect.poll(() => server.exports[0]?.importedBy).toBe(undefined);
    device = await attachDevice(address);
  }
});
