import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LONG_MESSAGE_TIMEOUT_MS, MESSAGE_TIMEOUT_MS, MessageAssembler } from "../../src/ctaphid/assembler.ts";
import {
  CtapHidError,
  CtapHidErrorCode,
  MAX_MESSAGE_LENGTH,
  type Message,
  parsePacket,
} from "../../src/ctaphid/packet.ts";
import { Command, cut } from "../support/ctaphid-client.ts";

const A = 0x0a0a_0a0a;
const B = 0x0b0b_0b0b;

/** An assembler that admits everything, and the channels whose messages waited too long. */
function assembling() {
  const expired: number[] = [];
  const assembler = new MessageAssembler({ admit: () => {}, onTimeout: (channel) => expired.push(channel) });
  const add = (report: Uint8Array | undefined): Message | undefined => {
    const packet = parsePacket(report ?? new Uint8Array(0));
    if (packet === undefined) throw new Error("not a packet");
    return assembler.add(packet);
  };
  return { assembler, add, expired };
}

function ping(channel: number, length: number): Uint8Array[] {
  return cut({ channel, command: Command.PING, data: new Uint8Array(length).fill(0x5a) });
}

function codeOf(action: () => unknown): number | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof CtapHidError) return error.code;
    throw error;
  }
  return undefined;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("assembling", () => {
  test("gives back any message, whatever it is cut into", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: MAX_MESSAGE_LENGTH, size: "max" }), (data) => {
        const { add } = assembling();
        const reports = cut({ channel: A, command: Command.CBOR, data });
        const [whole, ...early] = reports.map(add).reverse();
        expect(whole).toMatchObject({ channel: A, command: Command.CBOR });
        expect(Buffer.compare(whole?.data ?? Buffer.alloc(0), data)).toBe(0);
        expect(early.filter((message) => message !== undefined)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test("keeps a copy: the transfer's buffer may be used again at once", () => {
    const { add } = assembling();
    const [first, second] = ping(A, 60);
    add(first);
    first?.fill(0);
    expect(add(second)?.data).toEqual(new Uint8Array(60).fill(0x5a));
  });

  test("answers a continuation packet that is out of order with ERR_INVALID_SEQ, and drops the message", () => {
    const { assembler, add } = assembling();
    const [first, second, third] = ping(A, 200);
    add(first);
    expect(codeOf(() => add(third))).toBe(CtapHidErrorCode.ERR_INVALID_SEQ);
    expect(assembler.channel).toBeUndefined();
    expect(add(second)).toBeUndefined();
    expect(codeOf(() => add(third))).toBeUndefined();
  });

  test("answers a packet that comes twice with ERR_INVALID_SEQ", () => {
    const { add } = assembling();
    const [first, second] = ping(A, 200);
    add(first);
    add(second);
    expect(codeOf(() => add(second))).toBe(CtapHidErrorCode.ERR_INVALID_SEQ);
  });

  test("answers a new message before the end of the last with ERR_INVALID_SEQ, and drops both", () => {
    const { assembler, add } = assembling();
    add(ping(A, 200)[0]);
    expect(codeOf(() => add(ping(A, 1)[0]))).toBe(CtapHidErrorCode.ERR_INVALID_SEQ);
    expect(assembler.channel).toBeUndefined();
    expect(add(ping(A, 1)[0])?.data).toHaveLength(1);
  });

  test("answers a length above 7,609 with ERR_INVALID_LEN, and takes 7,609", () => {
    const { assembler, add } = assembling();
    const announce = (length: number) =>
      cut({ channel: A, command: Command.PING, data: new Uint8Array(57) }, length)[0];
    for (const length of [MAX_MESSAGE_LENGTH + 1, 0xffff]) {
      expect(codeOf(() => add(announce(length)))).toBe(CtapHidErrorCode.ERR_INVALID_LEN);
      expect(assembler.channel).toBeUndefined();
    }
    expect(add(announce(MAX_MESSAGE_LENGTH))).toBeUndefined();
    expect(assembler.channel).toBe(A);
  });

  test("ignores continuation packets without a message, and those of other channels", () => {
    const { assembler, add } = assembling();
    const [, continuation] = ping(A, 60);
    expect(add(continuation)).toBeUndefined();
    add(ping(A, 60)[0]);
    expect(add(ping(B, 60)[1])).toBeUndefined();
    expect(assembler.channel).toBe(A);
    expect(add(continuation)?.channel).toBe(A);
  });

  test("asks before it begins a message, and leaves the unfinished one alone when the answer is no", () => {
    const admit = vi.fn((channel: number) => {
      if (channel === B) throw new CtapHidError(CtapHidErrorCode.ERR_CHANNEL_BUSY);
    });
    const assembler = new MessageAssembler({ admit, onTimeout: () => {} });
    const packets = [...ping(A, 60), ...ping(B, 60)].map((report) => parsePacket(report));
    const [a0, a1, b0] = packets;
    if (a0 === undefined || a1 === undefined || b0 === undefined) throw new Error("not packets");
    assembler.add(a0);
    expect(codeOf(() => assembler.add(b0))).toBe(CtapHidErrorCode.ERR_CHANNEL_BUSY);
    expect(admit.mock.calls).toEqual([
      [A, Command.PING],
      [B, Command.PING],
    ]);
    expect(assembler.add(a1)?.channel).toBe(A);
  });

  test("lets CANCEL pass without touching the unfinished message", () => {
    const { add } = assembling();
    const [first, second] = ping(A, 60);
    add(first);
    const cancel = { channel: A, command: Command.CANCEL, data: new Uint8Array(0) };
    expect(add(cut(cancel)[0])).toMatchObject(cancel);
    expect(add(second)?.data).toHaveLength(60);
  });

  test("lets INIT pass, which drops the unfinished message of its own channel only", () => {
    const { assembler, add } = assembling();
    add(ping(A, 60)[0]);
    const init = (channel: number) => cut({ channel, command: Command.INIT, data: new Uint8Array(8) })[0];
    expect(add(init(B))).toMatchObject({ channel: B, command: Command.INIT });
    expect(assembler.channel).toBe(A);
    expect(add(init(A))).toMatchObject({ channel: A, command: Command.INIT });
    expect(assembler.channel).toBeUndefined();
  });

  test("answers an INIT without exactly 8 bytes of nonce with ERR_INVALID_LEN", () => {
    const { add } = assembling();
    for (const length of [0, 7, 9, 57, 58, 0xffff]) {
      const [report] = cut({ channel: A, command: Command.INIT, data: new Uint8Array(8) }, length);
      expect(codeOf(() => add(report))).toBe(CtapHidErrorCode.ERR_INVALID_LEN);
    }
  });
});

describe("a message that stalls", () => {
  test("is given up after 0.9 s without a packet, once; a longer one after 3 s", () => {
    expect([MESSAGE_TIMEOUT_MS, LONG_MESSAGE_TIMEOUT_MS]).toEqual([900, 3000]);
    const { assembler, add, expired } = assembling();
    add(ping(A, 200)[0]);
    vi.advanceTimersByTime(MESSAGE_TIMEOUT_MS - 1);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual([A]);
    expect(assembler.channel).toBeUndefined();
    vi.advanceTimersByTime(10_000);
    expect(expired).toEqual([A]);
    add(ping(A, 2049)[0]);
    vi.advanceTimersByTime(LONG_MESSAGE_TIMEOUT_MS - 1);
    expect(expired).toEqual([A]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual([A, A]);
  });

  test("may be slow as long as its packets keep coming", () => {
    const { add, expired } = assembling();
    const reports = ping(A, 400);
    const whole = reports.map((report) => {
      vi.advanceTimersByTime(MESSAGE_TIMEOUT_MS - 1);
      return add(report);
    });
    expect(whole.at(-1)?.data).toHaveLength(400);
    vi.advanceTimersByTime(10_000);
    expect(expired).toEqual([]);
  });

  test("leaves no timer behind when it is complete, wrong or dropped", () => {
    const { assembler, add } = assembling();
    for (const report of ping(A, 200)) add(report);
    expect(vi.getTimerCount()).toBe(0);
    add(ping(A, 200)[0]);
    expect(codeOf(() => add(ping(A, 200)[3]))).toBe(CtapHidErrorCode.ERR_INVALID_SEQ);
    expect(vi.getTimerCount()).toBe(0);
    add(ping(A, 200)[0]);
    assembler.drop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
