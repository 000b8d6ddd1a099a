// The interface as USB sees it: descriptors, control requests, reports, and the pace of long replies.
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MESSAGE_TIMEOUT_MS } from "../../src/ctaphid/assembler.ts";
import { silentLogger } from "../../src/log.ts";
import { UsbStall } from "../../src/usb/endpoint.ts";
import { QUEUE_LIMIT } from "../../src/usb/packet-queue.ts";
import { BROADCAST, Command, cut } from "../support/ctaphid-client.ts";
import { createInterface, NONCE, NOTHING, Rig, ScriptedHandler } from "./rig.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the descriptors", () => {
  test("are an interface of class HID with an interrupt endpoint each way, 64 bytes every millisecond", () => {
    expect(Buffer.from(new Rig().interface.descriptors).toString("hex")).toBe(
      [
        "0904 02 00 02 03 00 00 00", // interface 2, two endpoints, HID without boot protocol
        "0921 1101 00 01 22 2200", // HID 1.11, one report descriptor of 34 bytes
        "0705 85 03 4000 04", // IN 5: interrupt, 64 bytes, 2^3 microframes
        "0705 05 03 4000 04", // OUT 5
      ]
        .join("")
        .replaceAll(" ", ""),
    );
  });

  test("lead to a report descriptor with the FIDO usage page and 64 bytes each way", () => {
    const setup = { bmRequestType: 0x81, bRequest: 6, wValue: 0x2200, wIndex: 2, wLength: 255 };
    const report = Buffer.from(new Rig().interface.control(setup, NOTHING)).toString("hex");
    expect(report).toBe("06d0f10901a101" + "0920150026ff00750895408102" + "0921150026ff00750895409102" + "c0");
  });
});

describe("SET_REPORT", () => {
  const setup = { bmRequestType: 0x21, bRequest: 9, wValue: 0x0200, wIndex: 2, wLength: 64 };

  test("is another way to send an output report", async () => {
    const rig = new Rig();
    const report = Buffer.alloc(64);
    report.set([0xff, 0xff, 0xff, 0xff, 0x86, 0, 8, ...NONCE]);
    expect(rig.interface.control(setup, report)).toHaveLength(0);
    expect(await rig.after(0)).toMatchObject([{ channel: BROADCAST, command: Command.INIT }]);
  });

  test("stalls for any other kind of report, and GET_REPORT always", () => {
    const rig = new Rig();
    expect(() => rig.interface.control({ ...setup, wValue: 0x0300 }, new Uint8Array(64))).toThrow(UsbStall);
    expect(() => rig.interface.control({ ...setup, bmRequestType: 0xa1, bRequest: 1 }, NOTHING)).toThrow(UsbStall);
  });
});

test("transfers of any other length than 64 bytes are no packets, and ignored", async () => {
  const rig = new Rig();
  for (const length of [0, 1, 63, 65, 128, 4096]) rig.put(new Uint8Array(length).fill(0xff));
  expect(await rig.after(1000)).toEqual([]);
});

describe("a reply", () => {
  /** How many reports have left at once, and after some milliseconds each. */
  async function departures(rig: Rig, times: readonly number[]): Promise<number[]> {
    const counts = [];
    for (const ms of times) counts.push((await rig.reportsAfter(ms)).length);
    return counts;
  }

  test("of 40 packets leaves at once, and another one after it too", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    for (let round = 0; round < 5; round++) {
      rig.send(channel, Command.PING, new Uint8Array(57 + 39 * 59));
      expect(await departures(rig, [0, 100])).toEqual([40, 0]);
    }
  });

  test("of 57 bytes never waits, however many are asked for", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    for (let round = 0; round < 200; round++) {
      rig.send(channel, Command.PING, new Uint8Array(57));
      expect(await departures(rig, [0])).toEqual([1]);
    }
  });

  test("of 129 packets sends 40 at once and the rest one every 5 ms: hidraw keeps 63, and may be read late", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    rig.send(channel, Command.PING, new Uint8Array(7609));
    const [burst, ...paced] = await departures(rig, [0, ...Array.from({ length: 30 }, () => 15)]);
    expect(burst).toBe(40);
    expect(Math.max(...paced)).toBeLessThanOrEqual(3);
    expect(paced.reduce((sum, count) => sum + count, 0)).toBe(89);
  });

  test("of another channel queues behind a long one and keeps its pace", async () => {
    const rig = new Rig();
    const [a, b] = [await rig.open(), await rig.open()];
    rig.send(a, Command.PING, new Uint8Array(7609));
    rig.send(b, Command.PING, new Uint8Array(1000));
    expect(await departures(rig, [0, 30])).toEqual([40, 6]);
    expect((await rig.reportsAfter(1000)).at(-1)?.subarray(0, 5)).toEqual(Uint8Array.of(10, 11, 12, 2, 15));
  });

  test("is dropped by a reset, and the next one leaves at once", async () => {
    const rig = new Rig();
    rig.send(await rig.open(), Command.PING, new Uint8Array(7609));
    expect(await departures(rig, [0])).toEqual([40]);
    rig.interface.reset();
    rig.send(await rig.open(), Command.PING, new Uint8Array(1000));
    expect(await departures(rig, [0, 1000])).toEqual([17, 0]);
  });

  test("is taken back when its channel starts over", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    rig.send(channel, Command.PING, new Uint8Array(7609));
    expect(await departures(rig, [0])).toEqual([40]);
    rig.send(channel, Command.INIT, NONCE);
    const reports = await rig.reportsAfter(500);
    expect(reports.map((report) => report[4])).toEqual([0x80 | Command.INIT]);
  });
});

test("a host that sends and never reads costs a bounded amount of memory, and is warned of once a message", () => {
  const warnings: string[] = [];
  const { endpoints } = createInterface({}, { ...silentLogger, warn: (message) => warnings.push(message) });
  const [input, output] = endpoints;
  for (const report of cut({ channel: BROADCAST, command: Command.INIT, data: NONCE })) output.receive(report);
  const ping = cut({ channel: 0x0a0b_0c01, command: Command.PING, data: new Uint8Array(7609) });
  for (let round = 0; round < 200; round++) for (const report of ping) output.receive(report);
  expect(input.queue.length * 64).toBeLessThanOrEqual(QUEUE_LIMIT);
  expect(warnings).toHaveLength(200 - Math.floor((QUEUE_LIMIT / 64 - 1) / 129));
});

describe("whatever the host sends", () => {
  const raw = fc.uint8Array({ minLength: 0, maxLength: 70 });
  /** Reports that are likely to get somewhere: channels that exist, commands that exist, lengths of all kinds. */
  const plausible = fc
    .record({
      channel: fc.constantFrom(BROADCAST, 0, 0x0a0b_0c01, 0x0a0b_0c02, 0x0a0b_0c03),
      mark: fc.oneof(
        fc.constantFrom(...Object.values(Command).map((command) => 0x80 | command), 0x80 | 0x42),
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: 0xff }),
      ),
      length: fc.oneof(fc.constantFrom(0, 1, 8, 57, 58, 200, 7609, 7610), fc.integer({ min: 0, max: 0xffff })),
      body: fc.uint8Array({ minLength: 57, maxLength: 57 }),
    })
    .map(({ channel, mark, length, body }) => {
      const report = Buffer.alloc(64);
      report.writeUInt32BE(channel, 0);
      report.writeUInt8(mark, 4);
      report.writeUInt16BE(length, 5);
      report.set(body, 7);
      return report;
    });
  const step = fc.oneof(
    { weight: 8, arbitrary: plausible.map((report) => ({ report, ms: 0 })) },
    { weight: 2, arbitrary: raw.map((report) => ({ report, ms: 0 })) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 1000 }).map((ms) => ({ report: NOTHING, ms })) },
  );

  test("nothing throws, and afterwards INIT and PING work", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const handler = new ScriptedHandler();
        const rig = new Rig({ cbor: handler.handle, vendor: new Map([[0x42, handler.handle]]) });
        for (const { report, ms } of steps) {
          rig.put(report);
          if (ms > 0) await rig.reportsAfter(ms);
        }
        await rig.reportsAfter(0);
        for (const call of handler.calls) call.answer(Buffer.of(0));
        await rig.reportsAfter(MESSAGE_TIMEOUT_MS + 10_000);
        for (const call of handler.calls) call.answer(Buffer.of(0));
        await rig.reportsAfter(1000);
        const channel = await rig.open();
        expect(await rig.exchange(channel, Command.PING, NONCE)).toEqual([
          { channel, command: Command.PING, data: Buffer.from(NONCE) },
        ]);
        expect(rig.log.filter((line) => / error /.test(line))).toEqual([]);
        expect(vi.getTimerCount()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
