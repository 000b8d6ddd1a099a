// The keyboard interface through the whole stack: served over USB/IP, used by our own client.
import { createHmac } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { ConfigFlag } from "../../applets/otp/parameters.ts";
import { encodeSlotConfig } from "../../applets/otp/slot-config.ts";
import { MemoryKeyStore } from "../../keystore/memory-keystore.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { administer } from "../../src/control/local-administration.ts";
import { autoPresence } from "../../src/presence/auto.ts";
import { PendingPresence } from "../../src/presence/pending.ts";
import { createSecurityKey, type SecurityKeyOptions } from "../../src/security-key.ts";
import type { ImportedDevice } from "../../src/usbip/client.ts";
import { UsbIpServer } from "../../src/usbip/server.ts";
import { chalrespConfig, hotpConfig, typedText, yubicoConfig } from "../otp/rig.ts";
import { attachDevice } from "../support/attached-key.ts";
import { OtpClient } from "../support/otp-client.ts";

const servers: UsbIpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const KEY = Buffer.from("303132333435363738393a3b3c3d3e3f40414243", "hex");
const challenge = Buffer.alloc(64);
challenge.write("Sample #2");
const response = createHmac("sha1", KEY).update("Sample #2").digest("hex");
const NO_CODE = Buffer.alloc(6);

async function serve(options: Partial<SecurityKeyOptions> = {}, store = new MemoryKeyStore()) {
  const presence = new PendingPresence();
  const key = await createSecurityKey({ store, presence, ...options });
  const server = new UsbIpServer();
  servers.push(server);
  server.export(key);
  const { address: host, port } = await server.listen({ port: 0 });
  const attach = () => attachDevice({ host, port });
  return { key, presence, store, attach };
}

/** GET_REPORT and SET_REPORT of a feature report, on interface 0: what ykcore sends. HID 1.11 §7.2 */
function otpClient(device: ImportedDevice): OtpClient {
  const common = { bRequest: 0x01, wValue: 0x0300, wIndex: 0 };
  return new OtpClient({
    get: () => device.controlIn({ ...common, bmRequestType: 0xa1, wLength: 8 }),
    set: (report) => device.controlOut({ ...common, bRequest: 0x09, bmRequestType: 0x21 }, report),
  });
}

/** Reads key reports from now on. */
function readKeys(device: ImportedDevice): string[] {
  const reports: string[] = [];
  const next = (): void => {
    device.transferIn(1, 8).then(
      (report) => {
        reports.push(toHex(report));
        next();
      },
      () => {},
    );
  };
  next();
  return reports;
}

/** The text of the presses so far, each of them followed by a release, once the last has come. */
async function takeText(read: string[]): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  const reports = read.splice(0);
  const codes: number[] = [];
  for (let at = 0; at < reports.length; at += 2) {
    const report = Buffer.from(reports[at] ?? "", "hex");
    codes.push(report.readUInt8(2) | (report.readUInt8(0) === 2 ? 0x80 : 0));
    expect(reports[at + 1]).toBe("00".repeat(8));
  }
  return typedText(codes);
}

const config = (partial: Parameters<typeof encodeSlotConfig>[0]) => Buffer.concat([encodeSlotConfig(partial), NO_CODE]);

test("A key without a configured slot has no keyboard", async () => {
  const { key, attach } = await serve();
  expect(key.hasKeyboard).toBe(false);
  expect(key.interfaces.map(({ bInterfaceProtocol }) => bInterfaceProtocol)).not.toContain(1);
  await attach();
  expect(await key.pressTouch(false)).toBe("no-keyboard");
});

test("The keyboard is the first interface from the power-up after a slot was configured, until the last is deleted", async () => {
  const { key, attach } = await serve();
  const first = await attach();
  await administer(key).otp.set({ slot: 1, kind: "yubico" });
  expect(key.hasKeyboard).toBe(false);
  await first.detach();
  const second = await attach();
  expect(key.hasKeyboard).toBe(true);
  expect(key.interfaces[0]).toMatchObject({ bInterfaceClass: 3, bInterfaceSubClass: 1, bInterfaceProtocol: 1 });
  expect(await otpClient(second).status()).toMatchObject({ version: "5.7.4", pgmSeq: 1, touchLevel: 0x05 });
  await otpClient(second).command(0x01, Buffer.alloc(58), 0);
  await second.detach();
  await attach();
  expect(key.hasKeyboard).toBe(false);
});

test("A host configures slots, asks for the serial number and the device info, and sends challenges", async () => {
  const { key, attach } = await serve({ keyboard: true });
  const otp = otpClient(await attach());
  expect(await otp.status()).toEqual({ version: "5.7.4", pgmSeq: 0, touchLevel: 0, flags: 0 });
  expect(await otp.command(0x03, config(chalrespConfig(KEY)), 0)).toBeUndefined();
  expect(await otp.status()).toMatchObject({ pgmSeq: 1, touchLevel: 0x02 });
  expect((await otp.command(0x38, challenge, 20))?.toString("hex")).toBe(response);
  expect((await otp.command(0x10, NO_CODE, 4))?.readUInt32BE(0)).toBe(key.platform.device.serialNumber);
  const info = key.applications.management.readConfig(0);
  expect((await otp.command(0x13, Buffer.of(0), info.length))?.toString("hex")).toBe(toHex(info));
  // Refused: the sequence stays, which is how hosts know.
  expect(await otp.command(0x03, Buffer.alloc(58, 1), 0)).toBeUndefined();
  expect(await otp.status()).toMatchObject({ pgmSeq: 1 });
});

test("A challenge waits for its touch while the host polls, and ends when it is denied", async () => {
  const { presence, attach } = await serve({ keyboard: true });
  const otp = otpClient(await attach());
  await otp.command(0x03, config(chalrespConfig(KEY, ConfigFlag.CHAL_BTN_TRIG)), 0);
  const answers: boolean[] = [true, false];
  const waits: number[] = [];
  presence.subscribe((event) => {
    if (event.kind === "asked") setTimeout(() => presence.answer(event.waiting.id, answers.shift() === true), 30);
  });
  await otp.send(0x38, challenge);
  expect((await otp.receive(20, (flags) => waits.push(flags)))?.toString("hex")).toBe(response);
  // Until then the write flag or, once it asks, the wait and nothing else: ykcore takes anything else for a time-out.
  expect(waits.filter((flags) => flags !== 0x80).every((flags) => (flags & 0xe0) === 0x20)).toBe(true);
  expect(waits.at(-1)).toBe(0x20 | 15);
  await otp.send(0x38, challenge);
  expect(await otp.receive(20)).toBeUndefined();
});

test("A touch types slot 1, a long one slot 2, each exactly once", async () => {
  const { key, attach } = await serve({ keyboard: true });
  const device = await attach();
  const otp = otpClient(device);
  await otp.command(0x01, config(hotpConfig), 0);
  await otp.command(0x03, config(yubicoConfig), 0);
  const reports = readKeys(device);
  expect(await key.pressTouch(false)).toBe("typed");
  expect(await takeText(reports)).toBe("755224");
  expect(await key.pressTouch(true)).toBe("typed");
  expect(await takeText(reports)).toMatch(/^vvcccbcdcecf[cbdefghijklnrtuv]{32}\n$/);
  const [first, second] = await Promise.all([key.pressTouch(false), key.pressTouch(false)]);
  expect([first, second]).toEqual(["typed", "busy"]);
  expect(await takeText(reports)).toBe("287082");
});

test("Nothing types by itself, whoever gives the touches", async () => {
  const { key, attach } = await serve({ keyboard: true, presence: autoPresence });
  const device = await attach();
  const otp = otpClient(device);
  await otp.command(0x01, config(hotpConfig), 0);
  await otp.command(0x03, config(chalrespConfig(KEY, ConfigFlag.CHAL_BTN_TRIG)), 0);
  const reports = readKeys(device);
  expect((await otp.command(0x38, challenge, 20))?.toString("hex")).toBe(response);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(reports).toEqual([]);
  expect(key.applications.otp.slots.get(1)?.movingFactor).toBe(0n);
});
