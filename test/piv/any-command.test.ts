// Whatever a client sends, the applet answers with a status word of its own: 6F00 is what a bug of ours is answered with.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../../src/bytes/hex.ts";
import { encodeCommandApdu } from "../../src/iso7816/apdu.ts";
import { createSelectedPiv } from "./rig.ts";

const instructions = [0x20, 0x24, 0x2c, 0x47, 0x87, 0xcb, 0xdb, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfd, 0xfe, 0xff];
const references = [0x00, 0x80, 0x81, 0x82, 0x95, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0xf9, 0xfe, 0xff];
const parameters = [...references, 0x03, 0x06, 0x07, 0x0a, 0x11, 0x14, 0xe0, 0xe1, 0x3f];
const tags = [0x01, 0x02, 0x06, 0x07, 0x08, 0x53, 0x5c, 0x7c, 0x7e, 0x80, 0x81, 0x82, 0x85, 0xaa, 0xab, 0xac];

/** Data objects within data objects, some of them cut off. */
const objects: fc.Arbitrary<Uint8Array> = fc.letrec<{ data: Uint8Array }>((tie) => ({
  data: fc.oneof(
    { maxDepth: 3 },
    fc.uint8Array({ maxLength: 40 }),
    fc
      .tuple(fc.constantFrom(...tags), tie("data"), tie("data"))
      .map(([tag, value, next]) => Uint8Array.from([tag, Math.min(value.length, 127), ...value, ...next])),
  ),
})).data;

const commands = fc.array(
  fc.record({
    ins: fc.constantFrom(...instructions),
    // A generated RSA key takes too long here.
    p1: fc.constantFrom(...parameters),
    p2: fc.constantFrom(...parameters),
    data: objects.filter((data) => !/80010[567]|800116/.test(toHex(data))),
  }),
  { minLength: 1, maxLength: 8 },
);

test("Any commands are answered, whoever has authenticated", async () => {
  await fc.assert(
    fc.asyncProperty(commands, fc.boolean(), async (sequence, isReady) => {
      const { client, send, platform } = await createSelectedPiv();
      if (isReady) {
        await client.authenticate();
        await client.verifyPin();
      }
      for (const command of sequence) {
        const answer = await send(toHex(encodeCommandApdu({ ...command, extended: command.data.length > 255 })));
        expect(answer.slice(-4)).toMatch(/^(9000|61..|63c.|6700|6982|6983|6985|6a8[02468])$/);
      }
      expect(platform.lines).toEqual([]);
    }),
    { numRuns: 150 },
  );
});
