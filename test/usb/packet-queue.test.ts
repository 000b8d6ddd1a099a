import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { PacketQueue, QUEUE_LIMIT, TransferAborted } from "../../src/usb/packet-queue.ts";

/** A signal of its own for each transfer, as a connection gives it. */
const never = () => new AbortController().signal;

/** What of the pulls has settled, in the order in which it did. */
function collect(queue: PacketQueue, count: number, length = 64): number[][] {
  const packets: number[][] = [];
  for (let index = 0; index < count; index++) {
    void queue.pull(length, never()).then((packet) => packets.push([...packet]));
  }
  return packets;
}

describe("A packet queue", () => {
  test("gives packets in the order they came, and waiting transfers in the order they asked", async () => {
    const queue = new PacketQueue();
    queue.push(Uint8Array.of(1));
    const first = queue.pull(64, never());
    const second = queue.pull(64, never());
    const third = queue.pull(64, never());
    queue.push(Uint8Array.of(2));
    queue.push(Uint8Array.of(3));
    expect(await Promise.all([first, second, third])).toEqual([1, 2, 3].map((n) => Uint8Array.of(n)));
    expect(queue.length).toBe(0);
  });

  test("leaves a transfer pending while it has nothing, without ever faking an empty one", async () => {
    const queue = new PacketQueue();
    const packets = collect(queue, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(packets).toEqual([]);
    queue.push(new Uint8Array(0));
    await Promise.resolve();
    expect(packets).toEqual([[]]);
  });

  test("splits a packet that is longer than the transfer, and loses none of it", async () => {
    const queue = new PacketQueue();
    queue.push(Uint8Array.of(1, 2, 3, 4, 5));
    queue.push(Uint8Array.of(6));
    const packets = collect(queue, 4, 2);
    await vi.waitFor(() => expect(packets).toEqual([[1, 2], [3, 4], [5], [6]]));
  });

  test("gives at once what nobody waits for, as much of it as is asked for, and nothing otherwise", async () => {
    const queue = new PacketQueue();
    expect(queue.pullNow(64)).toBeUndefined();
    queue.push(Uint8Array.of(1, 2, 3));
    expect(queue.pullNow(2)).toEqual(Uint8Array.of(1, 2));
    expect(await queue.pull(64, never())).toEqual(Uint8Array.of(3));
  });

  test("gives nothing at once that would overtake what a waiting transfer has just been given", async () => {
    const queue = new PacketQueue();
    const packets = collect(queue, 2);
    for (const n of [1, 2, 3]) queue.push(Uint8Array.of(n));
    expect(queue.pullNow(64)).toBeUndefined();
    void queue.pull(64, never()).then((packet) => packets.push([...packet]));
    await vi.waitFor(() => expect(packets).toEqual([[1], [2], [3]]));
    queue.push(Uint8Array.of(4));
    expect(queue.pullNow(64)).toEqual(Uint8Array.of(4));
  });

  test("rejects an aborted transfer, and gives its packet to the next", async () => {
    const queue = new PacketQueue();
    const controller = new AbortController();
    const aborted = queue.pull(64, controller.signal);
    const next = queue.pull(64, never());
    controller.abort();
    queue.push(Uint8Array.of(1));
    await expect(aborted).rejects.toThrow(TransferAborted);
    expect(await next).toEqual(Uint8Array.of(1));
  });

  test("keeps the packet when the signal had aborted before", async () => {
    const queue = new PacketQueue();
    queue.push(Uint8Array.of(1));
    await expect(queue.pull(64, AbortSignal.abort())).rejects.toThrow(TransferAborted);
    expect(await queue.pull(64, never())).toEqual(Uint8Array.of(1));
  });

  test("completes a transfer that got its packet, even if its signal aborts in the same moment", async () => {
    const queue = new PacketQueue();
    const controller = new AbortController();
    const pulled = queue.pull(64, controller.signal);
    queue.push(Uint8Array.of(1));
    controller.abort();
    expect(await pulled).toEqual(Uint8Array.of(1));
  });

  test("lets go of the signal once a transfer has settled, so that another may use it", async () => {
    const queue = new PacketQueue();
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, "removeEventListener");
    const add = vi.spyOn(signal, "addEventListener");
    const delivered = queue.pull(64, signal);
    queue.push(Uint8Array.of(1));
    await delivered;
    const failed = queue.pull(64, signal);
    queue.fail(new Error("halted"));
    await expect(failed).rejects.toThrow("halted");
    expect(add).toHaveBeenCalledTimes(2);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(add.mock.calls.map(([, listener]) => listener));
  });

  test("drops what it holds when cleared, and leaves waiting transfers waiting", async () => {
    const queue = new PacketQueue();
    queue.push(Uint8Array.of(1));
    queue.clear();
    const packets = collect(queue, 1);
    queue.clear();
    queue.push(Uint8Array.of(2));
    await vi.waitFor(() => expect(packets).toEqual([[2]]));
  });

  test("takes back the packets that match and have not left", async () => {
    const queue = new PacketQueue();
    for (const byte of [1, 2, 1, 3]) queue.push(Uint8Array.of(byte));
    queue.withdraw((packet) => packet[0] === 1);
    const packets = collect(queue, 2);
    await vi.waitFor(() => expect(packets).toEqual([[2], [3]]));
  });

  test("holds a bounded number of bytes for a host that does not read, and takes more once it has", async () => {
    const queue = new PacketQueue();
    const packet = new Uint8Array(QUEUE_LIMIT / 4);
    for (let count = 0; count < 4; count++) expect(queue.push(packet)).toBe(true);
    expect(queue.push(Uint8Array.of(1))).toBe(false);
    await queue.pull(10, never());
    expect(queue.push(Uint8Array.of(1))).toBe(true);
    queue.withdraw((each) => each === packet);
    expect(queue.push(packet)).toBe(true);
    queue.clear();
    expect(queue.push(new Uint8Array(QUEUE_LIMIT))).toBe(true);
  });
});

describe("A paced packet queue", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    vi.advanceTimersByTime(1_000);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const pacing = { burst: 3, intervalMs: 2 };

  function fill(queue: PacketQueue, count: number): number[][] {
    const packets = collect(queue, count);
    for (let index = 0; index < count; index++) queue.push(Uint8Array.of(index));
    return packets;
  }

  test("gives a burst at once and one packet an interval after it", async () => {
    const packets = fill(new PacketQueue(pacing), 6);
    await vi.advanceTimersByTimeAsync(0);
    expect(packets).toHaveLength(3);
    for (const expected of [4, 5, 6]) {
      await vi.advanceTimersByTimeAsync(1);
      expect(packets).toHaveLength(expected - 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(packets).toHaveLength(expected);
    }
    expect(packets).toEqual([0, 1, 2, 3, 4, 5].map((n) => [n]));
  });

  test("saves up no time: who comes late gets one packet, and the interval starts anew", async () => {
    const queue = new PacketQueue(pacing);
    fill(queue, 3);
    await vi.advanceTimersByTimeAsync(60_000);
    const packets = fill(queue, 3);
    await vi.advanceTimersByTimeAsync(0);
    expect(packets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(packets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(packets).toHaveLength(2);
  });

  test("waits again when its timer comes early", async () => {
    const clock = vi.spyOn(performance, "now");
    clock.mockReturnValue(5_000);
    const packets = fill(new PacketQueue(pacing), 5);
    clock.mockReturnValue(5_001.5);
    await vi.advanceTimersByTimeAsync(2);
    expect(packets).toHaveLength(3);
    clock.mockReturnValue(5_002);
    await vi.advanceTimersByTimeAsync(1);
    expect(packets).toHaveLength(4);
    clock.mockRestore();
  });

  test("gives the next burst at once when it is told that the host has read", async () => {
    const queue = new PacketQueue(pacing);
    fill(queue, 3);
    queue.refill();
    const packets = fill(queue, 4);
    await vi.advanceTimersByTimeAsync(0);
    expect(packets).toHaveLength(3);
  });

  test("does not give a packet that was cleared while it waited for its turn", async () => {
    const queue = new PacketQueue(pacing);
    const packets = fill(queue, 5);
    queue.clear();
    await vi.advanceTimersByTimeAsync(100);
    expect(packets).toEqual([[0], [1], [2]]);
    queue.push(Uint8Array.of(9));
    await vi.advanceTimersByTimeAsync(100);
    expect(packets.at(-1)).toEqual([9]);
  });

  test("gives nothing at once that pacing holds back", () => {
    const queue = new PacketQueue({ burst: 1, intervalMs: 10 });
    queue.push(Uint8Array.of(1));
    queue.push(Uint8Array.of(2));
    expect(queue.pullNow(64)).toEqual(Uint8Array.of(1));
    expect(queue.pullNow(64)).toBeUndefined();
    expect(queue.length).toBe(1);
  });

  test("lets a waiting transfer abort while pacing holds its packet back, and keeps the packet", async () => {
    const queue = new PacketQueue({ burst: 1, intervalMs: 10 });
    fill(queue, 1);
    const controller = new AbortController();
    const aborted = queue.pull(64, controller.signal);
    queue.push(Uint8Array.of(7));
    controller.abort();
    await expect(aborted).rejects.toThrow(TransferAborted);
    const packets = collect(queue, 1);
    await vi.advanceTimersByTimeAsync(10);
    expect(packets).toEqual([[7]]);
  });
});
