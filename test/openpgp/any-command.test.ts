// Whatever a client sends gets a status word of the card's, and what is not answered with 9000 has changed nothing but the
// tries of a password.
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import { externalPublicKey, Key, openCard } from "../support/openpgp-client.ts";
import { createTestPlatform } from "../support/platform.ts";

const INSTRUCTIONS = [0x20, 0x22, 0x24, 0x2a, 0x2c, 0x47, 0x84, 0x88, 0xa5, 0xca, 0xcc, 0xda, 0xdb, 0xf1, 0xf2, 0xfb];
const TAGS = [
  ...[0x0101, 0x0103, 0x5b, 0x5e, 0x5f2d, 0x5f35, 0x5f50, 0x65, 0x6e, 0x73, 0x7a, 0x7f21, 0xc0, 0xc1, 0xc2, 0xc3],
  ...[0xc4, 0xc5, 0xc7, 0xca, 0xcd, 0xce, 0xd3, 0xd5, 0xd6, 0xd9, 0xda, 0xde, 0xf9, 0xfa, 0xfc, 0x9e9a, 0x8086, 0x8680],
  ...[0x41a4, 0x41b8, 0x0081, 0x0082, 0x0083, 0x8000, 0x8100, 0x3fff, 0x0000, 0xff81],
];
/** Not RSA keys: they would take too long to make. */
const ATTRIBUTES = ["132a8648ce3d030107", "162b06010401da470f01", "122b060104019755010501"];

const noise = fc.uint8Array({ maxLength: 40 });
const scalar = fc.uint8Array({ minLength: 30, maxLength: 34 });
const list = fc
  .tuple(fc.constantFrom(...Object.values(Key)), fc.constantFrom(0x91, 0x92, 0x99), scalar, fc.nat({ max: 60 }))
  .map(([key, tag, value, length]) =>
    encodeTlv(0x4d, key, encodeTlv(0x7f48, Uint8Array.of(tag, length)), encodeTlv(0x5f48, value)),
  );
const data = fc.oneof(
  noise,
  fc.constantFrom(
    ...[...ATTRIBUTES, "313233343536", "3132333435363738", "830102", "60045c027f21", "01", "0320"].map((hex) =>
      Buffer.from(hex, "hex"),
    ),
  ),
  fc.constantFrom(...Object.values(Key)),
  fc.uint8Array({ minLength: 32, maxLength: 33 }).map(externalPublicKey),
  list,
);
const tag = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...TAGS) },
  { weight: 1, arbitrary: fc.nat({ max: 0xffff }) },
);
const command = fc.record({
  ins: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...INSTRUCTIONS) },
    { weight: 1, arbitrary: fc.nat({ max: 255 }) },
  ),
  tag,
  data,
  cla: fc.constantFrom(0x00, 0x00, 0x00, 0x80),
});

test("Any command is answered by a status word, and a refusal changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 30 }), async (commands) => {
      const platform = createTestPlatform();
      const card = await openCard({ platform, verified: [0x81, 0x82, 0x83] });
      for (const [index, slot] of [0xc1, 0xc2, 0xc3].entries()) {
        await card.putData(slot, index === 1 ? "122b060104019755010501" : "162b06010401da470f01");
      }
      for (const { ins, tag: p1p2, data: bytes, cla } of commands) {
        if (ins === 0xc0 || ins === 0xa4) continue; // the dispatcher's
        const before = platform.store.snapshot();
        const { sw } = await card.send(ins, p1p2 >>> 8, p1p2 & 0xff, bytes, { cla });
        expect(sw).not.toBe("6f00");
        expect(platform.lines.filter((line) => line.startsWith("error"))).toEqual([]);
        if (sw !== "9000") expect(withoutTries(platform.store.snapshot())).toEqual(withoutTries(before));
      }
    }),
    { numRuns: 60 },
  );
});

function withoutTries(records: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(records).filter(([key]) => !key.startsWith("openpgp/tries/")));
}
