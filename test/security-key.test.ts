// The whole stack, from the TCP socket to the store: a security key served over USB/IP and used through our own client.
import { createHash, createPublicKey, verify } from "node:crypto";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type CborMap, type CborValue, decodeCborMap, encodeCbor } from "../src/cbor.ts";
import { createSecurityKey, MemoryKeyStore, PendingPresence, UsbIpServer } from "../src/index.ts";
import type { ImportedDevice } from "../src/usbip/client.ts";
import { attachDevice, openChannel } from "./support/attached-key.ts";
import type { CtapHidClient } from "./support/ctaphid-client.ts";

const clientDataHash = createHash("sha256").update("client data").digest();
const rpIdHash = createHash("sha256").update("example.com").digest();

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

/** Answers every prompt from now on, and tells what was asked. */
function answerAll(granted: boolean): string[] {
  const asked: string[] = [];
  presence.subscribe((event) => {
    if (event.kind !== "asked") return;
    const { action, subject } = event.waiting.prompt;
    asked.push(`${action} ${subject}`);
    presence.answer(event.waiting.id, granted);
  });
  return asked;
}

async function stringDescriptor(device: ImportedDevice, index: number): Promise<string> {
  const setup = { bmRequestType: 0x80, bRequest: 6, wValue: 0x0300 | index, wIndex: 0x0409, wLength: 255 };
  return Buffer.from((await device.controlIn(setup)).subarray(2)).toString("utf16le");
}

/** One CTAP2 command: the status, and the response if there is one. */
async function ctap(client: CtapHidClient, command: number, parameters: CborMap) {
  const answer = await client.cbor(Buffer.concat([Buffer.of(command), encodeCbor(parameters)]));
  return { status: answer[0], response: answer.length > 1 ? decodeCborMap(answer.subarray(1)) : undefined };
}

const map = (entries: Iterable<readonly [CborValue, CborValue]>): CborMap => new Map(entries);

const makeCredential = (client: CtapHidClient) =>
  ctap(
    client,
    0x01,
    map([
      [1, clientDataHash],
      [2, map([["id", "example.com"]])],
      [
        3,
        map([
          ["id", Uint8Array.of(1)],
          ["name", "alice"],
        ]),
      ],
      [
        4,
        [
          map([
            ["alg", -7],
            ["type", "public-key"],
          ]),
        ],
      ],
    ]),
  );

/** authData of a registration: rpIdHash 32, flags, counter 4, AAGUID 16, length 2, credential id, COSE key. */
function attestedCredential(authData: Buffer) {
  const length = authData.readUInt16BE(53);
  const key = decodeCborMap(authData.subarray(55 + length));
  const coordinate = (label: number) => Buffer.from(key.get(label) as Uint8Array).toString("base64url");
  const jwk = { kty: "EC", crv: "P-256", x: coordinate(-2), y: coordinate(-3) };
  return { id: authData.subarray(55, 55 + length), publicKey: createPublicKey({ key: jwk, format: "jwk" }) };
}

test("It names its maker, itself, and a serial number that stays with the store", async () => {
  const device = await attachDevice(address);
  const [manufacturer, product, serial] = await Promise.all([1, 2, 3].map((index) => stringDescriptor(device, index)));
  expect([manufacturer, product]).toEqual(["Latchkey", "Security Key"]);
  expect(serial).toMatch(/^[0-9a-f]{16}$/);

  const second = server.export(await createSecurityKey({ store, presence }));
  expect(await stringDescriptor(await attachDevice(address, second.busid), 3)).toBe(serial);
  const third = server.export(await createSecurityKey({ store: new MemoryKeyStore(), presence }));
  expect(await stringDescriptor(await attachDevice(address, third.busid), 3)).not.toBe(serial);
});

test("It answers CTAPHID through its interrupt endpoints", async () => {
  const client = await openChannel(await attachDevice(address));
  expect(client.initReply).toMatchObject({ protocolVersion: 2, capabilities: 0x05 });
  const data = Uint8Array.from({ length: 1_000 }, (_, index) => index);
  expect(new Uint8Array(await client.ping(data))).toEqual(data);
});

test("A credential that was registered signs in, and its signature verifies", async () => {
  const asked = answerAll(true);
  const client = await openChannel(await attachDevice(address));
  const made = await makeCredential(client);
  expect(made.status).toBe(0);
  expect(made.response?.get(1)).toBe("packed");
  const { id, publicKey } = attestedCredential(Buffer.from(made.response?.get(2) as Uint8Array));

  const allowed = map([
    ["id", id],
    ["type", "public-key"],
  ]);
  const parameters = map([
    [1, "example.com"],
    [2, clientDataHash],
    [3, [allowed]],
  ]);
  const { status, response } = await ctap(client, 0x02, parameters);
  expect(status).toBe(0);
  const authData = Buffer.from(response?.get(2) as Uint8Array);
  expect(authData.subarray(0, 32)).toEqual(rpIdHash);
  const signed = Buffer.concat([authData, clientDataHash]);
  expect(verify("sha256", signed, publicKey, response?.get(3) as Uint8Array)).toBe(true);
  expect(asked).toEqual(["register example.com", "sign in example.com"]);
});

test("The same credential answers U2F, which polls until the touch is given", async () => {
  const client = await openChannel(await attachDevice(address));
  const registering = makeCredential(client);
  await vi.waitFor(() => expect(presence.waiting).toHaveLength(1));
  presence.answer(presence.waiting[0]?.id ?? 0, true);
  const { id, publicKey } = attestedCredential(Buffer.from((await registering).response?.get(2) as Uint8Array));

  const body = Buffer.concat([clientDataHash, rpIdHash, Buffer.of(id.length), id]);
  const authenticate = Buffer.concat([
    Buffer.of(0x00, 0x02, 0x03, 0x00, 0x00, 0x00, body.length),
    body,
    Buffer.alloc(2),
  ]);
  expect(Buffer.from(await client.msg(authenticate)).toString("hex")).toBe("6985");
  presence.answer(presence.waiting[0]?.id ?? 0, true);
  const answer = Buffer.from(await client.msg(authenticate));
  expect(answer.subarray(-2).toString("hex")).toBe("9000");
  const signed = Buffer.concat([rpIdHash, answer.subarray(0, 5), clientDataHash]);
  expect(verify("sha256", signed, publicKey, answer.subarray(5, -2))).toBe(true);
});

test("A refusal and a cancellation end a request, and the next one works", async () => {
  const client = await openChannel(await attachDevice(address));
  const cancelled = makeCredential(client);
  await vi.waitFor(() => expect(presence.waiting).toHaveLength(1));
  await client.cancel();
  expect((await cancelled).status).toBe(0x2d);
  expect(presence.waiting).toEqual([]);

  const refused = makeCredential(client);
  await vi.waitFor(() => expect(presence.waiting).toHaveLength(1));
  presence.answer(presence.waiting[0]?.id ?? 0, false);
  expect((await refused).status).toBe(0x27);

  answerAll(true);
  expect((await makeCredential(client)).status).toBe(0);
});

test("A host that leaves takes its questions along, and the key is free for the next", async () => {
  const device = await attachDevice(address);
  const left = makeCredential(await openChannel(device)).catch((error: unknown) => error);
  await vi.waitFor(() => expect(presence.waiting).toHaveLength(1));
  await device.detach();
  expect(await left).toBeInstanceOf(Error);
  await vi.waitFor(() => expect(presence.waiting).toEqual([]));

  answerAll(true);
  const next = await vi.waitFor(() => attachDevice(address));
  expect((await makeCredential(await openChannel(next))).status).toBe(0);
});
