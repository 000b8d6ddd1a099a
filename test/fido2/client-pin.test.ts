import { beforeEach, describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CtapStatus, nameOfCtapStatus } from "../../applets/fido2/status.ts";
import type { CborValue } from "../../src/cbor.ts";
import {
  Command,
  cborMap,
  clientDataHash,
  getAssertionParameters,
  makeCredentialParameters,
  type Reply,
  send,
  verifyRegistration,
} from "../support/fido-client.ts";
import { type Members, Permission, PinClient, padPin, proof, type Token, type Version } from "../support/pin-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform } from "../support/platform.ts";
import { statusOf } from "./rig.ts";

let platform: TestPlatform;
let authenticator: Fido2Authenticator;

beforeEach(() => {
  platform = createTestPlatform();
  authenticator = new Fido2Authenticator(platform);
});

const OK = nameOfCtapStatus(CtapStatus.CTAP2_OK);

async function pinRetries(client: PinClient): Promise<CborValue> {
  return (await client.send(0x01, { 1: undefined })).map.get(3);
}

function register(token: Token | undefined, changes: Members = {}): Promise<Reply> {
  const members = { ...proof(token, clientDataHash, 9, 8), ...changes };
  return send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(members));
}

function signIn(token: Token | undefined, changes: Members = {}): Promise<Reply> {
  const members = { ...proof(token, clientDataHash, 7, 6), ...changes };
  return send(authenticator, Command.GET_ASSERTION, getAssertionParameters(members));
}

describe.each<Version>([1, 2])("With protocol %i", (version) => {
  let client: PinClient;
  beforeEach(() => {
    client = new PinClient(authenticator, version);
  });

  test("a PIN is set, changed, and traded for a token that registers a verified user", async () => {
    expect(statusOf(await client.setPin("1234"))).toBe(OK);
    expect(statusOf(await client.changePin("1234", "güldener Löwe"))).toBe(OK);
    const token = await client.getToken("güldener Löwe", Permission.MC, "example.com");
    const { authData } = verifyRegistration(await register(token, { 7: cborMap({ rk: true }) }));
    expect(authData.flags & 0x05).toBe(0x05);
    expect(platform.lines).toEqual([]);
  });

  test("setPIN refuses what it must", async () => {
    const agreed = await client.agree();
    const enc = (padded: Uint8Array) => {
      const newPinEnc = agreed.encrypt(padded);
      return { 3: agreed.keyAgreement, 4: agreed.authenticate(newPinEnc), 5: newPinEnc };
    };
    const sound = enc(padPin("1234"));
    const refusals: [Members, CtapStatus][] = [
      [{ ...sound, 3: undefined }, CtapStatus.CTAP2_ERR_MISSING_PARAMETER],
      [{ ...sound, 4: undefined }, CtapStatus.CTAP2_ERR_MISSING_PARAMETER],
      [{ ...sound, 5: undefined }, CtapStatus.CTAP2_ERR_MISSING_PARAMETER],
      [{ ...sound, 1: undefined }, CtapStatus.CTAP2_ERR_MISSING_PARAMETER],
      [{ ...sound, 1: 3 }, CtapStatus.CTAP1_ERR_INVALID_PARAMETER],
      [
        {
          ...sound,
          3: cborMap([
            [1, 2],
            [-1, 1],
            [-2, new Uint8Array(32)],
            [-3, new Uint8Array(32)],
          ]),
        },
        CtapStatus.CTAP1_ERR_INVALID_PARAMETER,
      ],
      [{ ...sound, 4: new Uint8Array(16) }, CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID],
      [{ ...sound, 5: new Uint8Array(64) }, CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID],
      [
        { ...sound, 5: new Uint8Array(5), 4: agreed.authenticate(new Uint8Array(5)) },
        CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID,
      ],
      [enc(padPin("1234", 48)), CtapStatus.CTAP1_ERR_INVALID_PARAMETER],
      [enc(padPin("1234", 80)), CtapStatus.CTAP1_ERR_INVALID_PARAMETER],
      [enc(padPin("123")), CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION],
      [enc(padPin("")), CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION],
      [enc(padPin("äöü")), CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION], // 6 bytes, but 3 code points
      [enc(padPin("1".repeat(64))), CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION],
      [enc(padPin(Uint8Array.of(0xff, 0xfe, 0xfd, 0xfc))), CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION], // no UTF-8
    ];
    const before = platform.store.snapshot();
    for (const [members, status] of refusals) {
      expect(statusOf(await client.send(0x03, members))).toBe(nameOfCtapStatus(status));
    }
    expect(platform.store.snapshot()).toEqual(before);
    expect(statusOf(await client.send(0x03, sound))).toBe(OK);
    expect(statusOf(await client.setPin("1234"))).toBe("CTAP2_ERR_PIN_AUTH_INVALID"); // one is set already
  });

  test.each(["🔑🔑🔑🔑", "1".repeat(63), "ab\0cd"])("%j is a PIN", async (pin) => {
    expect(statusOf(await client.setPin(pin))).toBe(OK);
    await client.getToken(pin, Permission.CM);
  });

  test("changePIN refuses what it must, and spends a try only on a wrong PIN", async () => {
    expect(statusOf(await client.changePin("1234", "5678"))).toBe("CTAP2_ERR_PIN_NOT_SET");
    expect(statusOf(await client.send(0x01))).toBe("CTAP2_ERR_PIN_NOT_SET");
    await client.setPin("1234");
    expect(statusOf(await client.changePin("1234", "5678", { 6: undefined }))).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(statusOf(await client.changePin("1234", "5678", { 1: 0 }))).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(statusOf(await client.changePin("1234", "5678", { 4: new Uint8Array(32) }))).toBe(
      "CTAP2_ERR_PIN_AUTH_INVALID",
    );
    expect(await pinRetries(client)).toBe(8);
    expect(statusOf(await client.changePin("1233", "5678"))).toBe("CTAP2_ERR_PIN_INVALID");
    expect(await pinRetries(client)).toBe(7);
    expect(statusOf(await client.changePin("1234", "56"))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(await pinRetries(client)).toBe(8);
    await client.getToken("1234", Permission.CM);
  });

  test("three misses in a row block until a power cycle, eight for good", async () => {
    await client.setPin("1234");
    const guess = async () => statusOf(await client.requestToken("0000", Permission.CM));
    expect([await guess(), await guess(), await guess()]).toEqual([
      "CTAP2_ERR_PIN_INVALID",
      "CTAP2_ERR_PIN_INVALID",
      "CTAP2_ERR_PIN_AUTH_BLOCKED",
    ]);
    const state = await client.send(0x01);
    expect([state.map.get(3), state.map.get(4)]).toEqual([5, true]);
    // Not even the right PIN is looked at, and no try is spent on it.
    expect(statusOf(await client.requestToken("1234", Permission.CM))).toBe("CTAP2_ERR_PIN_AUTH_BLOCKED");
    expect(statusOf(await client.requestLegacyToken("1234"))).toBe("CTAP2_ERR_PIN_AUTH_BLOCKED");
    expect(statusOf(await client.changePin("1234", "5678"))).toBe("CTAP2_ERR_PIN_AUTH_BLOCKED");

    authenticator.powerCycle();
    expect([(await client.send(0x01)).map.get(3), (await client.send(0x01)).map.has(4)]).toEqual([5, false]);
    await guess();
    await guess();
    expect(await guess()).toBe("CTAP2_ERR_PIN_AUTH_BLOCKED");
    authenticator.powerCycle();
    expect(await guess()).toBe("CTAP2_ERR_PIN_INVALID");
    expect(await guess()).toBe("CTAP2_ERR_PIN_BLOCKED");
    authenticator.powerCycle();
    authenticator = new Fido2Authenticator(platform); // the counter is in the store
    client = new PinClient(authenticator, version);
    expect(statusOf(await client.requestToken("1234", Permission.CM))).toBe("CTAP2_ERR_PIN_BLOCKED");
    expect(statusOf(await client.requestLegacyToken("1234"))).toBe("CTAP2_ERR_PIN_BLOCKED");
    expect(statusOf(await client.changePin("1234", "5678"))).toBe("CTAP2_ERR_PIN_BLOCKED");
    expect(await pinRetries(client)).toBe(0);
  });

  test("the right PIN fills the counter up, and starts the row of misses anew", async () => {
    await client.setPin("1234");
    await client.requestToken("0000", Permission.CM);
    await client.requestToken("0000", Permission.CM);
    await client.getToken("1234", Permission.CM);
    expect(await pinRetries(client)).toBe(8);
    expect(statusOf(await client.requestToken("0000", Permission.CM))).toBe("CTAP2_ERR_PIN_INVALID");
  });

  test("a wrong PIN takes the agreed key away", async () => {
    await client.setPin("1234");
    const agreed = await client.agree();
    await client.requestToken("0000", Permission.CM);
    expect((await client.agree()).keyAgreement).not.toEqual(agreed.keyAgreement);
    expect((await client.send(0x02)).map.get(1)).toEqual((await client.send(0x02)).map.get(1));
  });

  test("getPinToken gives a token for mc and ga, and takes neither permissions nor rpId", async () => {
    expect(statusOf(await client.requestLegacyToken("1234"))).toBe("CTAP2_ERR_PIN_NOT_SET");
    await client.setPin("1234");
    expect(statusOf(await client.requestLegacyToken("1234", { 9: 1 }))).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(statusOf(await client.requestLegacyToken("1234", { 10: "example.com" }))).toBe(
      "CTAP1_ERR_INVALID_PARAMETER",
    );
    expect(statusOf(await client.requestLegacyToken("1234", { 6: undefined }))).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(statusOf(await client.requestLegacyToken("1234", { 3: undefined }))).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(statusOf(await client.requestLegacyToken("1234", { 1: 9 }))).toBe("CTAP1_ERR_INVALID_PARAMETER");
    const { token } = await client.requestLegacyToken("1234");
    expect(statusOf(await register(token, { 7: cborMap({ rk: true }) }))).toBe(OK);
    const second = (await client.requestLegacyToken("1234")).token;
    expect(statusOf(await signIn(second))).toBe(OK);
  });
});

describe("A token", () => {
  let client: PinClient;
  beforeEach(async () => {
    client = new PinClient(authenticator);
    await client.setPin("1234");
  });

  test("is asked for with all its parameters, and sound ones", async () => {
    const ask = async (permissions: number, rpId?: string, changes: Members = {}) =>
      statusOf(await client.requestToken("1234", permissions, rpId, changes));
    expect(await ask(0, "example.com")).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(await ask(-1, "example.com")).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(await ask(Permission.MC)).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(await ask(Permission.MC | Permission.GA)).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(await ask(Permission.CM, undefined, { 9: undefined })).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(await ask(Permission.CM, undefined, { 6: undefined })).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(await ask(Permission.CM, undefined, { 3: undefined })).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(await ask(Permission.CM, undefined, { 1: 3 })).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(await ask(Permission.BE)).toBe("CTAP2_ERR_UNAUTHORIZED_PERMISSION");
    expect(await ask(Permission.MC | Permission.BE, "example.com")).toBe("CTAP2_ERR_UNAUTHORIZED_PERMISSION");
    expect(await ask(Permission.PCMR | Permission.CM)).toBe("CTAP2_ERR_UNAUTHORIZED_PERMISSION");
    expect(await pinRetries(client)).toBe(8);
    expect(await ask(0x80 | Permission.CM)).toBe(OK); // an undefined permission is ignored
    expect(await ask(Permission.LBW | Permission.ACFG)).toBe(OK);
  });

  test("never may write large blobs by a command that is not there", async () => {
    authenticator = new Fido2Authenticator(platform, { largeBlob: "extension", uv: "auto" });
    client = new PinClient(authenticator);
    for (const permissions of [Permission.LBW, Permission.LBW | Permission.CM]) {
      expect(statusOf(await client.requestToken("1234", permissions))).toBe("CTAP2_ERR_UNAUTHORIZED_PERMISSION");
      expect(statusOf(await client.requestTokenByUv(permissions))).toBe("CTAP2_ERR_UNAUTHORIZED_PERMISSION");
    }
    expect(platform.presence.prompts).toEqual([]);
    expect(await pinRetries(client)).toBe(8);
    expect(statusOf(await client.requestToken("1234", Permission.CM))).toBe(OK);
  });

  test("does what it was asked for alone, for the relying party it was asked for alone", async () => {
    const forAnother = await client.getToken("1234", Permission.MC | Permission.GA, "other.example");
    expect(statusOf(await register(forAnother))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    const toSignIn = await client.getToken("1234", Permission.GA, "example.com");
    expect(statusOf(await register(toSignIn))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    const toRegister = await client.getToken("1234", Permission.MC, "example.com");
    expect(statusOf(await signIn(toRegister))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    expect(statusOf(await register(toRegister))).toBe(OK);
  });

  test("of getPinToken is bound to the first relying party that it is used for", async () => {
    const { token } = await client.requestLegacyToken("1234");
    // A search for credentials does not spend it.
    expect(statusOf(await signIn(token, { 5: cborMap({ up: false }) }))).toBe("CTAP2_ERR_NO_CREDENTIALS");
    expect(statusOf(await register(token, { 2: cborMap({ id: "other.example" }) }))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    expect(statusOf(await register(token))).toBe(OK);
  });

  test("for more than registering and signing in needs no relying party, and is bound by its first use", async () => {
    const token = await client.getToken("1234", Permission.MC | Permission.GA | Permission.CM);
    expect(statusOf(await signIn(token, { 5: cborMap({ up: false }) }))).toBe("CTAP2_ERR_NO_CREDENTIALS");
    expect(statusOf(await register(token, { 2: cborMap({ id: "other.example" }) }))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    expect(statusOf(await register(token))).toBe(OK);
  });

  test("is spent by a touch", async () => {
    const token = await client.getToken("1234", Permission.MC | Permission.GA, "example.com");
    expect(statusOf(await register(token))).toBe(OK);
    expect(statusOf(await register(token))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    expect(statusOf(await signIn(token))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
  });

  test("ends when the next is given, whichever protocol that is for", async () => {
    const first = await client.getToken("1234", Permission.MC, "example.com");
    await new PinClient(authenticator, 1).getToken("1234", Permission.CM);
    expect(statusOf(await register(first))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
  });

  test("does not prove with the other protocol", async () => {
    const { value } = await client.getToken("1234", Permission.MC, "example.com");
    expect(statusOf(await register({ version: 1, value }))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
  });

  test("has to be used within 30 s, and ends after 10 minutes", async () => {
    const late = await client.getToken("1234", Permission.MC, "example.com");
    platform.clock.advance(30_001);
    expect(statusOf(await register(late))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");

    const token = await client.getToken("1234", Permission.CM);
    platform.clock.advance(30_000);
    expect(statusOf(await client.manage(0x01, undefined, token))).toBe(OK);
    platform.clock.advance(570_000);
    expect(statusOf(await client.manage(0x01, undefined, token))).toBe(OK);
    platform.clock.advance(1);
    expect(statusOf(await client.manage(0x01, undefined, token))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
  });

  test("ends with the power, with a new PIN, and with a reset", async () => {
    const first = await client.getToken("1234", Permission.CM);
    authenticator.powerCycle();
    expect(statusOf(await client.manage(0x01, undefined, first))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    const second = await client.getToken("1234", Permission.CM);
    await client.changePin("1234", "5678");
    expect(statusOf(await client.manage(0x01, undefined, second))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    const third = await client.getToken("5678", Permission.CM);
    await send(authenticator, Command.RESET);
    expect(statusOf(await client.manage(0x01, undefined, third))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
  });

  test("with a wrong proof or of an unknown protocol is refused", async () => {
    const token = await client.getToken("1234", Permission.MC, "example.com");
    expect(statusOf(await register(token, { 8: new Uint8Array(32) }))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    expect(statusOf(await register(token, { 9: undefined }))).toBe("CTAP2_ERR_MISSING_PARAMETER");
    expect(statusOf(await register(token, { 9: 3 }))).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(statusOf(await signIn(token, { 7: 3 }))).toBe("CTAP1_ERR_INVALID_PARAMETER");
    expect(statusOf(await signIn(token, { 7: undefined }))).toBe("CTAP2_ERR_MISSING_PARAMETER");
  });
});

test("The try at a PIN is durable before the PIN is compared", async () => {
  const client = new PinClient(authenticator);
  await client.setPin("1234");
  // The store cannot take the spent try: then nothing may be learnt of the guess, right or wrong.
  platform.store.failNextCommit("io");
  expect(statusOf(await client.requestToken("1234", Permission.CM))).toBe("CTAP1_ERR_OTHER");
  platform.store.failNextCommit("io");
  expect(statusOf(await client.requestToken("0000", Permission.CM))).toBe("CTAP1_ERR_OTHER");
  expect(await pinRetries(client)).toBe(8);

  // The power goes right after the first commit of a guess: the try is gone.
  const { commit } = platform.store;
  let commits = 0;
  platform.store.commit = async (changes) => {
    if (++commits > 1) throw new Error("the power went");
    await commit.call(platform.store, changes);
  };
  await client.requestToken("1234", Permission.CM);
  platform.store.commit = commit;
  const restarted = new PinClient(new Fido2Authenticator(platform));
  expect(await pinRetries(restarted)).toBe(7);
});

test("Guesses that come at once are counted one by one", async () => {
  const client = new PinClient(authenticator);
  await client.setPin("1234");
  const guesses = await Promise.all(Array.from({ length: 10 }, () => client.requestToken("0000", Permission.CM)));
  expect(guesses.filter((reply) => statusOf(reply) === "CTAP2_ERR_PIN_INVALID")).toHaveLength(2);
  expect(guesses.filter((reply) => statusOf(reply) === "CTAP2_ERR_PIN_AUTH_BLOCKED")).toHaveLength(8);
  expect(await pinRetries(client)).toBe(5);
});

test("A zero-length pinUvAuthParam is answered after a touch by whether a PIN is set", async () => {
  const empty = new Uint8Array(0);
  expect(statusOf(await register(undefined, { 8: empty }))).toBe("CTAP2_ERR_PIN_NOT_SET");
  expect(statusOf(await signIn(undefined, { 6: empty }))).toBe("CTAP2_ERR_PIN_NOT_SET");
  await new PinClient(authenticator).setPin("1234");
  expect(statusOf(await register(undefined, { 8: empty }))).toBe("CTAP2_ERR_PIN_INVALID");
  platform.presence.answer("denied");
  expect(statusOf(await signIn(undefined, { 6: empty }))).toBe("CTAP2_ERR_OPERATION_DENIED");
  expect(platform.presence.prompts.map(({ action }) => action)).toEqual(Array(4).fill("select this key"));
});

test("Once a PIN is set, a discoverable credential wants it, and another does not", async () => {
  await new PinClient(authenticator).setPin("1234");
  expect(statusOf(await register(undefined, { 7: cborMap({ rk: true }) }))).toBe("CTAP2_ERR_PUAT_REQUIRED");
  const { authData } = verifyRegistration(await register(undefined));
  expect(authData.flags & 0x04).toBe(0);
});

test("Without a PIN a pinUvAuthParam proves nothing, and nobody is verified by it", async () => {
  const stale: Token = { version: 2, value: new Uint8Array(32) };
  const { authData } = verifyRegistration(await register(stale));
  expect(authData.flags & 0x04).toBe(0);
});

test("A subcommand that is not there is refused, and so is none", async () => {
  const client = new PinClient(authenticator);
  for (const subCommand of [0x00, 0x06, 0x07, 0x08, 0x0a, 0xff]) {
    expect(statusOf(await client.send(subCommand))).toBe("CTAP2_ERR_INVALID_SUBCOMMAND");
  }
  expect(statusOf(await client.send(0x01, { 2: undefined }))).toBe("CTAP2_ERR_MISSING_PARAMETER");
  expect(statusOf(await client.send(0x01, { 2: "1" }))).toBe("CTAP2_ERR_CBOR_UNEXPECTED_TYPE");
  expect(statusOf(await client.send(0x02, { 1: undefined }))).toBe("CTAP2_ERR_MISSING_PARAMETER");
  expect(statusOf(await client.send(0x02, { 1: 0 }))).toBe("CTAP1_ERR_INVALID_PARAMETER");
});

test("Neither PIN nor token is ever in the log", async () => {
  const client = new PinClient(authenticator, 2, createTestTransport());
  await client.setPin("sesame 42");
  await client.requestToken("sesame 43", Permission.CM);
  await client.getToken("sesame 42", Permission.CM);
  expect(platform.lines.join("\n")).not.toContain("sesame");
});

describe("With pinComplexity", () => {
  test.each(["0000", "1234", "4321", "abcd", "1212", "abcabc", "👍👍👍👍"])("%s is too easy", async (pin) => {
    const client = new PinClient(new Fido2Authenticator(platform, { pinComplexity: true }));
    expect(statusOf(await client.setPin(pin))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(statusOf(await client.setPin("2580"))).toBe(OK);
    expect(statusOf(await client.changePin("2580", pin))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
  });
});
