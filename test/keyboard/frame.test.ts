// Frames in feature reports, both ways, report by report.
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { encodeAnswer, encodeIdle, FrameReceiver } from "../../src/keyboard/frame.ts";
import { cutFrame } from "../support/otp-client.ts";

const payload = Uint8Array.from({ length: 64 }, (_, index) => index + 1);
const short = Uint8Array.of(1, 2, 3);

describe("A frame", () => {
  test("is whole after its tenth report", () => {
    const receiver = new FrameReceiver();
    const reports = cutFrame(0x38, payload, false);
    expect(reports).toHaveLength(10);
    const results = reports.map((report) => receiver.receive(report));
    expect(results.slice(0, 9)).toEqual(Array.from({ length: 9 }, () => "part"));
    expect(results[9]).toEqual({ slot: 0x38, payload });
  });

  test("may leave out parts of zeros, whatever was there before", () => {
    const receiver = new FrameReceiver();
    for (const report of cutFrame(0x38, payload)) receiver.receive(report);
    const reports = cutFrame(0x10, short);
    expect(reports).toHaveLength(2);
    expect(reports.map((report) => receiver.receive(report))[1]).toEqual({
      slot: 0x10,
      payload: Uint8Array.from({ length: 64 }, (_, index) => short[index] ?? 0),
    });
  });

  test("begins anew with a first part", () => {
    const receiver = new FrameReceiver();
    for (const report of cutFrame(0x38, payload).slice(0, 7)) receiver.receive(report);
    expect(cutFrame(0x30, short).map((report) => receiver.receive(report))[1]).toMatchObject({ slot: 0x30 });
  });

  test("with one bit changed is damaged", () => {
    for (let part = 0; part < 10; part++) {
      const receiver = new FrameReceiver();
      const reports = cutFrame(0x38, payload, false);
      const changed = reports[part];
      if (changed !== undefined) changed[0] = (changed[0] as number) ^ 0x10;
      const last = reports.map((report) => receiver.receive(report)).at(-1);
      // The last part begins with the payload's last byte; the CRC is of the payload alone.
      expect(last).toBe("damaged");
    }
  });

  test("is forgotten at the dummy write, which is any part that there cannot be", () => {
    for (const dummy of [0x8f, 0xff, 0x8a]) {
      const receiver = new FrameReceiver();
      const reports = cutFrame(0x38, payload);
      receiver.receive(reports[0] as Uint8Array);
      expect(receiver.receive(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, dummy))).toBe("reset");
      expect(receiver.receive(reports[9] as Uint8Array)).toBe("damaged");
    }
  });

  test("is nothing without the write flag", () => {
    const receiver = new FrameReceiver();
    const reports = cutFrame(0x38, payload).map((report) =>
      Uint8Array.from(report).fill((report[7] as number) & 0x7f, 7),
    );
    expect(new Set(reports.map((report) => receiver.receive(report)))).toEqual(new Set(["part"]));
  });
});

describe("An answer", () => {
  test("is cut into numbered reports, its CRC behind it, and an end", () => {
    const reports = encodeAnswer(fromHex("0922d3405faa3d194f82a45830737d5cc6c75d24")).map(toHex);
    expect(reports).toHaveLength(5);
    expect(reports[0]).toBe("0922d3405faa3d40");
    expect(reports[3]?.slice(-2)).toBe("43");
    expect(reports[4]).toBe("0000000000000040");
  });

  test("takes another report where its CRC does not fit", () => {
    expect(encodeAnswer(new Uint8Array(5))).toHaveLength(2);
    expect(encodeAnswer(new Uint8Array(6))).toHaveLength(3);
  });
});

test("An idle report is a byte, the status, and no flag", () => {
  expect(toHex(encodeIdle(fromHex("050704010500")))).toBe("0005070401050000");
});
