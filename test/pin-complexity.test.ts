import { expect, test } from "vitest";
import { isProgression, isRepetition } from "../src/pin-complexity.ts";

const codePoints = (text: string) => Array.from(text, (character) => character.codePointAt(0) ?? 0);

test.each(["0000", "1234", "dcba", "11", "7"])("%s repeats a character or steps by one", (pin) => {
  expect(isProgression(codePoints(pin))).toBe(true);
});

test.each(["1357", "1235", "0001", "4312"])("%s does neither", (pin) => {
  expect(isProgression(codePoints(pin))).toBe(false);
});

test.each(["1212", "abcabc", "0000", "123412341234"])("%s repeats a part of itself", (pin) => {
  expect(isRepetition(codePoints(pin))).toBe(true);
});

test.each(["12121", "abcab", "1221", "1234", "7"])("%s repeats none", (pin) => {
  expect(isRepetition(codePoints(pin))).toBe(false);
});
