// What each command does, seen from the host's end of the interface.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MESSAGE_TIMEOUT_MS } from "../../src/ctaphid/assembler.ts";
import { CtapHidError, CtapHidErrorCode } from "../../src/ctaphid/packet.ts";
import { BROADCAST, Command, cut, parseInitReply } from "../support/ctaphid-client.ts";
import { error, NONCE, NOTHING, Rig, ScriptedHandler } from "./rig.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("CTAPHID_INIT", () => {
  test("on the broadcast channel gives out a channel, and says what the key can do", async () => {
    const rig = new Rig();
    const [reply, ...others] = await rig.exchange(BROADCAST, Command.INIT, NONCE);
    expect(others).toEqual([]);
    expect(reply).toMatchObject({ channel: BROADCAST, command: Command.INIT });
    expect(parseInitReply(reply?.data ?? NOTHING)).toEqual({
      nonce: Buffer.from(NONCE),
      channel: 0x0a0b_0c01,
      protocolVersion: 2,
      deviceVersion: [3, 1, 4],
      capabilities: 0x05,
    });
  });

  test("gives every client its own channel", async () => {
    const rig = new Rig();
    expect(await rig.open()).not.toBe(await rig.open());
  });

  test("on a channel that is allocated keeps the channel", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    const [reply] = await rig.exchange(channel, Command.INIT, NONCE);
    expect(reply).toMatchObject({ channel, command: Command.INIT });
    expect(parseInitReply(reply?.data ?? NOTHING).channel).toBe(channel);
  });

  test("on the reserved channel is ERR_INVALID_CHANNEL", async () => {
    expect(await new Rig().exchange(0, Command.INIT, NONCE)).toEqual([error(0, 0x0b)]);
  });

  test("on a channel that nobody allocated gives it to who asks, even while another is busy", async () => {
    const rig = new Rig();
    const busy = await rig.open();
    const chosen = 0x1122_3344;
    rig.put(cut({ channel: busy, command: Command.PING, data: new Uint8Array(200) })[0] as Uint8Array);
    const [reply] = await rig.exchange(chosen, Command.INIT, NONCE);
    expect(parseInitReply(reply?.data ?? NOTHING).channel).toBe(chosen);
    expect(await rig.exchange(chosen, Command.PING, NONCE)).toEqual([error(chosen, 0x06)]);
    expect(await rig.after(MESSAGE_TIMEOUT_MS)).toEqual([error(busy, 0x05)]);
    expect(await rig.exchange(chosen, Command.PING, NONCE)).toMatchObject([{ command: Command.PING }]);
  });

  test("with a nonce of any other length than 8 is ERR_INVALID_LEN", async () => {
    const rig = new Rig();
    expect(await rig.exchange(BROADCAST, Command.INIT, NONCE.subarray(1))).toEqual([error(BROADCAST, 0x03)]);
  });

  test("aborts the request under way on its channel, and nobody hears of its answer", async () => {
    const handler = new ScriptedHandler();
    const rig = new Rig({ cbor: handler.handle });
    const channel = await rig.open();
    expect(await rig.exchange(channel, Command.CBOR, Buffer.of(1))).toEqual([]);
    const [reply, ...others] = await rig.exchange(channel, Command.INIT, NONCE);
    expect(reply?.command).toBe(Command.INIT);
    expect(others).toEqual([]);
    expect(handler.last.transport.signal.aborted).toBe(true);
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(1000)).toEqual([]);
    expect(await rig.exchange(channel, Command.PING, NONCE)).toMatchObject([{ channel, command: Command.PING }]);
  });

  test("makes the next request wait until the applet is done with the aborted one", async () => {
    const handler = new ScriptedHandler();
    const rig = new Rig({ cbor: handler.handle });
    const channel = await rig.open();
    await rig.exchange(channel, Command.CBOR, Buffer.of(1));
    await rig.exchange(channel, Command.INIT, NONCE);
    expect(await rig.exchange(channel, Command.CBOR, Buffer.of(2))).toEqual([]);
    expect(handler.calls).toHaveLength(1);
    handler.last.fail(new Error("aborted"));
    expect(await rig.after(0)).toEqual([]);
    expect(handler.calls).toHaveLength(2);
    handler.last.answer(Buffer.of(0, 9));
    expect(await rig.after(0)).toMatchObject([{ channel, command: Command.CBOR, data: Buffer.of(0, 9) }]);
  });

  test("spares the applet a request that was aborted before it was its turn", async () => {
    const handler = new ScriptedHandler();
    const rig = new Rig({ cbor: handler.handle });
    const channel = await rig.open();
    for (const command of [1, 2, 3]) {
      await rig.exchange(channel, Command.CBOR, Buffer.of(command));
      await rig.exchange(channel, Command.INIT, NONCE);
    }
    await rig.exchange(channel, Command.CBOR, Buffer.of(4));
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(0)).toEqual([]);
    expect(handler.calls.map(({ message }) => message[0])).toEqual([1, 4]);
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(0)).toMatchObject([{ channel, command: Command.CBOR }]);
  });

  test("drops a half-sent message of its channel", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    const [first, second] = cut({ channel, command: Command.PING, data: new Uint8Array(100) });
    rig.put(first as Uint8Array);
    expect(await rig.exchange(channel, Command.INIT, NONCE)).toMatchObject([{ command: Command.INIT }]);
    rig.put(second as Uint8Array);
    expect(await rig.after(2 * MESSAGE_TIMEOUT_MS)).toEqual([]);
  });

  test("is answered while another channel is busy, and disturbs it not", async () => {
    const handler = new ScriptedHandler();
    const rig = new Rig({ cbor: handler.handle });
    const a = await rig.open();
    const b = await rig.open();
    await rig.exchange(a, Command.CBOR, Buffer.of(1));
    expect(await rig.exchange(BROADCAST, Command.INIT, NONCE)).toMatchObject([{ command: Command.INIT }]);
    expect(await rig.exchange(b, Command.INIT, NONCE)).toMatchObject([{ command: Command.INIT }]);
    expect(handler.last.transport.signal.aborted).toBe(false);
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(0)).toMatchObject([{ channel: a, command: Command.CBOR, data: Buffer.of(0) }]);
  });

  test("is answered between the packets of another channel's message, which is still taken whole", async () => {
    const rig = new Rig();
    const a = await rig.open();
    const data = new Uint8Array(100).fill(7);
    const [first, second] = cut({ channel: a, command: Command.PING, data });
    rig.put(first as Uint8Array);
    expect(await rig.exchange(BROADCAST, Command.INIT, NONCE)).toMatchObject([{ command: Command.INIT }]);
    rig.put(second as Uint8Array);
    expect(await rig.after(0)).toEqual([{ channel: a, command: Command.PING, data: Buffer.from(data) }]);
  });
});

describe("CTAPHID_PING", () => {
  test.each([0, 1, 57, 58, 1024, 7609])("of %i bytes comes back whole", async (length) => {
    const rig = new Rig();
    const channel = await rig.open();
    const data = Buffer.from(Array.from({ length }, (_, index) => (index * 7) & 0xff));
    rig.send(channel, Command.PING, data);
    expect(await rig.after(1000)).toEqual([{ channel, command: Command.PING, data }]);
  });
});

describe("CTAPHID_MSG, CTAPHID_CBOR and vendor commands", () => {
  test("hand the message to their applet, and the answer back", async () => {
    const [msg, cbor, vendor] = [new ScriptedHandler(), new ScriptedHandler(), new ScriptedHandler()];
    const rig = new Rig({ msg: msg.handle, cbor: cbor.handle, vendor: new Map([[0x42, vendor.handle]]) });
    const channel = await rig.open();
    for (const [command, handler] of [
      [Command.MSG, msg],
      [Command.CBOR, cbor],
      [0x42, vendor],
    ] as const) {
      const request = new Uint8Array(300).fill(command);
      expect(await rig.exchange(channel, command, request)).toEqual([]);
      expect(handler.last.message).toEqual(request);
      expect(handler.last.transport).toMatchObject({ name: "ctaphid", channel });
      const data = Buffer.alloc(400, command);
      handler.last.answer(data);
      expect(await rig.after(0)).toEqual([{ channel, command, data }]);
    }
  });

  test("without a single byte are ERR_INVALID_LEN, except for vendor commands", async () => {
    const vendor = new ScriptedHandler();
    const rig = new Rig({ vendor: new Map([[0x42, vendor.handle]]) });
    const channel = await rig.open();
    for (const command of [Command.MSG, Command.CBOR]) {
      expect(await rig.exchange(channel, command, NOTHING)).toEqual([error(channel, 0x03)]);
    }
    expect(await rig.exchange(channel, 0x42, NOTHING)).toEqual([]);
    expect(vendor.last.message).toHaveLength(0);
  });

  test("answer with the CTAPHID error that the applet throws", async () => {
    const handler = new ScriptedHandler();
    const rig = new Rig({ cbor: handler.handle, vendor: new Map([[0x42, handler.handle]]) });
    const channel = await rig.open();
    for (const command of [Command.CBOR, 0x42]) {
      await rig.exchange(channel, command, NONCE);
      handler.last.fail(new CtapHidError(CtapHidErrorCode.ERR_LOCK_REQUIRED));
      expect(await rig.after(0)).toEqual([error(channel, 0x0a)]);
    }
    expect(rig.log.filter((line) => line.includes(" error "))).toEqual([]);
  });

  test("answer our own faults with an error of their protocol, log them with their stack, and go on", async () => {
    const handler = new ScriptedHandler();
    const rig = new Rig({ cbor: handler.handle, msg: handler.handle });
    const channel = await rig.open();
    for (const [command, answer] of [
      [Command.CBOR, { channel, command: Command.CBOR, data: Buffer.of(0x7f) }],
      [Command.MSG, error(channel, 0x7f)],
    ] as const) {
      await rig.exchange(channel, command, NONCE);
      handler.last.fail(new TypeError("a fault of ours"));
      expect(await rig.after(0)).toEqual([answer]);
      expect(rig.log.at(-2)).toMatch(/ error CTAPHID (CBOR|MSG) failed: TypeError: a fault of ours\n +at /);
    }
    expect(await rig.exchange(channel, Command.PING, NONCE)).toMatchObject([{ command: Command.PING }]);
  });

  test("survive a handler that throws instead of rejecting, and an answer that no message can hold", async () => {
    const answers = [
      () => {
        throw new Error("at once");
      },
      () => Promise.resolve(new Uint8Array(7610)),
    ];
    const rig = new Rig({ msg: () => (answers.shift() as () => Promise<Uint8Array>)() });
    const channel = await rig.open();
    expect(await rig.exchange(channel, Command.MSG, NONCE)).toEqual([error(channel, 0x7f)]);
    expect(await rig.exchange(channel, Command.MSG, NONCE)).toEqual([error(channel, 0x7f)]);
    expect(await rig.exchange(channel, Command.PING, NONCE)).toMatchObject([{ command: Command.PING }]);
  });
});

describe("CTAPHID_WINK", () => {
  test("winks, and says that it did", async () => {
    const wink = vi.fn();
    const rig = new Rig({ wink });
    const channel = await rig.open();
    expect(await rig.exchange(channel, Command.WINK, NOTHING)).toMatchObject([{ channel, command: Command.WINK }]);
    expect(wink).toHaveBeenCalledTimes(1);
  });

  test("takes no data: ERR_INVALID_LEN", async () => {
    const wink = vi.fn();
    const rig = new Rig({ wink });
    const channel = await rig.open();
    expect(await rig.exchange(channel, Command.WINK, Buffer.of(1))).toEqual([error(channel, 0x03)]);
    expect(wink).not.toHaveBeenCalled();
  });

  test("that fails is our fault: ERR_OTHER", async () => {
    const rig = new Rig({
      wink: () => {
        throw new Error("no light");
      },
    });
    const channel = await rig.open();
    expect(await rig.exchange(channel, Command.WINK, NOTHING)).toEqual([error(channel, 0x7f)]);
  });
});

describe("CTAPHID_LOCK", () => {
  async function locked(seconds: number) {
    const rig = new Rig();
    const [a, b] = [await rig.open(), await rig.open()];
    const reply = await rig.exchange(a, Command.LOCK, Buffer.of(seconds));
    expect(reply).toEqual([{ channel: a, command: Command.LOCK, data: Buffer.alloc(0) }]);
    return { rig, a, b };
  }
  const answered = [{ command: Command.PING }];

  test("keeps other channels out with ERR_CHANNEL_BUSY, and its own in", async () => {
    const { rig, a, b } = await locked(10);
    expect(await rig.exchange(b, Command.PING, NONCE)).toEqual([error(b, 0x06)]);
    expect(await rig.exchange(a, Command.PING, NONCE)).toMatchObject(answered);
    for (const channel of [b, BROADCAST]) {
      expect(await rig.exchange(channel, Command.INIT, NONCE)).toEqual([error(channel, 0x06)]);
    }
    expect(await rig.exchange(a, Command.INIT, NONCE)).toMatchObject([{ command: Command.INIT }]);
    await rig.exchange(a, Command.LOCK, Buffer.of(0));
    expect(await rig.exchange(b, Command.INIT, NONCE)).toMatchObject([{ command: Command.INIT }]);
  });

  test("ends when its time is over", async () => {
    const { rig, b } = await locked(2);
    await rig.after(1990);
    expect(await rig.exchange(b, Command.PING, NONCE)).toEqual([error(b, 0x06)]);
    await rig.after(10);
    expect(await rig.exchange(b, Command.PING, NONCE)).toMatchObject(answered);
  });

  test("is prolonged by another, and released by 0", async () => {
    const { rig, a, b } = await locked(2);
    await rig.after(1500);
    await rig.exchange(a, Command.LOCK, Buffer.of(2));
    await rig.after(1500);
    expect(await rig.exchange(b, Command.PING, NONCE)).toEqual([error(b, 0x06)]);
    await rig.exchange(a, Command.LOCK, Buffer.of(0));
    expect(await rig.exchange(b, Command.PING, NONCE)).toMatchObject(answered);
  });

  test("takes one byte of 0 to 10 seconds: ERR_INVALID_LEN, ERR_INVALID_PAR", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    expect(await rig.exchange(channel, Command.LOCK, NOTHING)).toEqual([error(channel, 0x03)]);
    expect(await rig.exchange(channel, Command.LOCK, Buffer.of(1, 1))).toEqual([error(channel, 0x03)]);
    expect(await rig.exchange(channel, Command.LOCK, Buffer.of(11))).toEqual([error(channel, 0x02)]);
  });
});

describe("a message", () => {
  test("on the broadcast, the reserved or an unallocated channel is ERR_INVALID_CHANNEL", async () => {
    const rig = new Rig();
    for (const channel of [BROADCAST, 0, 0x1234_5678]) {
      expect(await rig.exchange(channel, Command.PING, NONCE)).toEqual([error(channel, 0x0b)]);
    }
  });

  test("with a command that is none, or not one for the device, is ERR_INVALID_CMD, once", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    for (const command of [0x00, 0x02, 0x3f, 0x3b, 0x40, 0x7f]) {
      expect(await rig.exchange(channel, command, new Uint8Array(200))).toEqual([error(channel, 0x01)]);
    }
  });

  test("longer than 7,609 bytes is ERR_INVALID_LEN", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    rig.put(cut({ channel, command: Command.PING, data: NONCE }, 7610)[0] as Uint8Array);
    expect(await rig.after(0)).toEqual([error(channel, 0x03)]);
  });

  test("out of sequence is ERR_INVALID_SEQ", async () => {
    const rig = new Rig();
    const channel = await rig.open();
    const [first, , third] = cut({ channel, command: Command.PING, data: new Uint8Array(200) });
    rig.put(first as Uint8Array);
    rig.put(third as Uint8Array);
    expect(await rig.after(0)).toEqual([error(channel, 0x04)]);
  });

  test("that stalls is ERR_MSG_TIMEOUT, and the key is free for others", async () => {
    const rig = new Rig();
    const [a, b] = [await rig.open(), await rig.open()];
    rig.put(cut({ channel: a, command: Command.PING, data: new Uint8Array(200) })[0] as Uint8Array);
    expect(await rig.exchange(b, Command.PING, NONCE)).toEqual([error(b, 0x06)]);
    expect(await rig.after(MESSAGE_TIMEOUT_MS)).toEqual([error(a, 0x05)]);
    expect(await rig.exchange(b, Command.PING, NONCE)).toMatchObject([{ channel: b, command: Command.PING }]);
  });

  test("of another channel while a request is under way is ERR_CHANNEL_BUSY, and the first is not disturbed", async () => {
    const handler = new ScriptedHandler();
    const rig = new Rig({ cbor: handler.handle });
    const [a, b] = [await rig.open(), await rig.open()];
    await rig.exchange(a, Command.CBOR, Buffer.of(1));
    for (const command of [Command.PING, Command.CBOR, Command.MSG, Command.WINK, Command.LOCK]) {
      expect(await rig.exchange(b, command, new Uint8Array(100))).toEqual([error(b, 0x06)]);
    }
    expect(handler.calls).toHaveLength(1);
    expect(handler.last.transport.signal.aborted).toBe(false);
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(0)).toMatchObject([{ channel: a, command: Command.CBOR }]);
    expect(await rig.exchange(b, Command.PING, NONCE)).toMatchObject([{ channel: b, command: Command.PING }]);
  });

  test("of the same channel while its request is under way is ERR_CHANNEL_BUSY too", async () => {
    const handler = new ScriptedHandler();
    const rig = new Rig({ cbor: handler.handle });
    const channel = await rig.open();
    await rig.exchange(channel, Command.CBOR, Buffer.of(1));
    expect(await rig.exchange(channel, Command.CBOR, Buffer.of(1))).toEqual([error(channel, 0x06)]);
    handler.last.answer(Buffer.of(0));
    expect(await rig.after(0)).toMatchObject([{ channel, command: Command.CBOR, data: Buffer.of(0) }]);
  });
});

test("the traffic log shows command, channel and length, and never a byte of the data", async () => {
  const secret = Buffer.from("31323334deadbeef", "hex");
  const handler = new ScriptedHandler();
  const rig = new Rig({ cbor: handler.handle });
  const channel = await rig.open();
  await rig.exchange(channel, Command.CBOR, secret);
  handler.last.answer(Buffer.concat([secret, secret]));
  await rig.after(0);
  const traffic = rig.log.map((line) => line.replace(/^\S+ /, ""));
  expect(traffic).toEqual([
    "traffic CTAPHID < ffffffff INIT, 8 bytes",
    "traffic CTAPHID > ffffffff INIT, 17 bytes",
    "traffic CTAPHID < 0a0b0c01 CBOR, 8 bytes",
    "traffic CTAPHID > 0a0b0c01 CBOR, 16 bytes",
  ]);
});
