import { beforeEach, describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { Command, cborMap, getAssertionParameters, makeCredentialParameters, send } from "../support/fido-client.ts";
import { Permission, PinClient } from "../support/pin-client.ts";
import { createTestPlatform, type TestPlatform } from "../support/platform.ts";
import { map, statusOf } from "./rig.ts";

let platform: TestPlatform;
let authenticator: Fido2Authenticator;
let client: PinClient;

beforeEach(() => {
  platform = createTestPlatform();
  authenticator = new Fido2Authenticator(platform);
  client = new PinClient(authenticator);
});

async function info(member: number): Promise<CborValue> {
  return (await send(authenticator, Command.GET_INFO)).map.get(member);
}
async function option(name: string): Promise<CborValue> {
  return ((await info(4)) as CborMap).get(name);
}
async function configure(subCommand: number, params?: CborMap): Promise<string> {
  const token = await client.getToken("1234", Permission.ACFG);
  return statusOf(await client.configure(subCommand, params, token));
}

const subCommands = [0x01, 0x02, 0x03, 0x04];

test("A key without PIN is open to who holds it", async () => {
  for (const subCommand of [0x01, 0x03, 0x04, 0x02])
    expect(statusOf(await client.configure(subCommand))).toBe("CTAP2_OK");
  expect([await option("ep"), await option("alwaysUv"), await info(0x18)]).toEqual([true, true, true]);
  // With alwaysUv on, it is closed, and without a PIN nothing opens it but a PIN.
  expect(statusOf(await client.configure(0x02))).toBe("CTAP2_ERR_PUAT_REQUIRED");
});

test.each(subCommands)("With a PIN, subcommand %i wants a token with the permission acfg", async (subCommand) => {
  await client.setPin("1234");
  const before = platform.store.snapshot();
  expect(statusOf(await client.configure(subCommand))).toBe("CTAP2_ERR_PUAT_REQUIRED");
  expect(statusOf(await client.command(0x0d, { 1: subCommand, 4: new Uint8Array(32) }))).toBe(
    "CTAP2_ERR_MISSING_PARAMETER",
  );
  expect(statusOf(await client.command(0x0d, { 1: subCommand, 3: 7, 4: new Uint8Array(32) }))).toBe(
    "CTAP1_ERR_INVALID_PARAMETER",
  );
  expect(statusOf(await client.command(0x0d, { 1: subCommand, 3: 2, 4: new Uint8Array(32) }))).toBe(
    "CTAP2_ERR_PIN_AUTH_INVALID",
  );
  const other = await client.getToken("1234", Permission.CM);
  expect(statusOf(await client.configure(subCommand, undefined, other))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
  expect(platform.store.snapshot()).toEqual(before);
  expect(await configure(subCommand)).toBe("CTAP2_OK");
});

test("The proof covers the subcommand's parameters", async () => {
  await client.setPin("1234");
  const token = await client.getToken("1234", Permission.ACFG);
  const signed: { members?: Record<number, CborValue> } = {};
  const spy = new PinClient(authenticator);
  spy.command = async (_command, members) => {
    signed.members = { ...members };
    return { status: 0, map: new Map() };
  };
  await spy.configure(0x03, map([1, 6]), token);
  expect(statusOf(await client.command(0x0d, { ...signed.members, 2: map([1, 8]) }))).toBe(
    "CTAP2_ERR_PIN_AUTH_INVALID",
  );
  expect(statusOf(await client.command(0x0d, signed.members ?? {}))).toBe("CTAP2_OK");
});

test("What is not there is refused: vendorPrototype, and the unknown", async () => {
  for (const subCommand of [0x00, 0x05, 0xff]) {
    expect(statusOf(await client.configure(subCommand))).toBe("CTAP2_ERR_INVALID_SUBCOMMAND");
  }
  expect(statusOf(await client.command(0x0d, {}))).toBe("CTAP2_ERR_MISSING_PARAMETER");
  expect(await info(0x15)).toBeUndefined();
  expect(await info(0x1f)).toEqual(subCommands);
});

describe("toggleAlwaysUv", () => {
  beforeEach(() => client.setPin("1234"));

  test("toggles, and takes makeCredUvNotRqd and U2F with it", async () => {
    expect([await option("alwaysUv"), await option("makeCredUvNotRqd")]).toEqual([false, true]);
    expect(await info(1)).toEqual(["U2F_V2", "FIDO_2_0", "FIDO_2_1", "FIDO_2_3"]);
    await configure(0x02);
    expect([await option("alwaysUv"), await option("makeCredUvNotRqd")]).toEqual([true, false]);
    expect(await info(1)).toEqual(["FIDO_2_0", "FIDO_2_1", "FIDO_2_3"]);
    expect(authenticator.isU2fEnabled).toBe(false);
    await configure(0x02);
    expect([await option("alwaysUv"), authenticator.isU2fEnabled]).toEqual([false, true]);
  });

  test("makes every request prove who sends it, but for silent searches", async () => {
    await configure(0x02);
    const register = () => send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters());
    const signIn = (options?: CborMap) =>
      send(authenticator, Command.GET_ASSERTION, getAssertionParameters({ 5: options }));
    expect(statusOf(await register())).toBe("CTAP2_ERR_PUAT_REQUIRED");
    expect(statusOf(await signIn())).toBe("CTAP2_ERR_PUAT_REQUIRED");
    expect(statusOf(await signIn(cborMap({ up: false })))).toBe("CTAP2_ERR_NO_CREDENTIALS");
    expect(platform.presence.prompts).toEqual([]);
  });
});

test("alwaysUv without a PIN refuses what nobody can prove", async () => {
  await client.configure(0x02);
  const reply = await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters());
  expect(statusOf(reply)).toBe("CTAP2_ERR_PUAT_REQUIRED");
});

describe("setMinPINLength", () => {
  test("only raises the minimum, which new PINs have to meet", async () => {
    expect(statusOf(await client.configure(0x03, map([1, 6])))).toBe("CTAP2_OK");
    expect(await info(0x0d)).toBe(6);
    expect(statusOf(await client.configure(0x03, map([1, 5])))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(statusOf(await client.configure(0x03, map([1, 64])))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(statusOf(await client.configure(0x03, map([1, 256])))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(await info(0x0d)).toBe(6);
    expect(statusOf(await client.setPin("12345"))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(statusOf(await client.setPin("123456"))).toBe("CTAP2_OK");
  });

  test("above the length of the PIN forces another PIN, and ends the token", async () => {
    await client.setPin("1234");
    const token = await client.getToken("1234", Permission.ACFG);
    expect(statusOf(await client.configure(0x03, map([1, 6]), token))).toBe("CTAP2_OK");
    expect(await info(0x0c)).toBe(true);
    expect(statusOf(await client.configure(0x03, map([1, 7]), token))).toBe("CTAP2_ERR_PIN_AUTH_INVALID");
    expect(statusOf(await client.requestToken("1234", Permission.CM))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(statusOf(await client.requestLegacyToken("1234"))).toBe("CTAP2_ERR_PIN_INVALID");
    expect(statusOf(await client.changePin("1234", "12345"))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(statusOf(await client.changePin("1234", "123456"))).toBe("CTAP2_OK");
    expect(await info(0x0c)).toBe(false);
    await client.getToken("123456", Permission.CM);
  });

  test("with forceChangePin forces another PIN than this one", async () => {
    expect(statusOf(await client.configure(0x03, map([3, true])))).toBe("CTAP2_ERR_PIN_NOT_SET");
    await client.setPin("1234");
    expect(await configure(0x03, map([3, true]))).toBe("CTAP2_OK");
    expect(await info(0x0c)).toBe(true);
    expect(statusOf(await client.changePin("1234", "1234"))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(statusOf(await client.changePin("1234", "4321"))).toBe("CTAP2_OK");
    expect(await info(0x0c)).toBe(false);
  });

  test("keeps the relying parties that may read it, and refuses too many", async () => {
    const names = Array.from({ length: 33 }, (_, index) => `rp${index}.example`);
    expect(await info(0x10)).toBe(32);
    expect(statusOf(await client.configure(0x03, map([2, names])))).toBe("CTAP2_ERR_KEY_STORE_FULL");
    expect(statusOf(await client.configure(0x03, map([2, [1]])))).toBe("CTAP2_ERR_CBOR_UNEXPECTED_TYPE");
    expect(statusOf(await client.configure(0x03, map([2, names.slice(1)])))).toBe("CTAP2_OK");
    const extensions = { 2: cborMap({ id: "rp7.example" }), 6: cborMap({ minPinLength: true }) };
    const reply = await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters(extensions));
    expect(statusOf(reply)).toBe("CTAP2_OK");
    expect(Buffer.from(reply.map.get(2) as Uint8Array).includes("minPinLength")).toBe(true);
  });

  test("with pinComplexityPolicy refuses easy PINs from now on, and one that is set", async () => {
    expect(await info(0x1b)).toBe(false);
    await client.setPin("1234");
    expect(await configure(0x03, map([4, true]))).toBe("CTAP2_OK");
    expect([await info(0x1b), await info(0x0c)]).toEqual([true, true]);
    expect(statusOf(await client.changePin("1234", "4444"))).toBe("CTAP2_ERR_PIN_POLICY_VIOLATION");
    expect(statusOf(await client.changePin("1234", "2580"))).toBe("CTAP2_OK");
  });
});

test("The settings outlive a restart, and a store that fails leaves them as they were", async () => {
  await client.configure(0x03, map([1, 6], [2, ["example.com"]]));
  platform.store.failNextCommit("io");
  expect(statusOf(await client.configure(0x01))).toBe("CTAP1_ERR_OTHER");
  expect(await option("ep")).toBe(false);
  authenticator = new Fido2Authenticator(platform);
  expect([await info(0x0d), await option("ep")]).toEqual([6, false]);
});

test("A record of settings that cannot be read is no reason to forget alwaysUv", async () => {
  await platform.store.commit({ "fido2/settings": Uint8Array.of(0xa0) });
  expect(() => new Fido2Authenticator(platform)).toThrow(TypeError);
});
