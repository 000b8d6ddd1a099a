// Messages over bulk transfers, however the host's driver cuts them, and what is no message at all. CCID 1.1 §6.1
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { answer, command, Rig, SLOT_STATUS, XFR_BLOCK } from "./rig.ts";

const DATA_BLOCK = 0x80;
const STATUS = 0x81;

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

async function poweredRig(): Promise<Rig> {
  const rig = new Rig();
  await rig.powerOn();
  return rig;
}

test("A message cut in two at any byte is one message", async () => {
  const rig = await poweredRig();
  const message = command(XFR_BLOCK, { data: "00a4040006a00000000101" });
  const whole = answer(DATA_BLOCK, "000000", { data: "00a4040006a000000001019000" });
  for (let cut = 1; cut < message.length; cut++) {
    rig.put(message.slice(0, cut));
    expect(await rig.answers()).toEqual([]);
    rig.put(message.slice(cut));
    expect(await rig.answers()).toEqual([whole]);
  }
});

test("A message in transfers of one byte, and the longest one in packets, arrive whole", async () => {
  const rig = await poweredRig();
  for (const byte of command(XFR_BLOCK, { data: "00010203" })) rig.put(Uint8Array.of(byte));
  expect(await rig.answers()).toEqual([answer(DATA_BLOCK, "000000", { data: "000102039000" })]);
  const data = "0001".padEnd(8192, "5a");
  const long = command(XFR_BLOCK, { data });
  for (let at = 0; at < long.length; at += 512) rig.put(long.slice(at, at + 512));
  expect(rig.card.commands.at(-1)).toBe(data);
});

test("The answer to a host that reads in packets comes in packets", async () => {
  const rig = new Rig({ isReading: false });
  rig.put(command(0x62));
  const { queue } = rig.interface.endpoints[1];
  const { signal } = new AbortController();
  const parts = [await queue.pull(10, signal), await queue.pull(512, signal)];
  expect(toHex(concat(...parts))).toBe(answer(DATA_BLOCK, "000000", { data: toHex(rig.slot.atr) }));
});

test("A dwLength above what a message may have is refused, and the rest of its transfer is skipped", async () => {
  const rig = await poweredRig();
  const refused = answer(DATA_BLOCK, "400100");
  for (const length of [4097, 65_536, 0xffff_ffff]) {
    const lying = command(XFR_BLOCK, { length, data: "00".repeat(502) });
    expect(lying.length).toBe(512);
    rig.put(lying);
    expect(await rig.answers()).toEqual([refused]);
    rig.put(new Uint8Array(512).fill(0x65));
    rig.put(new Uint8Array(100).fill(0x65));
    expect(await rig.answers()).toEqual([]);
    expect(await rig.exchange(SLOT_STATUS)).toBe(answer(STATUS, "000000"));
    rig.put(command(XFR_BLOCK, { length, data: "00" }));
    expect(await rig.answers()).toEqual([refused]);
    expect(await rig.exchange(SLOT_STATUS)).toBe(answer(STATUS, "000000"));
  }
});

test("A dwLength that is too short is refused: a transfer holds one message", async () => {
  const rig = await poweredRig();
  rig.put(command(XFR_BLOCK, { length: 3, data: "00a40400" }));
  expect(await rig.answers()).toEqual([answer(DATA_BLOCK, "400100")]);
  rig.put(concat(command(SLOT_STATUS), command(SLOT_STATUS, { seq: 2 })));
  expect(await rig.answers()).toEqual([answer(STATUS, "400100")]);
  expect(rig.card.commands).toEqual([]);
});

test("A dwLength that is too long waits for the rest, but not for ever: who begins anew after a second is heard", async () => {
  const rig = await poweredRig();
  rig.put(command(XFR_BLOCK, { seq: 4, length: 40, data: "00a40400" }));
  vi.advanceTimersByTime(1_000);
  rig.put(fromHex("5a"));
  expect(await rig.answers()).toEqual([]);
  vi.advanceTimersByTime(1_001);
  rig.put(command(SLOT_STATUS, { seq: 5 }));
  expect(await rig.answers()).toEqual([answer(DATA_BLOCK, "400100", { seq: 4 }), answer(STATUS, "000000", { seq: 5 })]);
  // Half a header cannot be answered.
  rig.put(fromHex("6f0000"));
  vi.advanceTimersByTime(1_001);
  expect(await rig.exchange(SLOT_STATUS)).toBe(answer(STATUS, "000000"));
});

test("A lying length of a slot that does not exist says so", async () => {
  const rig = await poweredRig();
  rig.put(command(XFR_BLOCK, { slot: 2, length: 9999, data: "00" }));
  expect(await rig.answers()).toEqual([answer(DATA_BLOCK, "420500", { slot: 2 })]);
});

test("A new attach begins with the next byte", async () => {
  const rig = await poweredRig();
  rig.put(command(XFR_BLOCK, { length: 40, data: "00a40400" }));
  rig.interface.reset();
  expect(await rig.exchange(SLOT_STATUS)).toBe(answer(STATUS, "010001"));
});

test("Random bytes get well-formed answers at most, and the reader works afterwards", async () => {
  const transfers = fc.array(fc.uint8Array({ minLength: 1, maxLength: 600 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(transfers, async (list) => {
      const rig = new Rig();
      for (const transfer of list) rig.put(transfer);
      for (const each of await rig.answers()) expect(isWellFormed(each)).toBe(true);
      vi.advanceTimersByTime(2_000);
      rig.put(command(SLOT_STATUS, { seq: 77 }));
      const last = (await rig.answers()).at(-1);
      expect(last).toMatch(/^8100000000004d/);
      expect(rig.log.filter((line) => /Z (error|warn) /.test(line))).toEqual([]);
    }),
  );
});

test("Random messages with right lengths are each answered once, in order, with their own bSlot and bSeq", async () => {
  const messages = fc.array(
    fc.record({
      type: fc.integer({ min: 0x60, max: 0x75 }),
      slot: fc.constantFrom(0, 0, 0, 1),
      specific: fc.uint8Array({ minLength: 3, maxLength: 3 }),
      data: fc.uint8Array({ maxLength: 40 }),
    }),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(messages, async (list) => {
      const rig = await poweredRig();
      for (const [seq, { type, slot, specific, data }] of list.entries()) {
        if (type === 0x72 || data[1] === 0x77) continue; // an abort, and what takes its time, are answered later
        const reply = await rig.exchange(type, { slot, seq, specific: toHex(specific), data: toHex(data) });
        expect(isWellFormed(reply)).toBe(true);
        expect(reply.slice(10, 14)).toBe(toHex(Uint8Array.of(slot, seq)));
      }
    }),
  );
});

/** A type of §6.2, a length that is right, a status that exists. */
function isWellFormed(hex: string): boolean {
  const bytes = Buffer.from(hex, "hex");
  const [type = 0, , , , , , , status = 0xff] = bytes;
  return (
    type >= 0x80 && type <= 0x84 && bytes.readUInt32LE(1) === bytes.length - 10 && (status & 0x3f) < 3 && status < 0xc0
  );
}
