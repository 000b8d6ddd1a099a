import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { type CommandApdu, encodeCommandApdu, parseCommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError } from "../../src/iso7816/status-word.ts";

const describeApdu = ({ data, le, extended }: CommandApdu) => `${toHex(data)}|${le}|${extended ? "extended" : "short"}`;

describe("Each case of ISO 7816-4 is parsed, and encoded again", () => {
  test.each([
    ["1", "00a40400", "|undefined|short"],
    ["2 short", "00a4040010", "|16|short"],
    ["2 short, Le of 256", "00a4040000", "|256|short"],
    ["2 extended", "00a40400000100", "|256|extended"],
    ["2 extended, Le of 65,536", "00a40400000000", "|65536|extended"],
    ["3 short", "00a4040002aabb", "aabb|undefined|short"],
    ["3 short, 255 bytes", `00a40400ff${"cc".repeat(255)}`, `${"cc".repeat(255)}|undefined|short`],
    ["3 extended", "00a40400000002aabb", "aabb|undefined|extended"],
    ["4 short", "00a4040002aabb00", "aabb|256|short"],
    ["4 short, Le of 1", "00a4040002aabb01", "aabb|1|short"],
    ["4 extended", "00a40400000002aabb0100", "aabb|256|extended"],
    ["4 extended, Le of 65,536", "00a40400000002aabb0000", "aabb|65536|extended"],
    ["4 extended, 300 bytes", `00a4040000012c${"dd".repeat(300)}0000`, `${"dd".repeat(300)}|65536|extended`],
  ])("case %s", (_case, encoded, described) => {
    const apdu = parseCommandApdu(fromHex(encoded));
    expect([apdu.cla, apdu.ins, apdu.p1, apdu.p2]).toEqual([0x00, 0xa4, 0x04, 0x00]);
    expect(describeApdu(apdu)).toBe(described);
    const { le, ...rest } = apdu;
    expect(toHex(encodeCommandApdu(le === undefined ? rest : { ...rest, le }))).toBe(encoded);
  });

  test("An Lc of zero before a Le passes, because libu2f-host asks for the version so", () => {
    expect(describeApdu(parseCommandApdu(fromHex("000300000000000000")))).toBe("|65536|extended");
  });

  test("An extended Le of zeros passes without the zero before it, because pico-fido's tests send it so", () => {
    expect(describeApdu(parseCommandApdu(fromHex("00a100000000")))).toBe("|65536|extended");
  });
});

test.each([
  ["nothing", ""],
  ["three bytes", "00a404"],
  ["a short Lc with too little data", "00a4040002aa"],
  ["two bytes after the data of a short Lc", "00a4040001aabbcc"],
  ["an extended Lc cut after one byte", "00a404000001"],
  ["an extended Lc with too little data", "00a40400000002aa"],
  ["one byte after the data of an extended Lc", "00a40400000001aabb"],
  ["three bytes after the data of an extended Lc", "00a40400000001aabbccdd"],
])("%s has a wrong length: 6700", (_what, encoded) => {
  expect(() => parseCommandApdu(fromHex(encoded))).toThrow(new StatusError(0x6700));
});

describe("For any command", () => {
  test("parsing undoes encoding", () => {
    const byte = fc.nat({ max: 255 });
    const commands = fc.record({
      cla: byte,
      ins: byte,
      p1: byte,
      p2: byte,
      data: fc.uint8Array({ maxLength: 600 }),
      le: fc.option(fc.integer({ min: 1, max: 65_536 }), { nil: undefined }),
      extended: fc.boolean(),
    });
    fc.assert(
      fc.property(commands, ({ le, ...command }) => {
        const parsed = parseCommandApdu(encodeCommandApdu(le === undefined ? command : { ...command, le }));
        expect({ ...parsed, data: toHex(parsed.data), extended: 0 }).toEqual({
          ...command,
          le,
          data: toHex(command.data),
          extended: 0,
        });
        if (command.data.length > 255 || (le ?? 0) > 256) expect(parsed.extended).toBe(true);
      }),
    );
  });

  test("random bytes are parsed or answered 6700", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          expect(parseCommandApdu(bytes).data.length).toBeLessThanOrEqual(bytes.length);
        } catch (error) {
          expect(error).toEqual(new StatusError(0x6700));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
