// A request that waits: CTAPHID_KEEPALIVE and CTAPHID_CANCEL.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BROADCAST, Command } from "../support/ctaphid-client.ts";
import { error, keepalive, NONCE, NOTHING, Rig, ScriptedHandler } from "./rig.ts";

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

  test("is spared when the touch is there before anyone has waited for it", async () => {
    const { rig, channel, handler } = await requested();
    handler.last.transport.keepalive("upneeded");
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(1000)).toMatchObject([{ channel, command: Command.CBOR }]);
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
