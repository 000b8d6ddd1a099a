// Keys as reports, at their pace, and nothing left for who looks later.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { toHex } from "../../src/bytes/hex.ts";
import { Typist } from "../../src/keyboard/typist.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const never = new AbortController().signal;
const released = "0000000000000000";

/** Reads as a host does: one transfer after the other. */
function readAll(typist: Typist): { reports: string[]; times: number[] } {
  const seen = { reports: [] as string[], times: [] as number[] };
  const next = () =>
    void typist.queue.pull(8, never).then((report) => {
      seen.reports.push(toHex(report));
      seen.times.push(performance.now());
      next();
    });
  next();
  return seen;
}

describe("Keys", () => {
  test("are pressed and released, with Shift where the code says so", async () => {
    const typist = new Typist();
    const { reports } = readAll(typist);
    const typing = typist.type([0x04, 0x84, 0x28], 0);
    await vi.advanceTimersByTimeAsync(100);
    expect(await typing).toBe("typed");
    expect(reports).toEqual(["0000040000000000", released, "0200040000000000", released, "0000280000000000", released]);
  });

  test.each([
    [0, 5],
    [10, 10],
    [20, 15],
  ])("with a pacing of %i ms come %i ms apart", async (pacing, apart) => {
    const typist = new Typist();
    const { times } = readAll(typist);
    void typist.type([4, 5, 6, 7], pacing);
    await vi.advanceTimersByTimeAsync(500);
    expect(times).toHaveLength(8);
    const first = times[0] as number;
    for (const [index, time] of times.entries()) expect(time - first).toBeCloseTo(index * apart, 0);
  });

  test("are not typed while others are", async () => {
    const typist = new Typist();
    const { reports } = readAll(typist);
    const first = typist.type([4], 0);
    expect(await typist.type([5], 0)).toBe("busy");
    await vi.advanceTimersByTimeAsync(100);
    expect(await first).toBe("typed");
    expect(reports).toHaveLength(2);
  });

  test("that nobody reads for a second are never typed, but no key stays pressed", async () => {
    const typist = new Typist();
    const typing = typist.type([4, 5, 6], 0);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(await typing).toBe("unread");
    const { reports } = readAll(typist);
    await vi.advanceTimersByTimeAsync(100);
    expect(reports).toEqual([released]);
  });

  test("are gone when the host goes", async () => {
    const typist = new Typist();
    const typing = typist.type([4, 5, 6], 0);
    typist.reset();
    expect(await typing).toBe("unread");
    const { reports } = readAll(typist);
    await vi.advanceTimersByTimeAsync(100);
    expect(reports).toEqual([]);
  });
});
