// A request that waits: CTAPHID_KEEPALIVE and CTAPHID_CANCEL.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BROADCAST, Command, cut, parseInitReply } from "../support/ctaphid-client.ts";
import { createInterface, error, keepalive, NONCE, NOTHING, Rig, ScriptedHandler } from "./rig.ts";

const PROCESSING = 1;
const UPNEEDED = 2;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function requested(command: number = Command.CBOR) {
  const handler = new ScriptedHandler();
  const rig = new Rig({ cbor: handler.handle, msg: handler.handle, vendor: new Map([[0x42, handler.handle]]) });
  const channel = await rig.open();
  const other = await rig.open();
  expect(await rig.exchange(channel, command, Buffer.of(1))).toEqual([]);
  return { handler, rig, channel, other };
}

describe("CTAPHID_KEEPALIVE", () => {
  test.each([Command.CBOR, 0x42])(
    "comes within 100 ms of a request (command %i), and every 100 ms from then on",
    async (command) => {
      const { rig, channel, handler } = await requested(command);
      for (let tenths = 0; tenths < 30; tenths++) {
        expect((await rig.after(100)).at(-1)).toEqual(keepalive(channel, PROCESSING));
      }
      handler.last.answer(Buffer.of(0));
      expect(await rig.after(0)).toMatchObject([{ channel, command }]);
      expect(await rig.after(1000)).toEqual([]);
    },
  );

  test("does not come for a request that is answered before", async () => {
    const { rig, channel, handler } = await requested();
    expect(await rig.after(50)).toEqual([]);
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(1000)).toMatchObject([{ channel, command: Command.CBOR }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("comes at once when the applet begins to wait for a touch, and when it no longer does", async () => {
    const { rig, channel, handler } = await requested();
    const { transport } = handler.last;
    transport.keepalive("upneeded");
    expect(await rig.after(0)).toEqual([keepalive(channel, UPNEEDED)]);
    transport.keepalive("upneeded");
    expect(await rig.after(0)).toEqual([]);
    expect((await rig.after(100)).at(-1)).toEqual(keepalive(channel, UPNEEDED));
    transport.keepalive("processing");
    expect(await rig.after(0)).toEqual([keepalive(channel, PROCESSING)]);
  });

  test("says once that a touch is wanted when it is there at once, and not that it no longer is", async () => {
    const { rig, channel, handler } = await requested();
    handler.last.transport.keepalive("upneeded");
    handler.last.transport.keepalive("processing");
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(1000)).toMatchObject([keepalive(channel, UPNEEDED), { channel, command: Command.CBOR }]);
  });

  test("is not sent for CTAPHID_MSG: U2F hosts do not know it", async () => {
    const { rig, channel, handler } = await requested(Command.MSG);
    handler.last.transport.keepalive("upneeded");
    expect(await rig.after(1000)).toEqual([]);
    handler.last.answer(Buffer.of(0x90, 0));
    expect(await rig.after(0)).toMatchObject([{ channel, command: Command.MSG }]);
  });

  test("is not sent any more in the name of a request that was answered or aborted", async () => {
    const { rig, channel, handler } = await requested();
    const { transport } = handler.last;
    await rig.exchange(channel, Command.INIT, NONCE);
    transport.keepalive("upneeded");
    expect(await rig.after(1000)).toEqual([]);
    handler.last.answer(NOTHING);
    await rig.exchange(channel, Command.CBOR, Buffer.of(1));
    handler.last.answer(Buffer.of(0));
    await rig.after(0);
    handler.last.transport.keepalive("upneeded");
    expect(await rig.after(1000)).toEqual([]);
  });

  test("comes for a request that still waits for an aborted one to end", async () => {
    const { rig, channel } = await requested();
    await rig.exchange(channel, Command.INIT, NONCE);
    await rig.exchange(channel, Command.CBOR, Buffer.of(2));
    expect(await rig.after(100)).toEqual([keepalive(channel, PROCESSING)]);
  });
});

describe("a keepalive that is not read", () => {
  /** A request, and a host that reads only what the test pulls. */
  async function unread() {
    const handler = new ScriptedHandler();
    const face = createInterface({ cbor: handler.handle });
    const [{ queue }, { receive }] = face.endpoints;
    const read = async () => Buffer.from(await queue.pull(64, new AbortController().signal));
    const send = (channel: number, command: number, data: Uint8Array) => {
      for (const report of cut({ channel, command, data })) receive(report);
    };
    send(BROADCAST, Command.INIT, NONCE);
    const { channel } = parseInitReply((await read()).subarray(7, 24));
    send(channel, Command.CBOR, Buffer.of(1));
    await vi.advanceTimersByTimeAsync(0);
    return { handler, queue, read, send };
  }

  test("gives way to the next one: the answer never waits behind many", async () => {
    const { handler, queue, read } = await unread();
    await vi.advanceTimersByTimeAsync(1000);
    handler.last.transport.keepalive("upneeded");
    await vi.advanceTimersByTimeAsync(10);
    expect(queue.length).toBe(1);
    expect((await read())[7]).toBe(UPNEEDED);
  });

  test("for two seconds cancels the request: its client is gone. Whoever comes next is served", async () => {
    const { handler, read, send } = await unread();
    await vi.advanceTimersByTimeAsync(1900);
    expect(handler.last.transport.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect(handler.last.transport.signal.aborted).toBe(true);
    handler.last.answer(Buffer.of(0x2d));
    await vi.advanceTimersByTimeAsync(0);
    expect((await read())[4]).toBe(0x80 | Command.KEEPALIVE);
    expect((await read())[4]).toBe(0x80 | Command.CBOR);
    send(BROADCAST, Command.INIT, NONCE);
    expect((await read())[4]).toBe(0x80 | Command.INIT);
  });

  test("now and then cancels nothing: a host that reads once a second is only slow", async () => {
    const { handler, read } = await unread();
    for (let second = 0; second < 30; second++) {
      await vi.advanceTimersByTimeAsync(1000);
      await read();
    }
    expect(handler.last.transport.signal.aborted).toBe(false);
  });
});

describe("CTAPHID_CANCEL", () => {
  test("aborts the request's signal, has no answer of its own, and lets the request answer", async () => {
    const { rig, channel, handler } = await requested();
    expect(await rig.exchange(channel, Command.CANCEL, NOTHING)).toEqual([]);
    expect(handler.last.transport.signal.aborted).toBe(true);
    handler.last.answer(Buffer.of(0x2d));
    expect(await rig.after(1000)).toEqual([{ channel, command: Command.CBOR, data: Buffer.of(0x2d) }]);
    expect(await rig.exchange(channel, Command.PING, NONCE)).toMatchObject([{ command: Command.PING }]);
  });

  test("reaches a request that waits for a touch", async () => {
    const { rig, channel, handler } = await requested();
    handler.last.transport.keepalive("upneeded");
    await rig.after(10_000);
    rig.send(channel, Command.CANCEL, NOTHING);
    expect(handler.last.transport.signal.aborted).toBe(true);
  });

  test("of another channel is ignored", async () => {
    const { rig, other, handler } = await requested();
    for (const channel of [other, BROADCAST, 0, 0x1234_5678]) {
      expect(await rig.exchange(channel, Command.CANCEL, NOTHING)).toEqual([]);
    }
    expect(handler.last.transport.signal.aborted).toBe(false);
  });

  test("before and after a request is ignored", async () => {
    const { rig, channel, handler } = await requested();
    handler.last.answer(Buffer.of(0));
    await rig.after(0);
    expect(await rig.exchange(channel, Command.CANCEL, NOTHING)).toEqual([]);
    expect(handler.last.transport.signal.aborted).toBe(false);
    await rig.exchange(channel, Command.CBOR, Buffer.of(1));
    expect(handler.last.transport.signal.aborted).toBe(false);
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(0)).toMatchObject([{ channel, command: Command.CBOR }]);
  });

  test.each([Command.MSG, 0x42])("is for CTAPHID_CBOR only: ignored during command %i", async (command) => {
    const { rig, channel, handler } = await requested(command);
    expect(await rig.exchange(channel, Command.CANCEL, NOTHING)).toEqual([]);
    expect(handler.last.transport.signal.aborted).toBe(false);
  });

  test("comes too late for an applet that has already decided: its answer stands", async () => {
    const { rig, channel, handler } = await requested();
    rig.send(channel, Command.CANCEL, NOTHING);
    handler.last.answer(Buffer.of(0, 0xa0));
    expect(await rig.after(0)).toEqual([{ channel, command: Command.CBOR, data: Buffer.of(0, 0xa0) }]);
  });
});

test("a reset aborts the request under way, forgets channels and lock, and sends nothing more", async () => {
  const { rig, channel, other, handler } = await requested();
  handler.last.transport.keepalive("upneeded");
  await rig.after(0);
  rig.interface.reset();
  expect(handler.last.transport.signal.aborted).toBe(true);
  handler.last.answer(Buffer.of(0));
  expect(await rig.after(1000)).toEqual([]);
  for (const old of [channel, other]) {
    expect(await rig.exchange(old, Command.PING, NONCE)).toEqual([error(old, 0x0b)]);
  }
  const fresh = await rig.open();
  await rig.exchange(fresh, Command.LOCK, Buffer.of(10));
  rig.interface.reset();
  const another = await rig.open();
  expect(await rig.exchange(another, Command.PING, NONCE)).toMatchObject([{ command: Command.PING }]);
  expect(vi.getTimerCount()).toBe(0);
});
