// Whatever a client sends gets a status of CTAP's, and what is not answered with OK has changed nothing.
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CtapStatus } from "../../applets/fido2/status.ts";
import { type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import { Command, cborMap, clientDataHash, makeCredentialParameters, send } from "../support/fido-client.ts";
import { PinClient } from "../support/pin-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform } from "../support/platform.ts";

const MAX_MSG_SIZE = 7609;
const statuses = new Set<number>(Object.values(CtapStatus));

/** A wrong PIN, or a person who refuses, costs a try, and has to. */
const spent = new Set(["fido2/pin-retries", "fido2/uv-attempts"]);

const anyKey = fc.oneof(
  fc.integer({ min: -4, max: 12 }),
  fc.constantFrom("id", "type", "alg", "name", "rk", "up", "uv", "credProtect", "hmac-secret", "minPinLength"),
);

const { value: anyValue } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.integer({ min: -70_000, max: 70_000 }),
    fc.boolean(),
    fc.string({ maxLength: 20 }),
    fc.uint8Array({ maxLength: 80 }),
    fc.constantFrom<CborValue>(null, clientDataHash, "public-key", "example.com"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(anyKey, tie("value")), { maxLength: 5 }).map((entries) => new Map<CborValue, CborValue>(entries)),
  ),
}));
/** Members like those of a sound request, each replaced, left out or kept. */
function likeRequest(sound: Readonly<Record<number, CborValue>>) {
  const members = Object.entries(sound).map(([key, value]) =>
    fc
      .oneof({ weight: 4, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: anyValue }, fc.constant(undefined))
      .map((chosen): [number, CborValue] => [Number(key), chosen]),
  );
  return fc
    .tuple(...members)
    .map((entries) => new Map<CborValue, CborValue>(entries.filter(([, value]) => value !== undefined)));
}

const subCommand = fc.integer({ min: 0, max: 10 });
const anyMap = fc.array(fc.tuple(anyKey, anyValue), { maxLength: 10 }).map((entries) => new Map(entries));
const managed = subCommand.chain((sub) =>
  likeRequest({ 1: sub, 2: cborMap([[1, clientDataHash]]), 3: 2, 4: new Uint8Array(32) }),
);
const clientPin = subCommand.chain((sub) =>
  likeRequest({
    1: 2,
    2: sub,
    3: cborMap([
      [1, 2],
      [3, -25],
      [-1, 1],
      [-2, new Uint8Array(32)],
      [-3, new Uint8Array(32)],
    ]),
    4: new Uint8Array(32),
    5: new Uint8Array(80),
    6: new Uint8Array(32),
    9: 4,
    10: "example.com",
  }),
);
const registration = likeRequest(Object.fromEntries(makeCredentialParameters({ 7: cborMap({ rk: true }) })));

const anyRequest = fc.oneof(
  fc.record({ command: fc.integer({ min: 0, max: 0x45 }), map: anyMap }),
  fc.record({ command: fc.constant(Command.MAKE_CREDENTIAL as number), map: registration }),
  fc.record({ command: fc.constant(0x06), map: clientPin }),
  fc.record({ command: fc.constantFrom(0x0a, 0x0d, 0x41), map: managed }),
);

function unspent(platform: TestPlatform): Record<string, string> {
  return Object.fromEntries(Object.entries(platform.store.snapshot()).filter(([key]) => !spent.has(key)));
}

describe.each([
  ["without PIN", {}, false],
  ["with a PIN", {}, true],
  ["with a built-in verification", { uv: "auto" } as const, true],
])("A key %s", (_what, options, hasPin) => {
  let platform: TestPlatform;
  let authenticator: Fido2Authenticator;

  beforeEach(async () => {
    platform = createTestPlatform();
    authenticator = new Fido2Authenticator(platform, options);
    await send(
      authenticator,
      Command.MAKE_CREDENTIAL,
      makeCredentialParameters({ 7: cborMap({ rk: true, uv: hasPin && "uv" in options }) }),
    );
    if (hasPin) await new PinClient(authenticator).setPin("1234");
    await send(authenticator, Command.GET_INFO); // draws what it draws once
  });

  test("answers any map, and changes nothing unless it says OK", async () => {
    await fc.assert(
      fc.asyncProperty(anyRequest, async ({ command, map }) => {
        const before = unspent(platform);
        const request = Uint8Array.of(command, ...encodeCbor(map));
        const answer = await authenticator.process(request, createTestTransport());
        const status = answer[0] ?? -1;
        expect(statuses).toContain(status);
        expect(answer.length).toBeLessThanOrEqual(MAX_MSG_SIZE);
        if (status !== 0) {
          expect(answer).toHaveLength(1);
          expect(unspent(platform)).toEqual(before);
        } else if (answer.length > 1) decodeCborMap(answer.subarray(1));
      }),
      { numRuns: 400 },
    );
    expect(platform.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  test("answers any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const before = unspent(platform);
        const answer = await authenticator.process(bytes, createTestTransport());
        expect(statuses).toContain(answer[0]);
        if (answer[0] !== 0) expect(unspent(platform)).toEqual(before);
      }),
      { numRuns: 300 },
    );
    expect(platform.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});
