import { describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CtapStatus } from "../../applets/fido2/status.ts";
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
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

function setUp() {
  const platform = createTestPlatform();
  return { platform, authenticator: new Fido2Authenticator(platform) };
}

const outcomes = [
  ["denied", "CTAP2_ERR_OPERATION_DENIED"],
  ["timeout", "CTAP2_ERR_USER_ACTION_TIMEOUT"],
  ["cancelled", "CTAP2_ERR_KEEPALIVE_CANCEL"],
] as const;

describe("authenticatorSelection", () => {
  test("answers a touch with OK and nothing else", async () => {
    const { platform, authenticator } = setUp();
    const transport = createTestTransport();
    const reply = await authenticator.process(Uint8Array.of(Command.SELECTION), transport);
    expect([...reply]).toEqual([CtapStatus.CTAP2_OK]);
    expect(platform.presence.prompts).toEqual([{ applet: "FIDO2", action: "select this key" }]);
    expect(transport.keepalives).toEqual(["upneeded", "processing"]);
  });

  test.each(outcomes)("answers a touch that is %s with %s", async (outcome, status) => {
    const { platform, authenticator } = setUp();
    platform.presence.answer(outcome);
    expect((await send(authenticator, Command.SELECTION)).status).toBe(CtapStatus[status]);
  });

  test("takes no parameters", async () => {
    const { status } = await send(setUp().authenticator, Command.SELECTION, cborMap({}));
    expect(status).toBe(CtapStatus.CTAP1_ERR_INVALID_LENGTH);
  });
});

describe("authenticatorReset", () => {
  async function setUpWithCredentials() {
    const rig = setUp();
    const make = async (rk: boolean) => {
      const parameters = makeCredentialParameters({ 7: cborMap({ rk }) });
      return verifyRegistration(await send(rig.authenticator, Command.MAKE_CREDENTIAL, parameters));
    };
    return { ...rig, make, sealed: await make(false), discoverable: await make(true) };
  }

  test("forgets every credential, discoverable or not, and new ones can be made", async () => {
    const { platform, authenticator, make, sealed, discoverable } = await setUpWithCredentials();
    expect(platform.store.snapshot()).not.toEqual({});
    expect((await send(authenticator, Command.RESET)).status).toBe(CtapStatus.CTAP2_OK);
    expect(platform.store.snapshot()).toEqual({});
    for (const { credentialId } of [sealed, discoverable]) {
      const parameters = getAssertionParameters({ 3: [descriptor(credentialId)] });
      const { status } = await send(authenticator, Command.GET_ASSERTION, parameters);
      expect(status).toBe(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);
    }
    const { status } = await send(authenticator, Command.GET_ASSERTION, getAssertionParameters());
    expect(status).toBe(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);

    const again = await make(false);
    const parameters = getAssertionParameters({ 3: [descriptor(again.credentialId)] });
    verifyAssertion(await send(authenticator, Command.GET_ASSERTION, parameters), again.publicKey);
  });

  test("asks for a touch that names what is at stake", async () => {
    const { platform, authenticator } = setUp();
    await send(authenticator, Command.RESET);
    expect(platform.presence.prompts).toEqual([{ applet: "FIDO2", action: "erase all FIDO credentials" }]);
  });

  test.each(outcomes)("with a touch that is %s is %s, and forgets nothing", async (outcome, status) => {
    const { platform, authenticator } = await setUpWithCredentials();
    const before = platform.store.snapshot();
    platform.presence.answer(outcome);
    expect((await send(authenticator, Command.RESET)).status).toBe(CtapStatus[status]);
    expect(platform.store.snapshot()).toEqual(before);
  });

  test("is allowed 10 s after power-up and not later, until the next power cycle", async () => {
    const { platform, authenticator } = await setUpWithCredentials();
    const before = platform.store.snapshot();
    platform.presence.prompts.length = 0;
    platform.clock.advance(10_001);
    expect((await send(authenticator, Command.RESET)).status).toBe(CtapStatus.CTAP2_ERR_NOT_ALLOWED);
    expect(platform.store.snapshot()).toEqual(before);
    expect(platform.presence.prompts).toEqual([]);

    authenticator.powerCycle();
    platform.clock.advance(10_000);
    expect((await send(authenticator, Command.RESET)).status).toBe(CtapStatus.CTAP2_OK);
  });

  test("forgets nothing when the store refuses", async () => {
    const { platform, authenticator, sealed, discoverable } = await setUpWithCredentials();
    const before = platform.store.snapshot();
    platform.store.failNextCommit("io");
    expect((await send(authenticator, Command.RESET)).status).toBe(CtapStatus.CTAP1_ERR_OTHER);
    expect(platform.store.snapshot()).toEqual(before);
    for (const { credentialId, publicKey } of [sealed, discoverable]) {
      const parameters = getAssertionParameters({ 3: [descriptor(credentialId)] });
      verifyAssertion(await send(authenticator, Command.GET_ASSERTION, parameters), publicKey);
    }
  });

  test("takes no parameters", async () => {
    const { status } = await send(setUp().authenticator, Command.RESET, cborMap({}));
    expect(status).toBe(CtapStatus.CTAP1_ERR_INVALID_LENGTH);
  });
});
