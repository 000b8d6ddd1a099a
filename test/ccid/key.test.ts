// The smart card side of a whole key, from the TCP socket to the store: served over USB/IP and used through our own client.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createSecurityKey, MemoryKeyStore, PendingPresence, UsbIpServer } from "../../src/index.ts";
import { encodeCommandApdu } from "../../src/iso7816/apdu.ts";
import type { SecurityKey } from "../../src/security-key.ts";
import type { ImportedDevice } from "../../src/usbip/client.ts";
import { attachDevice, openChannel } from "../support/attached-key.ts";
import { CcidClient } from "../support/ccid-client.ts";
import {
  Command,
  encodeRequest,
  makeCredentialParameters,
  parseReply,
  verifyRegistration,
} from "../support/fido-client.ts";

const SELECT_FIDO = Buffer.from("00a4040008a0000006472f0001", "hex");

let presence: PendingPresence;
let server: UsbIpServer;
let key: SecurityKey;
let device: ImportedDevice;
let reader: CcidClient;

beforeEach(async () => {
  presence = new PendingPresence();
  server = new UsbIpServer();
  key = await createSecurityKey({ store: new MemoryKeyStore(), presence });
  server.export(key);
  const { address: host, port } = await server.listen({ port: 0 });
  device = await attachDevice({ host, port });
  reader = await CcidClient.open(device);
});
afterEach(async () => {
  presence.reset();
  await server.close();
});

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const ctap = (message: Uint8Array) => encodeCommandApdu({ cla: 0x80, ins: 0x10, data: message, le: 65_536 });
const registration = encodeRequest(Command.MAKE_CREDENTIAL, makeCredentialParameters());

test("The card is there, gets power, and its FIDO applet answers", async () => {
  expect(await reader.notification()).toBe(0x03);
  expect(await reader.slotStatus()).toMatchObject({ bStatus: 0x01 });
  expect(hex(await reader.powerOn())).toBe(hex(key.slot.atr));
  expect(hex(await reader.transmit(SELECT_FIDO))).toBe(`${hex(Buffer.from("U2F_V2"))}9000`);
  const info = await reader.transmit(ctap(encodeRequest(Command.GET_INFO)));
  expect(info[0]).toBe(0);
  expect(hex(info.slice(-2))).toBe("9000");
});

test("A registration over CCID waits for its touch, with more time asked for, and can be aborted", async () => {
  await reader.powerOn();
  await reader.transmit(SELECT_FIDO);
  const waiting = reader.transmit(ctap(registration));
  await vi.waitFor(() => expect(reader.timeExtensions).toBeGreaterThan(0), { timeout: 3_000 });
  presence.answer(presence.waiting[0]?.id ?? 0, true);
  const answer = await waiting;
  verifyRegistration(parseReply(answer.slice(0, -2)));

  await reader.send(ctap(registration));
  await vi.waitFor(() => expect(presence.waiting).toHaveLength(1));
  expect(await reader.abort()).toMatchObject({ type: 0x81, bStatus: 0x00 });
  expect(presence.waiting).toEqual([]);
  expect(await reader.slotStatus()).toMatchObject({ bStatus: 0x00 });
});

test("FIDO over CCID and over CTAPHID take turns: the second is not asked for before the first is answered", async () => {
  await reader.powerOn();
  await reader.transmit(SELECT_FIDO);
  const channel = await openChannel(device);
  await reader.send(ctap(registration));
  await vi.waitFor(() => expect(presence.waiting).toHaveLength(1));
  const overHid = channel.cbor(encodeRequest(Command.SELECTION));
  await new Promise((resolve) => setTimeout(resolve, 50)); // it has arrived
  expect(presence.waiting.map(({ prompt }) => prompt.action)).toEqual(["register"]);
  presence.answer(presence.waiting[0]?.id ?? 0, true);
  const reply = await reader.receive();
  verifyRegistration(parseReply(reply.abData.slice(0, -2)));
  await vi.waitFor(() => expect(presence.waiting).toHaveLength(1));
  presence.answer(presence.waiting[0]?.id ?? 0, true);
  expect((await overHid)[0]).toBe(0);
});

test("A request over CTAPHID that waits its turn is cancelled at once", async () => {
  await reader.powerOn();
  await reader.transmit(SELECT_FIDO);
  const channel = await openChannel(device);
  await reader.send(ctap(registration));
  await vi.waitFor(() => expect(presence.waiting).toHaveLength(1));
  const overHid = channel.cbor(encodeRequest(Command.SELECTION));
  await channel.cancel();
  expect((await overHid)[0]).toBe(0x2d);
  expect(presence.waiting).toHaveLength(1);
});

test("Ejected, the card is gone for the reader in the middle of an APDU, and FIDO over CTAPHID is untouched", async () => {
  await reader.notification();
  await reader.powerOn();
  await reader.transmit(SELECT_FIDO);
  await reader.send(ctap(registration));
  await vi.waitFor(() => expect(presence.waiting).toHaveLength(1));
  key.slot.move("out");
  expect(await reader.receive()).toMatchObject({ bStatus: 0x42, bError: 0xfe });
  expect(await reader.notification()).toBe(0x02);
  expect(presence.waiting).toEqual([]);
  const channel = await openChannel(device);
  expect((await channel.cbor(encodeRequest(Command.GET_INFO)))[0]).toBe(0);
  key.slot.move("in");
  expect(await reader.notification()).toBe(0x03);
  expect(hex(await reader.powerOn())).toBe(hex(key.slot.atr));
  expect(hex(await reader.transmit(Buffer.from("80100000", "hex")))).toBe("6d00");
});

test("A host that leaves takes the card's power along", async () => {
  await reader.powerOn();
  await reader.transmit(SELECT_FIDO);
  expect(key.card.selected?.name).toBe("FIDO");
  await device.detach();
  await vi.waitFor(() => expect(key.card.selected).toBeUndefined());
});
