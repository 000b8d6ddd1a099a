import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CtapStatus } from "../../applets/fido2/status.ts";
import { type CborValue, encodeCbor } from "../../src/cbor.ts";
import {
  Command,
  cborMap,
  clientDataHash,
  credentialParameter,
  descriptor,
  parseReply,
} from "../support/fido-client.ts";
import { Fido2Rig } from "./rig.ts";

const statuses = new Set<number>(Object.values(CtapStatus));

/** Any value that CBOR has and these messages could hold. */
const anyValue: fc.Arbitrary<CborValue> = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 3 },
    fc.integer({ min: -100, max: 100 }),
    fc.constantFrom(2 ** 31, -(2 ** 31) - 1, 2 ** 40),
    fc.string({ maxLength: 40, unit: "grapheme" }),
    fc.uint8Array({ maxLength: 80 }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.oneof(fc.integer({ min: -4, max: 12 }), fc.string({ maxLength: 12 })), tie("value")), {
        maxLength: 4,
      })
      .map((entries) => cborMap(entries)),
  ),
})).value;

const extensionInputs = fc
  .record(
    Object.fromEntries(
      [
        "credBlob",
        "credProtect",
        "hmac-secret",
        "hmac-secret-mc",
        "largeBlob",
        "largeBlobKey",
        "minPinLength",
        "uvm",
      ].map((id) => [id, fc.oneof(fc.constant<CborValue>(true), anyValue)]),
    ) as Record<string, fc.Arbitrary<CborValue>>,
    { requiredKeys: [] },
  )
  .map((inputs) => cborMap(inputs));

const options = fc
  .record({ rk: fc.boolean(), up: fc.boolean(), uv: fc.boolean() }, { requiredKeys: [] })
  .map((flags) => cborMap(flags as Record<string, CborValue>));

/** Members that are mostly sound, so that many requests get far. */
function members(
  sound: Readonly<Record<number, fc.Arbitrary<CborValue>>>,
): fc.Arbitrary<ReadonlyMap<CborValue, CborValue>> {
  const entries = Object.entries(sound).map(([key, arbitrary]) =>
    fc
      .oneof(
        { weight: 12, arbitrary },
        { weight: 1, arbitrary: anyValue },
        { weight: 1, arbitrary: fc.constant(undefined) },
      )
      .map((value): readonly [CborValue, CborValue] => [Number(key), value]),
  );
  return fc.tuple(...entries).map((pairs) => cborMap(pairs.filter(([, value]) => value !== undefined)));
}

const list = fc.array(
  fc.oneof(
    anyValue,
    fc.uint8Array({ maxLength: 70 }).map((id) => descriptor(id)),
  ),
  { maxLength: 3 },
);
const optional = (arbitrary: fc.Arbitrary<CborValue>) => fc.oneof(fc.constant(undefined), arbitrary);

const requests: Readonly<Record<string, readonly [number, fc.Arbitrary<ReadonlyMap<CborValue, CborValue>>]>> = {
  makeCredential: [
    Command.MAKE_CREDENTIAL,
    members({
      1: fc.constant(clientDataHash),
      2: fc.constant(cborMap({ id: "example.com" })),
      3: fc.uint8Array({ minLength: 1, maxLength: 64 }).map((id) => cborMap({ id })),
      4: fc.constantFrom([credentialParameter(-7)], [credentialParameter(-8)]),
      5: optional(list),
      6: optional(extensionInputs),
      7: optional(options),
      8: optional(fc.uint8Array({ maxLength: 32 })),
      9: optional(fc.integer({ min: 0, max: 3 })),
      10: optional(fc.integer({ min: 0, max: 3 })),
      11: optional(fc.array(fc.constantFrom("packed", "none", "tpm"), { maxLength: 3 })),
    }),
  ],
  getAssertion: [
    Command.GET_ASSERTION,
    members({
      1: fc.constantFrom("example.com", "example.org"),
      2: fc.constant(clientDataHash),
      3: optional(list),
      4: optional(extensionInputs),
      5: optional(options),
      6: optional(fc.uint8Array({ maxLength: 32 })),
      7: optional(fc.integer({ min: 0, max: 3 })),
    }),
  ],
  largeBlobs: [
    Command.LARGE_BLOBS,
    members({
      1: optional(fc.integer({ min: -1, max: 8000 })),
      2: optional(fc.uint8Array({ maxLength: 40 })),
      3: fc.integer({ min: -1, max: 40 }),
      4: optional(fc.integer({ min: 0, max: 70_000 })),
    }),
  ],
};

/** Everything that is stored but what an answer of OK may change. */
function stateOf(rig: Fido2Rig) {
  return JSON.stringify(rig.platform.store.snapshot());
}

describe.each(Object.entries(requests))("Whatever map %s is sent", (_name, [command, arbitrary]) => {
  test.each(["command", "extension"] as const)(
    "the answer is a status that CTAP knows and canonical CBOR, and only OK changes anything (large blobs by %s)",
    async (largeBlob) => {
      const rig = new Fido2Rig({ largeBlob });
      await rig.registerResident(1);
      const property = fc.asyncProperty(arbitrary, async (map) => {
        const before = stateOf(rig);
        const message = Buffer.concat([Buffer.of(command), encodeCbor(map)]);
        const answer = await rig.authenticator.process(message, rig.transport);
        const { status } = parseReply(answer);
        expect(statuses.has(status)).toBe(true);
        expect(status).not.toBe(CtapStatus.CTAP1_ERR_OTHER);
        expect(answer.length).toBeLessThanOrEqual(7609);
        if (status !== 0) {
          expect(answer.length).toBe(1);
          expect(stateOf(rig)).toBe(before);
        }
      });
      await fc.assert(property, { numRuns: 250 });
    },
  );
});

test("Whatever bytes follow a command, the answer is a status, and the next sound request is answered", async () => {
  const rig = new Fido2Rig();
  const property = fc.asyncProperty(
    fc.constantFrom(...Object.values(requests).map(([command]) => command)),
    fc.uint8Array({ maxLength: 100 }),
    async (command, rest) => {
      const [status] = await rig.authenticator.process(Buffer.concat([Buffer.of(command), rest]), rig.transport);
      expect(statuses.has(status ?? -1)).toBe(true);
      expect(status).not.toBe(CtapStatus.CTAP1_ERR_OTHER);
    },
  );
  await fc.assert(property, { numRuns: 500 });
  await rig.register();
});
