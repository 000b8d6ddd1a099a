import { beforeEach, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import type { CborMap } from "../../src/cbor.ts";
import {
  Command,
  cborMap,
  descriptor,
  getAssertionParameters,
  makeCredentialParameters,
  send,
  verifyAssertion,
  verifyRegistration,
} from "../support/fido-client.ts";
import { Permission, PinClient } from "../support/pin-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform } from "../support/platform.ts";
import { statusOf } from "./rig.ts";

let platform: TestPlatform;
let authenticator: Fido2Authenticator;
let client: PinClient;

beforeEach(() => {
  platform = createTestPlatform();
  authenticator = new Fido2Authenticator(platform);
  client = new PinClient(authenticator);
});

const reset = (transport = createTestTransport()) => send(authenticator, Command.RESET, undefined, transport);
const register = (rk: boolean) =>
  send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters({ 7: cborMap({ rk }) }));
const signIn = (id: Uint8Array) =>
  send(authenticator, Command.GET_ASSERTION, getAssertionParameters({ 3: [descriptor(id)] }));

test("A reset leaves nothing but the signature counter", async () => {
  const stored = verifyRegistration(await register(true));
  const sealed = verifyRegistration(await register(false));
  const { authData } = verifyAssertion(await signIn(stored.credentialId), stored.publicKey);
  await client.configure(0x03, cborMap([[1, 6]]));
  await client.configure(0x04);
  await client.setPin("123456");
  await client.requestToken("000000", Permission.CM);
  await client.getToken("123456", Permission.PCMR);
  const token = await client.getToken("123456", Permission.ACFG);
  await client.configure(0x02, undefined, token);

  authenticator.powerCycle();
  expect(statusOf(await reset())).toBe("CTAP2_OK");
  expect(platform.presence.prompts.at(-1)).toMatchObject({ action: "erase all FIDO credentials", long: true });
  expect(Object.keys(platform.store.snapshot())).toEqual([]);
  expect(statusOf(await signIn(stored.credentialId))).toBe("CTAP2_ERR_NO_CREDENTIALS");
  expect(statusOf(await signIn(sealed.credentialId))).toBe("CTAP2_ERR_NO_CREDENTIALS");
  expect(statusOf(await send(authenticator, Command.GET_ASSERTION, getAssertionParameters()))).toBe(
    "CTAP2_ERR_NO_CREDENTIALS",
  );
  const { map } = await send(authenticator, Command.GET_INFO);
  const options = map.get(4) as CborMap;
  expect([options.get("clientPin"), options.get("alwaysUv"), map.get(0x0d), map.get(0x18)]).toEqual([
    false,
    false,
    4,
    false,
  ]);
  expect(statusOf(await client.send(0x01))).toBe("CTAP2_ERR_PIN_NOT_SET");
  expect(statusOf(await client.setPin("1234"))).toBe("CTAP2_OK");
  expect((await client.send(0x01)).map.get(3)).toBe(8);
  const again = verifyRegistration(await register(false));
  expect(again.authData.signCount).toBeGreaterThan(authData.signCount);
  verifyAssertion(await signIn(again.credentialId), again.publicKey);
});

test("A PIN that is blocked for good is opened by a reset alone", async () => {
  await client.setPin("1234");
  for (let i = 0; i < 8; i++) {
    if (i % 3 === 0) authenticator.powerCycle();
    await client.requestToken("0000", Permission.CM);
  }
  expect(statusOf(await client.requestToken("1234", Permission.CM))).toBe("CTAP2_ERR_PIN_BLOCKED");
  expect(statusOf(await reset())).toBe("CTAP2_OK");
  expect(statusOf(await client.setPin("1234"))).toBe("CTAP2_OK");
  await client.getToken("1234", Permission.CM);
});

test("It is done within 10 s of power-up, and not after", async () => {
  platform.clock.advance(10_001);
  expect(statusOf(await reset())).toBe("CTAP2_ERR_NOT_ALLOWED");
  expect(platform.presence.prompts).toEqual([]);
  authenticator.powerCycle();
  platform.clock.advance(10_000);
  expect(statusOf(await reset())).toBe("CTAP2_OK");
});

test.each([
  ["denied", "CTAP2_ERR_OPERATION_DENIED"],
  ["timeout", "CTAP2_ERR_USER_ACTION_TIMEOUT"],
] as const)("A touch that is %s leaves everything as it was", async (outcome, status) => {
  await client.setPin("1234");
  const before = platform.store.snapshot();
  platform.presence.answer(outcome);
  expect(statusOf(await reset())).toBe(status);
  expect(platform.store.snapshot()).toEqual(before);
});

test("It can be cancelled while it waits for the touch", async () => {
  const transport = createTestTransport();
  platform.presence.answer("pending");
  const answer = reset(transport);
  await new Promise(setImmediate);
  transport.cancel();
  expect(statusOf(await answer)).toBe("CTAP2_ERR_KEEPALIVE_CANCEL");
});

test("A touch suffices until a long one is asked for", async () => {
  expect(statusOf(await reset())).toBe("CTAP2_OK");
  expect(platform.presence.prompts).toEqual([{ applet: "FIDO2", action: "erase all FIDO credentials" }]);
});

test("It has no parameters", async () => {
  expect(statusOf(await send(authenticator, Command.RESET, cborMap({})))).toBe("CTAP1_ERR_INVALID_LENGTH");
});

test("A store that fails keeps everything", async () => {
  const credentials = [verifyRegistration(await register(true)), verifyRegistration(await register(false))];
  await client.setPin("1234");
  const before = platform.store.snapshot();
  platform.store.failNextCommit("io");
  expect(statusOf(await reset())).toBe("CTAP1_ERR_OTHER");
  expect(platform.store.snapshot()).toEqual(before);
  for (const { credentialId, publicKey } of credentials) verifyAssertion(await signIn(credentialId), publicKey);
  await client.getToken("1234", Permission.CM);
});
