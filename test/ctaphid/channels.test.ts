import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { Channels, MAX_CHANNELS } from "../../src/ctaphid/channels.ts";

function channelsDrawing(...ids: number[]): Channels {
  return new Channels((length) => {
    expect(length).toBe(4);
    const id = ids.shift();
    if (id === undefined) throw new Error("no more random numbers");
    return encodeU32be(id);
  });
}

function counting(): Channels {
  let id = 0;
  return new Channels(() => encodeU32be(++id));
}

describe("CTAPHID channels", () => {
  test("are never the reserved one, the broadcast one, or one that is taken", () => {
    const channels = channelsDrawing(0, 0xffff_ffff, 7, 7, 0, 8);
    expect(channels.allocate()).toBe(7);
    expect(channels.allocate()).toBe(8);
  });

  test("can be used once they are allocated, and not before", () => {
    const channels = channelsDrawing(7);
    expect(channels.use(7)).toBe(false);
    channels.allocate();
    expect(channels.use(7)).toBe(true);
    expect(channels.use(8)).toBe(false);
    channels.clear();
    expect(channels.use(7)).toBe(false);
  });

  test("are bounded in number: the least recently used is forgotten", () => {
    const channels = counting();
    for (let count = 0; count < MAX_CHANNELS; count++) channels.allocate();
    expect(channels.use(1)).toBe(true);
    channels.allocate();
    expect([1, 2, 3].map((channel) => channels.use(channel))).toEqual([true, false, true]);
    for (let count = 0; count < 3 * MAX_CHANNELS; count++) channels.allocate();
    expect(channels.use(1)).toBe(false);
    expect(channels.use(4 * MAX_CHANNELS + 1)).toBe(true);
  });
});

describe("the channel lock", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("keeps the others out, for as long as it was asked for", () => {
    const channels = counting();
    channels.lock(1, 2);
    expect(channels.isLockedOut(1)).toBe(false);
    vi.advanceTimersByTime(1999);
    expect(channels.isLockedOut(2)).toBe(true);
    vi.advanceTimersByTime(1);
    expect(channels.isLockedOut(2)).toBe(false);
  });

  test("ends with 0 seconds, and with a reset", () => {
    const channels = counting();
    channels.lock(1, 10);
    channels.lock(1, 0);
    expect(channels.isLockedOut(2)).toBe(false);
    channels.lock(1, 10);
    channels.clear();
    expect(channels.isLockedOut(2)).toBe(false);
  });
});
