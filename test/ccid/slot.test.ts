// One card, several readers: each has its own idea of the card's power, none of its own idea of whether it is there.
import { expect, test } from "vitest";
import { fromHex } from "../../src/bytes/hex.ts";
import { DEFAULT_ATR } from "../../src/ccid/atr.ts";
import { Slot } from "../../src/ccid/slot.ts";
import { ScriptedCard } from "./rig.ts";

const [ACTIVE, INACTIVE, ABSENT] = [0, 1, 2];

function createReader() {
  const reader = { moves: 0, cardMoved: () => void reader.moves++ };
  return reader;
}

function createSlot() {
  const card = new ScriptedCard();
  const slot = new Slot(card);
  const [first, second] = [createReader(), createReader()];
  slot.connect(first);
  slot.connect(second);
  return { card, slot, first, second };
}

test("Each reader switches the power on and off for itself, and the card forgets each time", () => {
  const { card, slot, first, second } = createSlot();
  expect(slot.powerOn(first)).toEqual(DEFAULT_ATR);
  expect([slot.status(first), slot.status(second)]).toEqual([ACTIVE, INACTIVE]);
  slot.powerOff(second);
  expect(card.resets).toBe(1);
  slot.powerOff(first);
  expect(card.resets).toBe(2);
  expect(slot.status(first)).toBe(INACTIVE);
});

test("A reader that has the card's power on resets it warm, one that has not resets it cold", () => {
  const { card, slot, first, second } = createSlot();
  slot.powerOn(first);
  slot.powerOn(second);
  expect(card.warmResets).toBe(0);
  slot.powerOn(first);
  expect([card.resets, card.warmResets]).toEqual([3, 1]);
  slot.powerOff(first);
  slot.powerOn(first);
  expect(card.warmResets).toBe(1);
});

test("Ejecting takes the card and its power from every reader, and tells them once", () => {
  const { card, slot, first, second } = createSlot();
  slot.powerOn(first);
  expect(slot.move("out")).toBe(true);
  expect([slot.status(first), slot.status(second)]).toEqual([ABSENT, ABSENT]);
  expect(slot.powerOn(first)).toBeUndefined();
  expect(card.resets).toBe(2);
  slot.move("in");
  expect([slot.status(first), slot.status(second)]).toEqual([INACTIVE, INACTIVE]);
  expect([first.moves, second.moves]).toEqual([2, 2]);
});

test("A reader that has gone is told nothing, and leaves no power on", () => {
  const { card, slot, first } = createSlot();
  slot.powerOn(first);
  slot.disconnect(first);
  expect(card.resets).toBe(2);
  slot.move("out");
  expect(first.moves).toBe(0);
});

test("The answer to reset can be another's", () => {
  const atr = fromHex("3bfd1300008131fe158073c021c057597562694b657940");
  const slot = new Slot(new ScriptedCard(), atr);
  expect(slot.powerOn(createReader())).toEqual(atr);
});
