import { beforeEach, describe, expect, test, vi } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import {
  Command,
  cborMap,
  clientDataHash,
  descriptor,
  getAssertionParameters,
  makeCredentialParameters,
  send,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import { type Members, Permission, PinClient, proof } from "../support/pin-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform } from "../support/platform.ts";
import { statusOf } from "./rig.ts";

let platform: TestPlatform;
let authenticator: Fido2Authenticator;
let client: PinClient;

beforeEach(() => {
  platform = createTestPlatform();
  authenticator = new Fido2Authenticator(platform, { uv: "ask" });
  client = new PinClient(authenticator);
});

const rkOnly = { 7: cborMap({ rk: true }) };
const rkAndUv = { 7: cborMap({ rk: true, uv: true }) };
const register = (changes: Members = {}) =>
  send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(changes));
const signIn = (changes: Members = {}) => send(authenticator, Command.GET_ASSERTION, getAssertionParameters(changes));
const uvRetries = async () => (await client.send(0x07)).map.get(5);

test("The person is asked who they are, once, and that is their touch, too", async () => {
  const { authData, credentialId, publicKey } = verifyRegistration(await register(rkAndUv));
  expect(authData.flags & 0x05).toBe(0x05);
  const { authData: signed } = verifyAssertion(
    await signIn({ 3: [descriptor(credentialId)], 5: cborMap({ uv: true }) }),
    publicKey,
  );
  expect(signed.flags & 0x05).toBe(0x05);
  expect(platform.presence.prompts).toMatchObject([
    { action: "register", subject: "example.com", account: "alice", verification: true },
    { action: "sign in", subject: "example.com", verification: true },
  ]);
});

test("For tests, a touch counts as verification", async () => {
  authenticator = new Fido2Authenticator(platform, { uv: "auto" });
  const { authData } = verifyRegistration(await register(rkAndUv));
  expect(authData.flags & 0x05).toBe(0x05);
  expect(platform.presence.prompts).toHaveLength(1);
  expect(platform.presence.prompts[0]).not.toHaveProperty("verification");
});

test("Without it, the uv option and its subcommands are refused", async () => {
  authenticator = new Fido2Authenticator(platform);
  client = new PinClient(authenticator);
  expect(statusOf(await register(rkAndUv))).toBe("CTAP2_ERR_INVALID_OPTION");
  expect(statusOf(await signIn({ 5: cborMap({ uv: true }) }))).toBe("CTAP2_ERR_INVALID_OPTION");
  expect(statusOf(await client.requestTokenByUv(Permission.CM))).toBe("CTAP2_ERR_INVALID_SUBCOMMAND");
  expect(statusOf(await client.send(0x07))).toBe("CTAP2_ERR_INVALID_SUBCOMMAND");
  expect(platform.presence.prompts).toEqual([]);
});

test("A key that can verify its user wants it for discoverable credentials", async () => {
  expect(statusOf(await register({ 7: cborMap({ rk: true }) }))).toBe("CTAP2_ERR_OPERATION_DENIED");
  await client.setPin("1234");
  expect(statusOf(await register({ 7: cborMap({ rk: true }) }))).toBe("CTAP2_ERR_PUAT_REQUIRED");
});

test("A refusal costs a try; an answer that never came, or a cancellation, does not", async () => {
  platform.presence.answer("timeout", "denied", "pending");
  expect(statusOf(await register(rkAndUv))).toBe("CTAP2_ERR_USER_ACTION_TIMEOUT");
  expect(await uvRetries()).toBe(8);
  expect(statusOf(await register(rkAndUv))).toBe("CTAP2_ERR_OPERATION_DENIED");
  expect(await uvRetries()).toBe(7);
  const transport = createTestTransport();
  const cancelled = send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(rkAndUv), transport);
  await vi.waitFor(() => expect(platform.presence.prompts).toHaveLength(3), { interval: 1 });
  transport.cancel();
  expect(statusOf(await cancelled)).toBe("CTAP2_ERR_KEEPALIVE_CANCEL");
  expect(await uvRetries()).toBe(7);
  expect(statusOf(await register(rkAndUv))).toBe("CTAP2_OK");
  expect(await uvRetries()).toBe(8);
});

test("Eight refusals block it, power cycle or not", async () => {
  platform.presence.answer(...Array<"denied">(8).fill("denied"));
  for (let i = 0; i < 7; i++) expect(statusOf(await register(rkAndUv))).toBe("CTAP2_ERR_OPERATION_DENIED");
  expect(statusOf(await client.requestTokenByUv(Permission.CM))).toBe("CTAP2_ERR_UV_BLOCKED");
  expect(statusOf(await register(rkAndUv))).toBe("CTAP2_ERR_PIN_BLOCKED");
  expect(statusOf(await signIn({ 5: cborMap({ uv: true }) }))).toBe("CTAP2_ERR_PIN_BLOCKED");
  authenticator.powerCycle();
  expect(statusOf(await client.requestTokenByUv(Permission.CM))).toBe("CTAP2_ERR_UV_BLOCKED");
  expect(platform.presence.prompts).toHaveLength(8);
});

test("Where a PIN is set, what is refused or blocked asks for it, and it opens the verification again", async () => {
  await client.setPin("1234");
  platform.presence.answer(...Array<"denied">(8).fill("denied"));
  for (let i = 0; i < 4; i++) {
    expect(statusOf(await register(rkAndUv))).toBe("CTAP2_ERR_PUAT_REQUIRED");
    expect(statusOf(await signIn({ 5: cborMap({ uv: true }) }))).toBe("CTAP2_ERR_PUAT_REQUIRED");
  }
  expect(await uvRetries()).toBe(0);
  expect(statusOf(await register(rkAndUv))).toBe("CTAP2_ERR_PUAT_REQUIRED");
  expect(statusOf(await client.requestTokenByUv(Permission.CM))).toBe("CTAP2_ERR_UV_BLOCKED");
  expect(platform.presence.prompts).toHaveLength(8);
  await client.getToken("1234", Permission.CM);
  expect(await uvRetries()).toBe(8);
  expect(statusOf(await register(rkAndUv))).toBe("CTAP2_OK");
});

test("The try is durable before the person is asked", async () => {
  platform.store.failNextCommit("io");
  expect(statusOf(await register(rkAndUv))).toBe("CTAP1_ERR_OTHER");
  expect(platform.presence.prompts).toEqual([]);
});

describe("A token by verification", () => {
  test("registers without another touch for 30 s", async () => {
    const { token } = await client.requestTokenByUv(Permission.MC | Permission.GA, "example.com");
    const { authData } = verifyRegistration(await register({ ...proof(token, clientDataHash, 9, 8), ...rkOnly }));
    expect(authData.flags & 0x05).toBe(0x05);
    expect(platform.presence.prompts).toMatchObject([
      { action: "register", subject: "example.com", verification: true },
    ]);
  });

  test("asks for the touch again after 30 s", async () => {
    const { token } = await client.requestTokenByUv(Permission.MC | Permission.GA, "example.com");
    const silent = { ...proof(token, clientDataHash, 7, 6), 5: cborMap({ up: false }) };
    expect(statusOf(await signIn(silent))).toBe("CTAP2_ERR_NO_CREDENTIALS");
    platform.clock.advance(30_001);
    expect(statusOf(await register({ ...proof(token, clientDataHash, 9, 8), ...rkOnly }))).toBe("CTAP2_OK");
    expect(platform.presence.prompts).toHaveLength(2);
  });

  test("is refused with the person, and for what no token may", async () => {
    platform.presence.answer("denied", "timeout", "pending");
    expect(statusOf(await client.requestTokenByUv(Permission.CM))).toBe("CTAP2_ERR_UV_INVALID");
    expect(statusOf(await client.requestTokenByUv(Permission.CM))).toBe("CTAP2_ERR_USER_ACTION_TIMEOUT");
    const transport = createTestTransport();
    const cancelled = new PinClient(authenticator, 2, transport).requestTokenByUv(Permission.CM);
    await vi.waitFor(() => expect(platform.presence.prompts).toHaveLength(3), { interval: 1 });
    transport.cancel();
    expect(statusOf(await cancelled)).toBe("CTAP2_ERR_KEEPALIVE_CANCEL");
    const ask = async (permissions: number, changes: Members = {}) =>
      statusOf(await client.requestTokenByUv(permissions, undefined, changes));
    expect(await ask(0)).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(await ask(Permission.MC)).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(await ask(Permission.CM, { 9: undefined })).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(await ask(Permission.CM, { 3: undefined })).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(await ask(Permission.CM, { 1: 3 })).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(await ask(Permission.BE)).toBe("CTAP2_ERR_UNAUTHORIZED_PERMISSION");
    expect(await ask(Permission.PCMR | Permission.ACFG)).toBe("CTAP2_ERR_UNAUTHORIZED_PERMISSION");
    expect(await ask(Permission.PCMR)).toBe("CTAP2_OK");
    expect(await ask(Permission.ACFG)).toBe("CTAP2_OK");
  });
});

test("With alwaysUv, the key verifies of itself, except for a silent search", async () => {
  const { token } = await client.requestTokenByUv(Permission.ACFG);
  expect(statusOf(await client.configure(0x02, undefined, token))).toBe("CTAP2_OK");
  const { authData, credentialId, publicKey } = verifyRegistration(await register());
  expect(authData.flags & 0x04).toBe(0x04);
  const allowed = { 3: [descriptor(credentialId)] };
  expect(verifyAssertion(await signIn(allowed), publicKey).authData.flags & 0x05).toBe(0x05);
  const silent = verifyAssertion(await signIn({ ...allowed, 5: cborMap({ up: false }) }), publicKey);
  expect(silent.authData.flags & 0x05).toBe(0);
});
