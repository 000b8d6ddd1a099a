import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CtapHidError,
  CtapHidErrorCode,
  commandName,
  encodePackets,
  MAX_MESSAGE_LENGTH,
  parsePacket,
} from "../../src/ctaphid/packet.ts";
import { cut, type HostMessage, Joiner } from "../support/ctaphid-client.ts";

const message = fc.record({
  channel: fc.integer({ min: 0, max: 0xffff_ffff }),
  command: fc.integer({ min: 0, max: 0x7f }),
  data: fc.uint8Array({ maxLength: MAX_MESSAGE_LENGTH, size: "max" }),
});

function join(reports: readonly Uint8Array[]): HostMessage | undefined {
  const joiner = new Joiner();
  let whole: HostMessage | undefined;
  for (const report of reports) whole = joiner.add(report);
  return whole;
}

describe("CTAPHID packets", () => {
  test("hold 57 bytes in the first and 59 in each that follows, up to 7,609 in 129", () => {
    const count = (length: number) => encodePackets({ channel: 1, command: 1, data: new Uint8Array(length) }).length;
    expect([0, 57, 58, 57 + 59, 57 + 59 + 1, MAX_MESSAGE_LENGTH].map(count)).toEqual([1, 1, 2, 2, 3, 129]);
    expect(MAX_MESSAGE_LENGTH).toBe(7609);
    expect(() => count(MAX_MESSAGE_LENGTH + 1)).toThrow(RangeError);
  });

  test("are laid out as the spec's tables have it", () => {
    const data = Uint8Array.from({ length: 60 }, (_, index) => index + 1);
    const [first, second] = encodePackets({ channel: 0x11223344, command: 0x10, data });
    expect(Buffer.from(first as Uint8Array).toString("hex")).toBe(
      `11223344${"90"}${"003c"}${Buffer.from(data.subarray(0, 57)).toString("hex")}`,
    );
    expect(Buffer.from(second as Uint8Array).toString("hex")).toBe(`11223344${"00"}3a3b3c${"00".repeat(56)}`);
  });

  test("that we cut from any message join to it again", () => {
    fc.assert(
      fc.property(message, (sent) => {
        const joined = join(encodePackets(sent));
        expect(joined).toMatchObject({ channel: sent.channel, command: sent.command });
        expect(Buffer.compare(joined?.data ?? Buffer.alloc(0), sent.data)).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test("that a host cuts are parsed with their number, length and data", () => {
    fc.assert(
      fc.property(message, ({ channel, command, data }) => {
        const [first, ...rest] = cut({ channel, command, data }).map((report) => parsePacket(report));
        expect(first).toMatchObject({ type: "initialization", channel, command, length: data.length });
        const headers = rest.map((packet) => packet && { ...packet, data: undefined });
        expect(headers).toEqual(rest.map((_, sequence) => ({ type: "continuation", channel, sequence })));
        const bytes = Buffer.concat([first, ...rest].map((packet) => packet?.data ?? Buffer.alloc(0)));
        expect(Buffer.compare(bytes.subarray(0, data.length), data)).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test("are 64 bytes, and anything else is none", () => {
    for (const length of [0, 1, 63, 65, 128]) expect(parsePacket(new Uint8Array(length))).toBeUndefined();
  });
});

test("commands are named in logs, and numbered where they have no name", () => {
  expect([0x10, 0x51].map(commandName)).toEqual(["CBOR", "0x51"]);
});

test("an error shows its name and its number", () => {
  expect(new CtapHidError(CtapHidErrorCode.ERR_CHANNEL_BUSY).message).toBe("ERR_CHANNEL_BUSY (0x06)");
});
