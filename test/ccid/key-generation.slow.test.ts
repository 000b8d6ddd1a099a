// The card does not block the FIDO side: while it generates an RSA key of 4,096 bits, beside the event loop, a CTAPHID_PING
// takes at most 5 ms longer. The card here is one that does nothing else.
import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CcidInterface } from "../../src/ccid/interface.ts";
import { type Card, Slot } from "../../src/ccid/slot.ts";
import { silentLogger } from "../../src/log.ts";
import { CompositeDevice } from "../../src/usb/device.ts";
import { UsbIpServer } from "../../src/usbip/server.ts";
import { createInterface } from "../ctaphid/rig.ts";
import { attachDevice } from "../support/attached-key.ts";
import { CcidClient } from "../support/ccid-client.ts";
import { CtapHidClient } from "../support/ctaphid-client.ts";
import { idlePings, median, pingMs } from "../support/ping-latency.ts";

const MOST_MORE_MS = 5;

let isGenerating = false;
const card: Card = {
  reset() {},
  async exchange() {
    isGenerating = true;
    await promisify(generateKeyPair)("rsa", { modulusLength: 4096 });
    isGenerating = false;
    return Uint8Array.of(0x90, 0x00);
  },
};
const server = new UsbIpServer();
let reader: CcidClient;
let channel: CtapHidClient;

beforeAll(async () => {
  const device = new CompositeDevice({
    idVendor: 0x1209,
    idProduct: 0x0001,
    bcdDevice: 0x0100,
    manufacturer: "Latchkey",
    product: "Slow card",
    interfaces: [
      createInterface({}, silentLogger, { interfaceNumber: 0, endpoint: 1 }),
      new CcidInterface({ slot: new Slot(card), log: silentLogger, interfaceNumber: 1, endpoint: 2, iInterface: 0 }),
    ],
  });
  server.export(device);
  const { address: host, port } = await server.listen({ port: 0 });
  const attached = await attachDevice({ host, port });
  reader = await CcidClient.open(attached);
  channel = await CtapHidClient.open({
    send: async (report) => void (await attached.transferOut(1, report)),
    receive: () => attached.transferIn(1, 64),
  });
});
afterAll(() => server.close());

test("A PING while a key is generated takes at most 5 ms longer", async () => {
  await reader.powerOn();
  const idle = await idlePings(channel);
  const busy: number[] = [];
  while (busy.length < 100) {
    const generated = reader.transmit(Uint8Array.of(0x00, 0x47, 0x80, 0x00));
    while (busy.length < 300 && (isGenerating || busy.length === 0)) busy.push(await pingMs(channel));
    await generated;
  }
  expect(median(busy)).toBeLessThan(median(idle) + MOST_MORE_MS);
});
