import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { measure } from "./measure.ts";

test("a measurement times every round after the warm-up, and orders what it tells", async () => {
  let rounds = 0;
  const run = async () => {
    rounds++;
    for (const end = performance.now() + 1; performance.now() < end; ) await nextTurn(); // a timer of 1 ms may come early
    return () => {};
  };
  const { min, p50, p95, ...rest } = await measure({ name: "wait", run }, 10);
  expect(rest).toEqual({ name: "wait", rounds: 10 });
  expect(rounds).toBe(20);
  expect(min).toBeGreaterThan(990);
  expect(p50).toBeGreaterThanOrEqual(min);
  expect(p95).toBeGreaterThanOrEqual(p50);
});

test("a case may ask for fewer rounds than usual, not for more", async () => {
  const run = async () => () => {};
  expect((await measure({ name: "few", rounds: 3, run }, 10)).rounds).toBe(3);
  expect((await measure({ name: "many", rounds: 30, run }, 10)).rounds).toBe(10);
});

test("a wrong answer ends the measurement: no figure stands for work that was not done", async () => {
  let rounds = 0;
  const run = async () => () => {
    if (++rounds === 15) throw new Error("wrong");
  };
  await expect(measure({ name: "wrong", run }, 10)).rejects.toThrow("wrong");
});
