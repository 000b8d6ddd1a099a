import { describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CtapStatus } from "../../applets/fido2/status.ts";
import type { CborValue } from "../../src/cbor.ts";
import {
  Command,
  cborMap,
  credentialParameter,
  descriptor,
  encodeRequest,
  getAssertionParameters,
  makeCredentialParameters,
  parseReply,
  send,
  sha256,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform } from "../support/platform.ts";

const AAGUID = "6ef40769a9a44bdebf398ff256953245";

function setUp(): { platform: TestPlatform; make: (changes?: Record<number, CborValue>) => ReturnType<typeof send> } & {
  authenticator: Fido2Authenticator;
} {
  const platform = createTestPlatform();
  const authenticator = new Fido2Authenticator(platform);
  return {
    platform,
    authenticator,
    make: (changes) => send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(changes)),
  };
}

const discoverable = cborMap({ rk: true });

describe.each([
  ["ES256", -7],
  ["EdDSA", -8],
])("%s", (_name, alg) => {
  test.each([false, true])("A credential (discoverable: %s) attests for itself, and signs later", async (rk) => {
    const { platform, authenticator, make } = setUp();
    const reply = await make({ 4: [credentialParameter(alg)], 7: cborMap({ rk }) });
    const { credentialId, publicKey, authData } = verifyRegistration(reply);
    expect(publicKey.get(3)).toBe(alg);
    expect(authData.flags).toBe(0x41); // UP and AT
    expect(authData.aaguid).toBe(AAGUID);
    expect(authData.rpIdHash).toEqual(sha256("example.com"));
    expect([...reply.map.keys()]).toEqual([1, 2, 3]);
    expect(platform.lines).toEqual([]);

    const parameters = getAssertionParameters({ 3: [descriptor(credentialId)] });
    const assertion = verifyAssertion(await send(authenticator, Command.GET_ASSERTION, parameters), publicKey);
    expect(assertion.credentialId).toEqual(credentialId);
    expect(assertion.authData.signCount).toBeGreaterThan(authData.signCount);
  });
});

test("A credential id has at most 128 bytes, and differs each time", async () => {
  const { make } = setUp();
  for (const rk of [false, true]) {
    const first = verifyRegistration(await make({ 7: cborMap({ rk }) }));
    const second = verifyRegistration(await make({ 7: cborMap({ rk }) }));
    expect(first.credentialId.length).toBeGreaterThanOrEqual(16);
    expect(first.credentialId.length).toBeLessThanOrEqual(128);
    expect(first.credentialId).not.toEqual(second.credentialId);
  }
});

test("A non-discoverable credential takes no room in the store, but the first makes the secret that seals them", async () => {
  const { platform, make } = setUp();
  await make();
  const before = platform.store.snapshot();
  expect(Object.keys(before)).toEqual(["fido2/sealing-secret"]);
  await make();
  expect(platform.store.snapshot()).toEqual(before);
});

test("The person is asked once, for this relying party and user, while the host hears that it takes a touch", async () => {
  const { platform, authenticator } = setUp();
  const transport = createTestTransport();
  await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(), transport);
  expect(platform.presence.prompts).toEqual([
    { applet: "FIDO2", action: "register", subject: "example.com", account: "alice" },
  ]);
  expect(transport.keepalives).toEqual(["upneeded", "processing"]);
});

test("The client's first algorithm that is supported is chosen, and unknown types and algorithms are passed over", async () => {
  const { make } = setUp();
  const params = [
    cborMap({ alg: -7, type: "something-else" }),
    cborMap({ type: "a type without alg" }),
    credentialParameter(-65_535),
    credentialParameter(-8),
    credentialParameter(-7),
  ];
  expect(verifyRegistration(await make({ 4: params })).publicKey.get(3)).toBe(-8);
});

test("Members, options and extensions that are not known are ignored", async () => {
  const { make } = setUp();
  const reply = await make({
    2: cborMap({ id: "example.com", icon: 5, other: null }),
    6: cborMap({ unknownExtension: true }),
    7: cborMap({ rk: false, up: true, uv: false, unknown: 7 }),
    99: "unknown",
  });
  expect(verifyRegistration(reply).authData.flags).toBe(0x41);
});

test("A request in the longest message that CTAPHID carries is answered", async () => {
  const { make } = setUp();
  const list = Array.from({ length: 55 }, (_, i) => descriptor(new Uint8Array(100).fill(i)));
  const parameters = makeCredentialParameters({ 5: list, 7: discoverable });
  expect(encodeRequest(1, parameters).length).toBeGreaterThan(6_500);
  expect((await make({ 5: list, 7: discoverable })).status).toBe(CtapStatus.CTAP2_OK);
});

describe("Each wrong request is answered with CTAP's own status, and changes nothing", () => {
  const rp = (changes: Record<string, CborValue>) => ({ 2: cborMap({ id: "example.com", ...changes }) });
  const user = (changes: Record<string, CborValue>) => ({ 3: cborMap({ id: Uint8Array.of(1), ...changes }) });
  const pinUvAuthParam = new Uint8Array(16);

  test.each<[string, Record<number, CborValue>, keyof typeof CtapStatus]>([
    ["no clientDataHash", { 1: undefined }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["no rp", { 2: undefined }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["no user", { 3: undefined }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["no pubKeyCredParams", { 4: undefined }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["no rp.id", rp({ id: undefined }), "CTAP2_ERR_MISSING_PARAMETER"],
    ["no user.id", user({ id: undefined }), "CTAP2_ERR_MISSING_PARAMETER"],
    ["an excludeList entry without id", { 5: [cborMap({ type: "public-key" })] }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["an excludeList entry without type", { 5: [cborMap({ id: Buffer.of(1) })] }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["clientDataHash as text", { 1: "hash" }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["rp as text", { 2: "example.com" }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["rp.id as bytes", rp({ id: Buffer.from("example.com") }), "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["rp.name as number", rp({ name: 1 }), "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["user as array", { 3: [] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["user.id as text", user({ id: "1" }), "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["user.name as bytes", user({ name: Buffer.of(1) }), "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["user.displayName null", user({ displayName: null }), "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["pubKeyCredParams as map", { 4: credentialParameter(-7) }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["pubKeyCredParams of numbers", { 4: [-7] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["alg as text", { 4: [cborMap({ alg: "ES256", type: "public-key" })] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["type as number", { 4: [cborMap({ alg: -7, type: 1 })] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["a bad element after a good one", { 4: [credentialParameter(-7), 5] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["excludeList as map", { 5: cborMap({}) }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["excludeList of bytes", { 5: [Buffer.of(1)] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["extensions as array", { 6: [] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["options as array", { 7: [] }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["options.rk as number", { 7: cborMap({ rk: 1 }) }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["options.up as text", { 7: cborMap({ up: "true" }) }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["options.uv null", { 7: cborMap({ uv: null }) }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["pinUvAuthParam as text", { 8: "" }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["pinUvAuthProtocol as text", { 9: "1" }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["enterpriseAttestation as boolean", { 10: true }, "CTAP2_ERR_CBOR_UNEXPECTED_TYPE"],
    ["an element without type", { 4: [cborMap({ alg: -7 })] }, "CTAP2_ERR_INVALID_CBOR"],
    ["an element without alg", { 4: [cborMap({ type: "public-key" })] }, "CTAP2_ERR_INVALID_CBOR"],
    ["clientDataHash of 31 bytes", { 1: new Uint8Array(31) }, "CTAP1_ERR_INVALID_LENGTH"],
    ["an empty user.id", user({ id: new Uint8Array(0) }), "CTAP1_ERR_INVALID_LENGTH"],
    ["user.id of 65 bytes", user({ id: new Uint8Array(65) }), "CTAP1_ERR_INVALID_LENGTH"],
    ["no algorithm at all", { 4: [] }, "CTAP2_ERR_UNSUPPORTED_ALGORITHM"],
    ["RS256 alone", { 4: [credentialParameter(-257)] }, "CTAP2_ERR_UNSUPPORTED_ALGORITHM"],
    ["ES256 of another type", { 4: [cborMap({ alg: -7, type: "other" })] }, "CTAP2_ERR_UNSUPPORTED_ALGORITHM"],
    ["an algorithm of 41 bits", { 4: [credentialParameter(2 ** 40)] }, "CTAP2_ERR_UNSUPPORTED_ALGORITHM"],
    ["uv without built-in verification", { 7: cborMap({ uv: true }) }, "CTAP2_ERR_INVALID_OPTION"],
    ["up: false", { 7: cborMap({ up: false }) }, "CTAP2_ERR_INVALID_OPTION"],
    ["pinUvAuthParam without protocol", { 8: pinUvAuthParam }, "CTAP2_ERR_MISSING_PARAMETER"],
    ["a PIN/UV protocol, of which there is none", { 8: pinUvAuthParam, 9: 1 }, "CTAP1_ERR_INVALID_PARAMETER"],
    ["a PIN/UV protocol of 41 bits", { 8: pinUvAuthParam, 9: 2 ** 40 }, "CTAP1_ERR_INVALID_PARAMETER"],
    ["enterprise attestation", { 10: 1 }, "CTAP1_ERR_INVALID_PARAMETER"],
  ])("%s", async (_what, changes, status) => {
    const { platform, make } = setUp();
    const reply = await make({ 7: discoverable, ...changes });
    expect(reply.status).toBe(CtapStatus[status]);
    expect(reply.map.size).toBe(0);
    expect(platform.store.snapshot()).toEqual({});
    expect(platform.presence.prompts).toEqual([]);
    expect(platform.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  test.each([
    ["no parameters at all", []],
    ["a map that ends early", [0xa1, 0x01]],
    ["keys out of order", [0xa2, 0x02, 0x00, 0x01, 0x00]],
    ["a tag", [0xa1, 0x01, 0xc0, 0x00]],
    ["bytes after the map", [0xa0, 0x00]],
  ])("%s", async (_what, bytes) => {
    const { authenticator } = setUp();
    const reply = parseReply(await authenticator.process(Uint8Array.of(1, ...bytes), createTestTransport()));
    expect(reply.status).toBe(CtapStatus.CTAP2_ERR_INVALID_CBOR);
  });

  test("an array instead of the map", async () => {
    const { authenticator } = setUp();
    const reply = parseReply(await authenticator.process(Uint8Array.of(1, 0x80), createTestTransport()));
    expect(reply.status).toBe(CtapStatus.CTAP2_ERR_CBOR_UNEXPECTED_TYPE);
  });

  test("CBOR's undefined instead of the options", async () => {
    const { authenticator } = setUp();
    const request = Uint8Array.of(1, 0xa1, 0x06, 0xf7);
    const reply = parseReply(await authenticator.process(request, createTestTransport()));
    expect(reply.status).toBe(CtapStatus.CTAP2_ERR_CBOR_UNEXPECTED_TYPE);
  });
});

describe("The touch", () => {
  test.each([
    ["denied", "CTAP2_ERR_OPERATION_DENIED"],
    ["timeout", "CTAP2_ERR_USER_ACTION_TIMEOUT"],
    ["cancelled", "CTAP2_ERR_KEEPALIVE_CANCEL"],
  ] as const)("%s is %s, nothing is stored, and the next request works", async (outcome, status) => {
    const { platform, make } = setUp();
    platform.presence.answer(outcome);
    expect((await make({ 7: discoverable })).status).toBe(CtapStatus[status]);
    expect(platform.store.snapshot()).toEqual({});
    expect((await make({ 7: discoverable })).status).toBe(CtapStatus.CTAP2_OK);
  });

  test("that does not come is ended by the host's cancel", async () => {
    const { platform, authenticator } = setUp();
    platform.presence.answer("pending");
    const transport = createTestTransport();
    const reply = send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(), transport);
    transport.cancel();
    expect((await reply).status).toBe(CtapStatus.CTAP2_ERR_KEEPALIVE_CANCEL);
  });

  test("after a zero-length pinUvAuthParam only selects this key", async () => {
    const { platform, make } = setUp();
    expect((await make({ 8: new Uint8Array(0), 9: 1 })).status).toBe(CtapStatus.CTAP2_ERR_PIN_NOT_SET);
    expect(platform.presence.prompts).toEqual([{ applet: "FIDO2", action: "select this key" }]);
    platform.presence.answer("denied");
    expect((await make({ 8: new Uint8Array(0), 9: 1 })).status).toBe(CtapStatus.CTAP2_ERR_OPERATION_DENIED);
  });
});

describe("The excludeList", () => {
  test.each([false, true])("keeps out a second credential (discoverable: %s), after a touch", async (rk) => {
    const { platform, make } = setUp();
    const { credentialId } = verifyRegistration(await make({ 7: cborMap({ rk }) }));
    const before = platform.store.snapshot();
    const list = [descriptor(Buffer.from("not ours")), descriptor(credentialId)];
    expect((await make({ 5: list, 7: discoverable })).status).toBe(CtapStatus.CTAP2_ERR_CREDENTIAL_EXCLUDED);
    expect(platform.presence.prompts).toHaveLength(2);
    expect(platform.store.snapshot()).toEqual(before);
  });

  test.each([
    ["denied", "CTAP2_ERR_CREDENTIAL_EXCLUDED"],
    ["timeout", "CTAP2_ERR_CREDENTIAL_EXCLUDED"],
    ["cancelled", "CTAP2_ERR_KEEPALIVE_CANCEL"],
  ] as const)("answers a touch that is %s with %s", async (outcome, status) => {
    const { platform, make } = setUp();
    const { credentialId } = verifyRegistration(await make());
    platform.presence.answer(outcome);
    expect((await make({ 5: [descriptor(credentialId)] })).status).toBe(CtapStatus[status]);
  });

  test("does not concern another relying party, another key, or another type of credential", async () => {
    const { make } = setUp();
    const { credentialId } = verifyRegistration(await make());
    const list = [descriptor(credentialId)];
    expect((await make({ 2: cborMap({ id: "other.example" }), 5: list })).status).toBe(CtapStatus.CTAP2_OK);
    expect((await setUp().make({ 5: list })).status).toBe(CtapStatus.CTAP2_OK);
    expect((await make({ 5: [cborMap({ id: credentialId, type: "other" })] })).status).toBe(CtapStatus.CTAP2_OK);
  });
});

describe("A discoverable credential", () => {
  test("replaces the one for the same relying party and user, and no other", async () => {
    const { platform, authenticator, make } = setUp();
    const first = verifyRegistration(await make({ 7: discoverable }));
    const other = verifyRegistration(await make({ 3: cborMap({ id: Buffer.from("user 2") }), 7: discoverable }));
    await make({ 2: cborMap({ id: "other.example" }), 7: discoverable });
    const second = verifyRegistration(await make({ 7: discoverable }));
    expect([...platform.store.keys("fido2/credential/")]).toHaveLength(3);

    const ask = (id: Uint8Array) =>
      send(authenticator, Command.GET_ASSERTION, getAssertionParameters({ 3: [descriptor(id)] }));
    expect((await ask(first.credentialId)).status).toBe(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);
    verifyAssertion(await ask(other.credentialId), other.publicKey);
    verifyAssertion(await ask(second.credentialId), second.publicKey);
  });

  test.each([
    ["no-space", "CTAP2_ERR_KEY_STORE_FULL"],
    ["io", "CTAP1_ERR_OTHER"],
  ] as const)(
    "is not made when the store answers %s, and the one that it would replace stays",
    async (code, status) => {
      const { platform, authenticator, make } = setUp();
      const { publicKey } = verifyRegistration(await make({ 7: discoverable }));
      const before = platform.store.snapshot();
      platform.store.failNextCommit(code);
      expect((await make({ 7: discoverable })).status).toBe(CtapStatus[status]);
      expect(platform.store.snapshot()).toEqual(before);
      expect(platform.lines.some((line) => line.startsWith("error FIDO2 authenticatorMakeCredential failed"))).toBe(
        true,
      );
      const assertion = await send(authenticator, Command.GET_ASSERTION, getAssertionParameters());
      expect(verifyAssertion(assertion, publicKey).numberOfCredentials).toBeUndefined();
    },
  );

  test("is not stored when the signature counter cannot be advanced", async () => {
    const { platform, make } = setUp();
    platform.store.failNextCount("no-space");
    expect((await make({ 7: discoverable })).status).toBe(CtapStatus.CTAP2_ERR_KEY_STORE_FULL);
    expect(platform.store.snapshot()).toEqual({});
  });

  test("of the same user asked for twice at once leaves one", async () => {
    const { platform, make } = setUp();
    await Promise.all([make({ 7: discoverable }), make({ 7: discoverable })]);
    expect([...platform.store.keys("fido2/credential/")]).toHaveLength(1);
  });
});

test("Two first non-discoverable credentials asked for at once are sealed with one secret", async () => {
  const { authenticator, make } = setUp();
  const made = (await Promise.all([make(), make()])).map(verifyRegistration);
  for (const { credentialId, publicKey } of made) {
    authenticator.powerCycle();
    const parameters = getAssertionParameters({ 3: [descriptor(credentialId)] });
    verifyAssertion(await send(authenticator, Command.GET_ASSERTION, parameters), publicKey);
  }
});

test("A non-discoverable credential cannot be made while its secret cannot be stored", async () => {
  const { platform, make } = setUp();
  platform.store.failNextCommit("no-space");
  expect((await make()).status).toBe(CtapStatus.CTAP2_ERR_KEY_STORE_FULL);
  expect(platform.store.snapshot()).toEqual({});
  expect((await make()).status).toBe(CtapStatus.CTAP2_OK);
});
