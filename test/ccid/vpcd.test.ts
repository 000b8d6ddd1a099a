// The card in vsmartcard's reader, whose driver is played by a TCP server: a length of two bytes, and a control byte or an APDU.
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { toHex } from "../../src/bytes/hex.ts";
import { Slot } from "../../src/ccid/slot.ts";
import { VpcdClient } from "../../src/ccid/vpcd.ts";
import { createLogger } from "../../src/log.ts";
import { ScriptedCard } from "./rig.ts";

const [OFF, ON, RESET, ATR] = ["000100", "000101", "000102", "000104"];

let driver: Server;
let port: number;
let card: ScriptedCard;
let slot: Slot;
let client: VpcdClient | undefined;
let log: string[];

beforeEach(async () => {
  driver = createServer();
  driver.listen(0, "127.0.0.1");
  await once(driver, "listening");
  port = (driver.address() as { port: number }).port;
  card = new ScriptedCard();
  slot = new Slot(card);
  log = [];
});
afterEach(async () => {
  client?.close();
  client = undefined;
  driver.close();
});

function start(): VpcdClient {
  const logger = createLogger("debug", (line) => log.push(line.replace(/^\S+ /, "")));
  client = new VpcdClient({ host: "127.0.0.1", port, slot, log: logger });
  return client;
}

/** The driver's end of the next connection. */
async function accept() {
  const [socket] = (await once(driver, "connection")) as [Socket];
  let received = "";
  socket.on("data", (data) => {
    received += toHex(data);
  });
  socket.on("error", () => {});
  const write = (hex: string) => void socket.write(Buffer.from(hex, "hex"));
  const expectNext = async (hex: string) => {
    await vi.waitFor(() => expect(received.length).toBeGreaterThanOrEqual(hex.length), { interval: 2 });
    expect(received).toBe(hex);
    received = "";
  };
  return { socket, write, expectNext };
}

async function connected() {
  const accepted = accept();
  start();
  return accepted;
}

test("The driver is told the ATR, and APDUs are answered in order", async () => {
  const { write, expectNext } = await connected();
  write(ATR);
  await expectNext(`0015${toHex(slot.atr)}`);
  write(`${ON}000400010203`);
  await expectNext("0006000102039000");
  write("0004000102040005000102050a");
  await expectNext(`${"0006000102049000"}${"0007000102050a9000"}`);
  expect(log).toEqual([`info the card is in the vpcd reader at 127.0.0.1:${port}`]);
});

test("Power on, off and reset are obeyed and not answered", async () => {
  const { write, expectNext } = await connected();
  write(`${ON}${OFF}${OFF}${RESET}${ATR}`);
  await expectNext(`0015${toHex(slot.atr)}`);
  expect(card.resets).toBe(3);
});

test("An APDU to a card that was not switched on switches it on", async () => {
  const { write, expectNext } = await connected();
  write("000400010203");
  await expectNext("0006000102039000");
  expect(card.resets).toBe(1);
});

test("Messages cut at every byte arrive whole; what is none is ignored", async () => {
  const { write, expectNext } = await connected();
  for (const byte of Buffer.from(`${ON}00010300000004000102ff`, "hex")) {
    write(byte.toString(16).padStart(2, "0"));
    await new Promise(setImmediate);
  }
  await expectNext("0006000102ff9000");
});

test("A driver that goes takes the power along, cancels what is under way, and is looked for again", async () => {
  const first = await connected();
  first.write(`${ON}000400770000`);
  await vi.waitFor(() => expect(card.waiting).toHaveLength(1));
  const again = accept();
  first.socket.destroy();
  await vi.waitFor(() => expect(card.waiting[0]?.transport.signal.aborted).toBe(true));
  expect(card.resets).toBe(2);
  const second = await again;
  second.write(ATR);
  await second.expectNext(`0015${toHex(slot.atr)}`);
});

test("A driver that does not wait for its answers is hung up on, and what it sent is not kept", async () => {
  const { socket, write } = await connected();
  const hungUp = once(socket, "close", { signal: AbortSignal.timeout(5_000) });
  write(ON + "000400770000".repeat(1_000));
  await hungUp;
  expect(card.waiting).toHaveLength(16);
  expect(log.filter((line) => line.startsWith("warn"))).toEqual([
    `warn the vpcd reader at 127.0.0.1:${port} does not wait for its answers; connection closed`,
  ]);
});

test("Where nobody listens one sentence says so, once, and the key connects as soon as somebody does", async () => {
  driver.close();
  await once(driver, "close");
  start();
  await vi.waitFor(() => expect(log).toHaveLength(1));
  await new Promise((resolve) => setTimeout(resolve, 300)); // another attempt
  expect(log).toEqual([
    `warn no vpcd reader at 127.0.0.1:${port} (nobody listens there): start pcscd with vsmartcard's driver; the key goes on trying.`,
  ]);
  driver = createServer();
  const accepted = accept();
  driver.listen(port, "127.0.0.1");
  const { write, expectNext } = await accepted;
  write(ATR);
  await expectNext(`0015${toHex(slot.atr)}`);
});

test("An ejected card hangs up; inserted, it is back", async () => {
  const first = await connected();
  const hungUp = once(first.socket, "close");
  const again = accept();
  await vi.waitFor(() => expect(log).toHaveLength(1));
  slot.move("out");
  await hungUp;
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(log).toHaveLength(1);
  slot.move("in");
  await again;
});

test("Closed for good, it hangs up and does not come back", async () => {
  const { socket } = await connected();
  const hungUp = once(socket, "close");
  client?.close();
  await hungUp;
  slot.move("out");
  slot.move("in");
  expect(
    await new Promise<number>((resolve, reject) =>
      driver.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    ),
  ).toBe(0);
});
