// A card that takes its time: bStatus 80 until it answers. CCID 1.1 §6.2.6
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answer, command, Rig, SLOT_STATUS, XFR_BLOCK } from "./rig.ts";

const DATA_BLOCK = 0x80;
const MORE_TIME = answer(DATA_BLOCK, "800100", { seq: 5 });

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => void vi.useRealTimers());

async function waitingRig(options?: { isReading: boolean }): Promise<Rig> {
  const rig = new Rig(options);
  rig.put(command(0x62));
  await rig.answers();
  rig.put(command(XFR_BLOCK, { seq: 5, data: "00770000" }));
  return rig;
}

test("More time is asked for every half second, and not before, until the card answers", async () => {
  const rig = await waitingRig();
  await vi.advanceTimersByTimeAsync(499);
  expect(await rig.answers()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await rig.answers()).toEqual([MORE_TIME]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await rig.answers()).toEqual([MORE_TIME, MORE_TIME]);
  rig.card.waiting[0]?.answer("9000");
  expect(await rig.answers()).toEqual([answer(DATA_BLOCK, "000000", { seq: 5, data: "9000" })]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await rig.answers()).toEqual([]);
});

test("Each APDU has half a second of its own, however soon it follows another", async () => {
  const rig = await waitingRig();
  await vi.advanceTimersByTimeAsync(400);
  rig.card.waiting[0]?.answer("9000");
  await rig.answers();
  rig.put(command(XFR_BLOCK, { seq: 5, data: "00770000" }));
  await vi.advanceTimersByTimeAsync(499);
  expect(await rig.answers()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await rig.answers()).toEqual([MORE_TIME]);
});

test("An APDU that is aborted, or whose card leaves, asks for no more", async () => {
  const rig = await waitingRig();
  rig.abort(0, 6);
  rig.put(command(0x72, { seq: 6 }));
  await rig.answers();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await rig.answers()).toEqual([]);

  rig.put(command(XFR_BLOCK, { seq: 7, data: "00770000" }));
  rig.slot.move("out");
  expect(await rig.answers()).toEqual([answer(DATA_BLOCK, "42fe00", { seq: 7 })]);
  expect(rig.card.waiting[1]?.transport.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await rig.answers()).toEqual([]);
});

test("A host that reads late finds one of them, not all", async () => {
  const rig = await waitingRig({ isReading: false });
  const queue = rig.interface.endpoints[1].queue;
  await queue.pull(64, new AbortController().signal); // the ATR
  await vi.advanceTimersByTimeAsync(1_600);
  expect(queue.length).toBe(1);
});

test("A host that reads none for two seconds has gone: what it asked for is cancelled", async () => {
  const rig = await waitingRig({ isReading: false });
  await rig.interface.endpoints[1].queue.pull(64, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(2_499);
  expect(rig.card.waiting[0]?.transport.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(rig.card.waiting[0]?.transport.signal.aborted).toBe(true);
});

test("The slot is free again afterwards", async () => {
  const rig = await waitingRig();
  await vi.advanceTimersByTimeAsync(600);
  rig.card.waiting[0]?.answer("9000");
  await rig.answers();
  expect(await rig.exchange(SLOT_STATUS)).toBe(answer(0x81, "000000"));
});
