// While the card makes an RSA key of 4,096 bits, the FIDO side of the key answers as before: a CTAPHID_PING takes at most
// 5 ms longer.
import { afterAll, beforeAll, expect, test } from "vitest";
import { MemoryKeyStore } from "../../keystore/memory-keystore.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { autoPresence } from "../../src/presence/auto.ts";
import { createSecurityKey } from "../../src/security-key.ts";
import { UsbIpServer } from "../../src/usbip/server.ts";
import { attachDevice, openChannel } from "../support/attached-key.ts";
import { CcidClient } from "../support/ccid-client.ts";
import type { CtapHidClient } from "../support/ctaphid-client.ts";
import { idlePings, median, pingMs } from "../support/ping-latency.ts";

const MOST_MORE_MS = 5;
const SELECT = "00a4040006d27600012401";
const VERIFY_PW3 = "00200083083132333435363738";
const RSA_4096 = "00da00c106011000002000";
const GENERATE = "0047800002b60000";

const server = new UsbIpServer();
let reader: CcidClient;
let channel: CtapHidClient;

beforeAll(async () => {
  server.export(await createSecurityKey({ store: new MemoryKeyStore(), presence: autoPresence }));
  const { address: host, port } = await server.listen({ port: 0 });
  const attached = await attachDevice({ host, port });
  reader = await CcidClient.open(attached);
  channel = await openChannel(attached);
  await reader.powerOn();
  for (const command of [SELECT, VERIFY_PW3, RSA_4096])
    expect(toHex(await reader.transmit(fromHex(command)))).toBe("9000");
});
afterAll(() => server.close());

test("A PING while the card makes an RSA key of 4,096 bits takes at most 5 ms longer", async () => {
  const idle = await idlePings(channel);
  let isDone = false;
  const generated = reader.transmit(fromHex(GENERATE)).finally(() => {
    isDone = true;
  });
  const busy: number[] = [];
  while (!isDone) busy.push(await pingMs(channel));
  expect(toHex(await generated)).toMatch(/^7f49/);
  expect(busy.length).toBeGreaterThan(20);
  expect(median(busy)).toBeLessThan(median(idle) + MOST_MORE_MS);
});
