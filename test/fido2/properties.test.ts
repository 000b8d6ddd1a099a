// What holds for any request whatsoever, sound, nearly sound or noise.
import fc from "fast-check";
import { expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CtapStatus } from "../../applets/fido2/status.ts";
import { type CborMap, type CborValue, decodeCborMap } from "../../src/cbor.ts";
import type { PresenceOutcome } from "../../src/platform.ts";
import {
  Command,
  cborMap,
  credentialParameter,
  descriptor,
  encodeRequest,
  getAssertionParameters,
  makeCredentialParameters,
  send,
  verifyRegistration,
} from "../support/fido-client.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

const knownStatuses = new Set<number>(Object.values(CtapStatus));
const outcomes = fc.constantFrom<PresenceOutcome>("granted", "granted", "denied", "timeout", "cancelled");

const leaf: fc.Arbitrary<CborValue> = fc.oneof(
  fc.integer(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.string({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 80 }),
  fc.boolean(),
  fc.constant(null),
);
const key = fc.oneof(fc.integer({ min: -5, max: 30 }), fc.constantFrom("id", "type", "alg", "name", "rk", "up", "uv"));
/** Anything, four levels deep at most with the map of the request around it. */
const { anything } = fc.letrec<{ anything: CborValue }>((tie) => ({
  anything: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    leaf,
    fc.array(tie("anything"), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie("anything")), { maxLength: 4 }).map((entries): CborValue => new Map(entries)),
  ),
}));

/** Members of the right type and often of a right value, so that requests get far before they fail, or succeed. */
const plausible: fc.Arbitrary<CborValue> = fc.oneof(
  fc.constantFrom<CborValue>(
    new Uint8Array(32),
    new Uint8Array(0),
    "example.com",
    cborMap({ id: "example.com" }),
    cborMap({ id: Uint8Array.of(1) }),
    [],
    [credentialParameter(-7)],
    [credentialParameter(-8), credentialParameter(-7)],
    [descriptor(new Uint8Array(66))],
    cborMap({ rk: true }),
    cborMap({ up: false }),
    cborMap({ up: true }),
    cborMap({ uv: true }),
    1,
    2,
  ),
  anything,
);

const changes = fc.dictionary(fc.integer({ min: 1, max: 12 }).map(String), fc.option(plausible, { nil: undefined }), {
  maxKeys: 4,
});
const requests: fc.Arbitrary<Uint8Array> = fc.oneof(
  changes.map((change) => encodeRequest(Command.MAKE_CREDENTIAL, makeCredentialParameters(change))),
  changes.map((change) => encodeRequest(Command.GET_ASSERTION, getAssertionParameters(change))),
  fc
    .tuple(fc.nat({ max: 255 }), fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), plausible), { maxLength: 6 }))
    .map(([command, entries]) => encodeRequest(command, new Map(entries) as CborMap)),
  fc
    .tuple(fc.constantFrom(1, 2, 4, 7, 8, 11), fc.uint8Array({ maxLength: 40 }))
    .map(([c, rest]) => Uint8Array.of(c, ...rest)),
  fc.uint8Array({ maxLength: 60 }),
);

/** Commands that may change what is stored when they answer OK. */
const writing: readonly number[] = [Command.MAKE_CREDENTIAL, Command.RESET];

/** The store of a key with a discoverable credential and one that is not. */
async function createRecords(): Promise<Record<string, Uint8Array>> {
  const platform = createTestPlatform();
  const authenticator = new Fido2Authenticator(platform);
  for (const rk of [true, false]) {
    const parameters = makeCredentialParameters({ 7: cborMap({ rk }) });
    verifyRegistration(await send(authenticator, Command.MAKE_CREDENTIAL, parameters));
  }
  const { store } = platform;
  return Object.fromEntries([...store.keys("")].map((key) => [key, store.get(key) ?? new Uint8Array(0)]));
}

test("Any request gets one of CTAP's statuses, and changes nothing unless it is one that writes and answered OK", async () => {
  const records = await createRecords();
  let answeredOk = 0;
  await fc.assert(
    fc.asyncProperty(requests, outcomes, async (request, outcome) => {
      const platform = createTestPlatform();
      await platform.store.commit(records);
      const authenticator = new Fido2Authenticator(platform);
      const before = platform.store.snapshot();

      platform.presence.answer(outcome);
      const reply = await authenticator.process(request, createTestTransport());
      const status = reply[0] ?? -1;
      expect(knownStatuses).toContain(status);
      if (status === CtapStatus.CTAP2_OK) {
        answeredOk++;
        if (reply.length > 1) expect(decodeCborMap(reply.subarray(1)).size).toBeGreaterThan(0);
      } else {
        expect(reply).toHaveLength(1);
      }
      const mayWrite = status === CtapStatus.CTAP2_OK && writing.includes(request[0] ?? -1);
      if (!mayWrite) expect(platform.store.snapshot()).toEqual(before);
      // Nothing a client sends is a fault of ours.
      expect(status).not.toBe(CtapStatus.CTAP1_ERR_OTHER);
      expect(platform.lines.filter((line) => line.startsWith("error"))).toEqual([]);
    }),
    { numRuns: 1_500 },
  );
  expect(answeredOk).toBeGreaterThan(20); // the generator reaches the far end, too
});
