// ABORT comes twice, as a class request and as a bulk message, in either order and with the same bSeq. CCID 1.1 §5.3.1, §6.1.13
import { expect, test } from "vitest";
import { UsbStall } from "../../src/usb/endpoint.ts";
import { ABORT, answer, command, Rig, SLOT_STATUS, XFR_BLOCK } from "./rig.ts";

const DATA_BLOCK = 0x80;
const STATUS = 0x81;

async function waitingRig(): Promise<Rig> {
  const rig = new Rig();
  await rig.powerOn();
  rig.put(command(XFR_BLOCK, { seq: 5, data: "00770000" }));
  expect(await rig.answers()).toEqual([]);
  return rig;
}

test("Request first, message second: the APDU under way is cancelled and never answered", async () => {
  const rig = await waitingRig();
  rig.abort(0, 6);
  expect(await rig.answers()).toEqual([]);
  rig.put(command(ABORT, { seq: 6 }));
  expect(await rig.answers()).toEqual([answer(STATUS, "000000", { seq: 6 })]);
  expect(rig.card.waiting[0]?.transport.signal.aborted).toBe(true);
  expect(await rig.exchange(XFR_BLOCK, { seq: 7, data: "00010000" })).toBe(
    answer(DATA_BLOCK, "000000", { seq: 7, data: "000100009000" }),
  );
});

test("Message first, request second: the message is answered when both are there", async () => {
  const rig = await waitingRig();
  rig.put(command(ABORT, { seq: 6 }));
  expect(await rig.answers()).toEqual([]);
  rig.abort(0, 6);
  expect(await rig.answers()).toEqual([answer(STATUS, "000000", { seq: 6 })]);
  expect(rig.card.waiting[0]?.transport.signal.aborted).toBe(true);
});

test("Between the two, every other command fails as aborted", async () => {
  const rig = await waitingRig();
  rig.abort(0, 6);
  expect(await rig.exchange(SLOT_STATUS, { seq: 8 })).toBe(answer(STATUS, "40ff00", { seq: 8 }));
  expect(await rig.exchange(ABORT, { seq: 9 })).toBe(answer(STATUS, "40ff00", { seq: 9 }));
  expect(await rig.exchange(ABORT, { seq: 6 })).toBe(answer(STATUS, "000000", { seq: 6 }));
  expect(await rig.exchange(SLOT_STATUS, { seq: 10 })).toBe(answer(STATUS, "000000", { seq: 10 }));
});

test("A message with the bSeq of no request fails once the request is there, and the right one is still awaited", async () => {
  const rig = await waitingRig();
  rig.put(command(ABORT, { seq: 1 }));
  rig.abort(0, 6);
  expect(await rig.answers()).toEqual([answer(STATUS, "40ff00", { seq: 1 })]);
  expect(rig.card.waiting[0]?.transport.signal.aborted).toBe(false);
  expect(await rig.exchange(ABORT, { seq: 6 })).toBe(answer(STATUS, "000000", { seq: 6 }));
});

test("With nothing under way it is answered just so", async () => {
  const rig = new Rig();
  rig.abort(0, 1);
  expect(await rig.exchange(ABORT, { seq: 1 })).toBe(answer(STATUS, "010001", { seq: 1 }));
});

test("A request for another slot stalls, and a new attach forgets half an abort", async () => {
  const rig = await waitingRig();
  expect(() => rig.abort(1, 6)).toThrow(UsbStall);
  rig.abort(0, 6);
  rig.interface.reset();
  expect(await rig.exchange(SLOT_STATUS)).toBe(answer(STATUS, "010001"));
});
