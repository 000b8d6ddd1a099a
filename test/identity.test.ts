// What a key shows of itself, and what a served key looks like after its configuration changed.
import { afterEach, beforeEach, expect, test } from "vitest";
import { Capability } from "../applets/management/capability.ts";
import { FUNCTION_NAMES, type FunctionName } from "../src/composition.ts";
import { type IdentityName, identities } from "../src/identity.ts";
import { createSecurityKey, MemoryKeyStore, type SecurityKey, UsbIpServer } from "../src/index.ts";
import { autoPresence } from "../src/presence/auto.ts";
import { listDevices } from "../src/usbip/client.ts";
import { attachDevice, openChannel } from "./support/attached-key.ts";

let server: UsbIpServer;
let address: { host: string; port: number };

beforeEach(async () => {
  server = new UsbIpServer();
  const { address: host, port } = await server.listen({ port: 0 });
  address = { host, port };
});
afterEach(() => server.close());

async function serveKey(identity?: IdentityName): Promise<SecurityKey> {
  const key = await createSecurityKey({
    store: new MemoryKeyStore(),
    presence: autoPresence,
    ...(identity !== undefined && { identity }),
  });
  server.export(key);
  return key;
}

test.each([
  [["OTP"], 0x0401],
  [["FIDO"], 0x0402],
  [["OTP", "FIDO"], 0x0403],
  [["CCID"], 0x0404],
  [["OTP", "CCID"], 0x0405],
  [["FIDO", "CCID"], 0x0406],
  [[...FUNCTION_NAMES], 0x0407],
] as [FunctionName[], number][])("A YubiKey 5 with %j has its product id and name", (functions, product) => {
  expect(identities.yubikey5.usbId(functions)).toEqual({ vendor: 0x1050, product });
  expect(identities.yubikey5.product(functions)).toBe(`YubiKey ${functions.join("+")}`);
});

test("A key is itself unless it is told otherwise", async () => {
  const { descriptor } = await serveKey();
  expect(descriptor).toMatchObject({ idVendor: 0x1209, idProduct: 0x0001, bcdDevice: 0x0010, iSerialNumber: 3 });
});

test("With a YubiKey 5's identity it has its vendor, its version, and no serial number in its descriptors", async () => {
  await serveKey("yubikey5");
  const [listed] = await listDevices(address);
  expect(listed).toMatchObject({ idVendor: 0x1050, bcdDevice: 0x0574 });
  const device = await attachDevice(address);
  const setup = { bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wIndex: 0, wLength: 18 };
  expect((await device.controlIn(setup))[16]).toBe(0);
});

test("With a YubiKey 5's identity its FIDO interface tells the version that ykman reads there", async () => {
  await serveKey("yubikey5");
  const client = await openChannel(await attachDevice(address));
  expect(client.initReply).toMatchObject({ deviceVersion: [5, 7, 4] });
});

test("A change of the configuration waits for the key to be unplugged", async () => {
  const key = await serveKey();
  const before = key.enabled;
  const device = await attachDevice(address);
  const shown = await listDevices(address);
  await key.applications.management.configuration.enable(Capability.U2F);
  expect(key.enabled).toBe(before);
  expect(await listDevices(address)).toEqual(shown);
  await device.detach();
  await expect.poll(() => key.enabled).toBe(Capability.U2F);
});

test("A configuration with nothing on is taken for one with everything on", async () => {
  const key = await serveKey();
  await key.applications.management.configuration.enable(0);
  expect(key.applications.management.configuration.enabled).toBe(key.applications.management.configuration.supported);
});
