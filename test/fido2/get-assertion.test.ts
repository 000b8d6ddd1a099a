import { describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CtapStatus } from "../../applets/fido2/status.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import {
  bytesOf,
  Command,
  cborMap,
  descriptor,
  getAssertionParameters,
  makeCredentialParameters,
  type Registration,
  send,
  sha256,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

function setUp() {
  const platform = createTestPlatform();
  const authenticator = new Fido2Authenticator(platform);
  return {
    platform,
    authenticator,
    register: async (userId: string, rk = true, rpId = "example.com"): Promise<Registration> => {
      const user = cborMap({ id: Buffer.from(userId), name: `name of ${userId}`, displayName: userId });
      const changes = { 2: cborMap({ id: rpId }), 3: user, 7: cborMap({ rk }) };
      return verifyRegistration(await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(changes)));
    },
    assert: (changes?: Record<number, CborValue>, transport = createTestTransport()) =>
      send(authenticator, Command.GET_ASSERTION, getAssertionParameters(changes), transport),
  };
}

function userIdOf(user: CborMap | undefined): string {
  return Buffer.from(bytesOf(user?.get("id"))).toString();
}

test("A non-discoverable credential is found by its id, and no user goes with it", async () => {
  const { register, assert } = setUp();
  const { credentialId, publicKey } = await register("user", false);
  const reply = await assert({ 3: [descriptor(credentialId)] });
  const { authData, user, numberOfCredentials } = verifyAssertion(reply, publicKey);
  expect(authData.flags).toBe(0x01);
  expect(authData.rpIdHash).toEqual(sha256("example.com"));
  expect(user).toBeUndefined();
  expect(numberOfCredentials).toBeUndefined();
  expect([...reply.map.keys()]).toEqual([1, 2, 3]);
});

test("A non-discoverable credential is not found without its id", async () => {
  const { register, assert } = setUp();
  await register("user", false);
  expect((await assert()).status).toBe(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);
});

test("A discoverable credential is found without an id, and its user's name stays private without verification", async () => {
  const { platform, register, assert } = setUp();
  const { publicKey } = await register("user");
  const { user } = verifyAssertion(await assert(), publicKey);
  expect([...(user?.keys() ?? [])]).toEqual(["id"]);
  expect(userIdOf(user)).toBe("user");
  expect(platform.presence.prompts.at(-1)).toEqual({
    applet: "FIDO2",
    action: "sign in",
    subject: "example.com",
    account: "name of user",
  });
});

test("Of an allowList the client's first match is taken, whatever else is on it", async () => {
  const { register, assert } = setUp();
  const first = await register("user 1");
  const second = await register("user 2", false);
  const list = [
    descriptor(Buffer.from("not ours")),
    descriptor(new Uint8Array(0)),
    cborMap({ id: first.credentialId, type: "other" }),
    cborMap({ id: second.credentialId, type: "public-key", transports: ["usb"] }),
    descriptor(first.credentialId),
  ];
  const { credentialId, numberOfCredentials } = verifyAssertion(await assert({ 3: list }), second.publicKey);
  expect(credentialId).toEqual(second.credentialId);
  expect(numberOfCredentials).toBeUndefined();
});

test("An empty allowList counts as none, and one without a match as one without a match", async () => {
  const { register, assert } = setUp();
  const { publicKey } = await register("user");
  verifyAssertion(await assert({ 3: [] }), publicKey);
  const foreign = [cborMap({ id: Buffer.of(1), type: "other" })];
  expect((await assert({ 3: foreign })).status).toBe(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);
});

test("up: false signs without asking, and says that no one was asked", async () => {
  const { platform, register, assert } = setUp();
  const { credentialId, publicKey } = await register("user", false);
  platform.presence.prompts.length = 0;
  const transport = createTestTransport();
  const changes = { 3: [descriptor(credentialId)], 5: cborMap({ up: false }) };
  const { authData } = verifyAssertion(await assert(changes, transport), publicKey);
  expect(authData.flags).toBe(0);
  expect(platform.presence.prompts).toEqual([]);
  expect(transport.keepalives).toEqual([]);
});

test("The signature counter rises with every signature, over a power cycle and over a reset", async () => {
  const { authenticator, register, assert } = setUp();
  const { credentialId, publicKey, authData } = await register("user", false);
  const counts = [authData.signCount];
  for (let i = 0; i < 3; i++) {
    counts.push(verifyAssertion(await assert({ 3: [descriptor(credentialId)] }), publicKey).authData.signCount);
    authenticator.powerCycle();
  }
  await send(authenticator, Command.RESET);
  counts.push((await register("user")).authData.signCount);
  expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
});

test("Without a new value of the counter nothing is signed, and the next request works", async () => {
  const { platform, register, assert } = setUp();
  const { publicKey } = await register("user");
  platform.store.failNextCount("io");
  const reply = await assert();
  expect([reply.status, reply.map.size]).toEqual([CtapStatus.CTAP1_ERR_OTHER, 0]);
  verifyAssertion(await assert(), publicKey);
});

describe("Each wrong request is answered with CTAP's own status", () => {
  test.each<[string, Record<number, CborValue>, keyof typeof CtapStatus]>([
    ["no rpId", { 1: undefined }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["no clientDataHash", { 2: undefined }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["an allowList entry without id", { 3: [cborMap({ type: "public-key" })] }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["an allowList entry without type", { 3: [cborMap({ id: Buffer.of(1) })] }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["rpId as bytes", { 1: Buffer.from("example.com") }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["clientDataHash as number", { 2: 1 }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["allowList as map", { 3: cborMap({}) }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["allowList of text", { 3: ["id"] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["an id as text", { 3: [cborMap({ id: "1", type: "public-key" })] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["extensions as text", { 4: "" }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["options as boolean", { 5: true }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["options.up as number", { 5: cborMap({ up: 0 }) }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["pinUvAuthParam as number", { 6: 0 }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["pinUvAuthProtocol as bytes", { 7: Buffer.of(1) }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["clientDataHash of 33 bytes", { 2: new Uint8Array(33) }, "CTAP1_ERR_INVALID_LENGTH"],
    ["uv without built-in verification", { 5: cborMap({ uv: true }) }, "CTAP2_ERR_INVALID_OPTION"],
    ["rk: true", { 5: cborMap({ rk: true }) }, "CTAP2_ERR_UNSUPPORTED_OPTION"],
    ["rk: false", { 5: cborMap({ rk: false }) }, "CTAP2_ERR_UNSUPPORTED_OPTION"],
    ["pinUvAuthParam without protocol", { 6: new Uint8Array(16) }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["a PIN/UV protocol, of which there is none", { 6: new Uint8Array(16), 7: 2 }, "CTAP1_ERR_INVALID_PARAMETER"],
    ["another relying party", { 1: "other.example" }, "CTAP2_ERR_NO_CREDENTIALS"],
    ["an id that was never made", { 3: [descriptor(new Uint8Array(66).fill(1))] }, "CTAP2_ERR_NO_CREDENTIALS"],
  ])("%s", async (_what, changes, status) => {
    const { platform, register, assert } = setUp();
    await register("user");
    platform.presence.prompts.length = 0;
    const reply = await assert(changes);
    expect(reply.status).toBe(CtapStatus[status]);
    expect(reply.map.size).toBe(0);
    expect(platform.presence.prompts).toEqual([]);
  });

  test.each([
    ["denied", "CTAP2_ERR_OPERATION_DENIED"],
    ["timeout", "CTAP2_ERR_USER_ACTION_TIMEOUT"],
    ["cancelled", "CTAP2_ERR_KEEPALIVE_CANCEL"],
  ] as const)("a touch that is %s: %s, and the next request works", async (outcome, status) => {
    const { platform, register, assert } = setUp();
    const { publicKey } = await register("user");
    platform.presence.answer(outcome);
    expect((await assert()).status).toBe(CtapStatus[status]);
    verifyAssertion(await assert(), publicKey);
  });

  test("a zero-length pinUvAuthParam: PIN_NOT_SET, after a touch", async () => {
    const { platform, assert } = setUp();
    expect((await assert({ 6: new Uint8Array(0), 7: 1 })).status).toBe(CtapStatus.CTAP2_ERR_PIN_NOT_SET);
    expect(platform.presence.prompts).toHaveLength(1);
  });
});

describe("Several accounts", () => {
  const next = (authenticator: Fido2Authenticator, transport = createTestTransport()) =>
    send(authenticator, Command.GET_NEXT_ASSERTION, undefined, transport);

  async function setUpThree() {
    const rig = setUp();
    const registrations = [await rig.register("user 1"), await rig.register("user 2"), await rig.register("user 3")];
    await rig.register("elsewhere", true, "other.example");
    const [oldest, middle, newest] = registrations as [Registration, Registration, Registration];
    return { ...rig, oldest, middle, newest };
  }

  test("come newest first, with one touch, and then no more", async () => {
    const { platform, authenticator, assert, oldest, middle, newest } = await setUpThree();
    platform.presence.prompts.length = 0;
    const first = verifyAssertion(await assert(), newest.publicKey);
    expect(first.numberOfCredentials).toBe(3);
    expect(userIdOf(first.user)).toBe("user 3");
    const second = verifyAssertion(await next(authenticator), middle.publicKey);
    expect(second.numberOfCredentials).toBeUndefined();
    expect(userIdOf(second.user)).toBe("user 2");
    expect(second.authData.flags).toBe(first.authData.flags);
    verifyAssertion(await next(authenticator), oldest.publicKey);
    expect((await next(authenticator)).status).toBe(CtapStatus.CTAP2_ERR_NOT_ALLOWED);
    expect(platform.presence.prompts).toEqual([{ applet: "FIDO2", action: "sign in", subject: "example.com" }]);
  });

  test("The account that was registered again is the newest", async () => {
    const { register, assert } = await setUpThree();
    const again = await register("user 1");
    expect(verifyAssertion(await assert(), again.publicKey).numberOfCredentials).toBe(3);
  });

  test("The order outlives the process", async () => {
    const { platform, assert, authenticator, oldest, middle, newest } = await setUpThree();
    await assert();
    const restarted = new Fido2Authenticator(platform);
    const parameters = getAssertionParameters();
    verifyAssertion(await send(restarted, Command.GET_ASSERTION, parameters), newest.publicKey);
    verifyAssertion(await next(restarted), middle.publicKey);
    verifyAssertion(await next(restarted), oldest.publicKey);
    expect((await next(authenticator)).status).toBe(CtapStatus.CTAP2_OK);
  });

  test.each([
    ["without a getAssertion before", async () => undefined],
    [
      "after an assertion from an allowList",
      async ({ assert, newest, oldest }: Three) =>
        assert({ 3: [descriptor(newest.credentialId), descriptor(oldest.credentialId)] }),
    ],
    [
      "after another command",
      async ({ assert, authenticator }: Three) => {
        await assert();
        await send(authenticator, Command.GET_INFO);
      },
    ],
    [
      "after an unknown command",
      async ({ assert, authenticator }: Three) => {
        await assert();
        await send(authenticator, 0x77);
      },
    ],
    [
      "after a getAssertion that failed",
      async ({ assert }: Three) => {
        await assert();
        await assert({ 1: "nowhere.example" });
      },
    ],
    [
      "30 s and a bit after the last",
      async ({ assert, platform }: Three) => {
        await assert();
        platform.clock.advance(30_001);
      },
    ],
    [
      "after a power cycle",
      async ({ assert, authenticator }: Three) => {
        await assert();
        authenticator.powerCycle();
      },
    ],
    [
      "after a reset",
      async ({ assert, authenticator }: Three) => {
        await assert();
        await send(authenticator, Command.RESET, undefined, createTestTransport(7));
      },
    ],
    [
      "after the next account was replaced from elsewhere",
      async ({ assert, authenticator }: Three) => {
        await assert();
        const changes = { 3: cborMap({ id: Buffer.from("user 2") }), 7: cborMap({ rk: true }) };
        await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(changes), createTestTransport(7));
      },
    ],
  ])("authenticatorGetNextAssertion is not allowed %s", async (_when, prepare) => {
    const rig = await setUpThree();
    await prepare(rig);
    expect((await next(rig.authenticator)).status).toBe(CtapStatus.CTAP2_ERR_NOT_ALLOWED);
  });
  type Three = Awaited<ReturnType<typeof setUpThree>>;

  test("authenticatorGetNextAssertion is allowed for 30 s after each one", async () => {
    const { platform, authenticator, assert } = await setUpThree();
    await assert();
    platform.clock.advance(30_000);
    expect((await next(authenticator)).status).toBe(CtapStatus.CTAP2_OK);
    platform.clock.advance(30_000);
    expect((await next(authenticator)).status).toBe(CtapStatus.CTAP2_OK);
  });

  test("authenticatorGetNextAssertion belongs to the channel that began, whatever others do", async () => {
    const { authenticator, assert, middle } = await setUpThree();
    await assert({}, createTestTransport(1));
    expect((await next(authenticator, createTestTransport(2))).status).toBe(CtapStatus.CTAP2_ERR_NOT_ALLOWED);
    await send(authenticator, Command.GET_INFO, undefined, createTestTransport(2));
    verifyAssertion(await next(authenticator, createTestTransport(1)), middle.publicKey);
  });

  test("authenticatorGetNextAssertion takes no parameters", async () => {
    const { authenticator, assert } = await setUpThree();
    await assert();
    const reply = await send(authenticator, Command.GET_NEXT_ASSERTION, cborMap({}));
    expect(reply.status).toBe(CtapStatus.CTAP1_ERR_INVALID_LENGTH);
  });

  test("up: false stays so for all of them", async () => {
    const { authenticator, assert, newest, middle } = await setUpThree();
    const first = verifyAssertion(await assert({ 5: cborMap({ up: false }) }), newest.publicKey);
    const second = verifyAssertion(await next(authenticator), middle.publicKey);
    expect([first.authData.flags, second.authData.flags]).toEqual([0, 0]);
  });
});
