import { createDecipheriv, hkdfSync } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import type { Fido2Options } from "../../applets/fido2/context.ts";
import { type CborMap, type CborValue, encodeCbor } from "../../src/cbor.ts";
import { bytesOf, Command, cborMap, makeCredentialParameters, send } from "../support/fido-client.ts";
import { Permission, PinClient, type Token } from "../support/pin-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform } from "../support/platform.ts";

let platform: TestPlatform;
beforeEach(() => {
  platform = createTestPlatform();
});

async function infoOf(authenticator: Fido2Authenticator): Promise<CborMap> {
  const { status, map } = await send(authenticator, Command.GET_INFO);
  expect(status).toBe(0);
  return map;
}

const make = (options: Partial<Fido2Options> = {}) => new Fido2Authenticator(platform, options);
const entriesOf = (map: CborValue) => Object.fromEntries(map as Map<string, CborValue>);
const algorithmsOf = (info: CborMap) => (info.get(0x0a) as CborMap[]).map((algorithm) => algorithm.get("alg"));

test("A new key tells what it can do", async () => {
  const info = await infoOf(make());
  expect(info.get(0x01)).toEqual(["U2F_V2", "FIDO_2_0", "FIDO_2_1", "FIDO_2_3"]);
  expect([...(info.get(0x02) as string[])].sort()).toEqual([
    "credBlob",
    "credProtect",
    "hmac-secret",
    "hmac-secret-mc",
    "largeBlobKey",
    "minPinLength",
    "pinComplexityPolicy",
    "thirdPartyPayment",
    "uvm",
  ]);
  expect(Buffer.from(bytesOf(info.get(0x03))).toString("hex")).toBe("6ef40769a9a44bdebf398ff256953245");
  expect(entriesOf(info.get(0x04))).toEqual({
    rk: true,
    up: true,
    plat: false,
    alwaysUv: false,
    authnrCfg: true,
    clientPin: false,
    credMgmt: true,
    credentialMgmtPreview: true,
    ep: false,
    largeBlobs: true,
    makeCredUvNotRqd: true,
    perCredMgmtRO: true,
    pinUvAuthToken: true,
    setMinPINLength: true,
  });
  expect(info.get(0x05)).toBe(7609);
  expect(info.get(0x06)).toEqual([2, 1]);
  expect(info.get(0x07)).toBe(24);
  expect(info.get(0x08)).toBeGreaterThanOrEqual(100);
  expect(info.get(0x09)).toEqual(["usb"]);
  expect(algorithmsOf(info)).toEqual([-7, -8, -35, -36, -47]);
  expect(info.get(0x0b)).toBeGreaterThanOrEqual(4096);
  expect(info.get(0x0c)).toBe(false);
  expect(info.get(0x0d)).toBe(4);
  expect(info.get(0x0e)).toBeGreaterThan(0);
  expect(info.get(0x0f)).toBeGreaterThanOrEqual(32);
  expect(info.get(0x10)).toBe(32);
  expect(info.get(0x14)).toBe(50_000);
  expect(info.get(0x16)).toEqual(["packed"]);
  expect(info.get(0x18)).toBe(false);
  expect(info.get(0x1a)).toEqual(["usb"]);
  expect(info.get(0x1b)).toBe(false);
  expect(info.get(0x1d)).toBe(63);
  expect(info.get(0x1f)).toEqual([1, 2, 3, 4]);
  // preferredPlatformUvAttempts, uvModality, certifications, vendorPrototypeConfigCommands, uvCountSinceLastPinEntry,
  // pinComplexityPolicyURL
  for (const absent of [0x11, 0x12, 0x13, 0x15, 0x17, 0x1c]) expect(info.has(absent)).toBe(false);
  expect([...info.keys()].every((key) => typeof key === "number" && key >= 0x01 && key <= 0x1f)).toBe(true);
});

test("As many ids as it takes in a list, all of the longest, leave a fifth of a message to the rest of the request", async () => {
  const info = await infoOf(make());
  const longest = cborMap({ id: Buffer.alloc(Number(info.get(0x08))), type: "public-key" });
  const list = encodeCbor(Array.from({ length: Number(info.get(0x07)) }, () => longest));
  expect(list.length).toBeLessThanOrEqual(Number(info.get(0x05)) * 0.8);
});

test("It takes no parameters", async () => {
  expect((await make().process(Uint8Array.of(0x04, 0xa0), createTestTransport()))[0]).toBe(0x03);
});

test("It follows the PIN, the credentials and the built-in verification", async () => {
  const authenticator = make({ uv: "ask" });
  const client = new PinClient(authenticator);
  await client.setPin("1234");
  await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters({ 7: cborMap({ rk: true, uv: true }) }));
  const info = await infoOf(authenticator);
  expect(entriesOf(info.get(0x04))).toMatchObject({ clientPin: true, uv: true, uvAcfg: true });
  expect([info.get(0x12), info.get(0x14), info.get(0x17)]).toEqual([1, 49_999, 1]);
  await client.getToken("1234", Permission.CM);
  expect((await infoOf(authenticator)).get(0x17)).toBe(0);
});

test.each<[string, Partial<Fido2Options>, (info: CborMap) => CborValue, CborValue]>([
  ["no U2F", { u2f: () => false }, (info) => info.get(0x01), ["FIDO_2_0", "FIDO_2_1", "FIDO_2_3"]],
  ["easy PINs refused", { pinComplexity: true }, (info) => info.get(0x1b), true],
  ["a message size", { maxMsgSize: 1200 }, (info) => info.get(0x05), 1200],
  ["a firmware version", { firmwareVersion: 0x010203 }, (info) => info.get(0x0e), 0x010203],
  ["the largeBlob extension", { largeBlob: "extension" }, (info) => info.get(0x0b), undefined],
  ["all algorithms", { allAlgorithms: true, pqc: true }, (info) => algorithmsOf(info).length, 13],
  ["two transports", { transports: ["usb", "smart-card"] }, (info) => info.get(0x1a), ["usb", "smart-card"]],
])("An authenticator with %s says so", async (_what, options, member, expected) => {
  expect(member(await infoOf(make(options)))).toEqual(expected);
});

test("The largeBlob extension takes the place of the other way, never stands beside it", async () => {
  const extensions = (await infoOf(make({ largeBlob: "extension" }))).get(0x02);
  expect(extensions).toContain("largeBlob");
  expect(extensions).not.toContain("largeBlobKey");
  expect(entriesOf((await infoOf(make({ largeBlob: "extension" }))).get(0x04))).not.toHaveProperty("largeBlobs");
});

describe("The sealed members", () => {
  function open(info: CborMap, member: number, label: string, token: Token): string {
    const sealed = bytesOf(info.get(member));
    expect(sealed).toHaveLength(32);
    const key = Buffer.from(hkdfSync("sha256", token.value, Buffer.alloc(32), label, 16));
    const decipher = createDecipheriv("aes-128-cbc", key, sealed.subarray(0, 16)).setAutoPadding(false);
    return Buffer.concat([decipher.update(sealed.subarray(16)), decipher.final()]).toString("hex");
  }
  const identifier = (info: CborMap, token: Token) => open(info, 0x19, "encIdentifier", token);
  const storeState = (info: CborMap, token: Token) => open(info, 0x1e, "encCredStoreState", token);

  test("open for a platform with the persistent token, and look different each time to all others", async () => {
    const authenticator = make();
    const client = new PinClient(authenticator);
    await client.setPin("1234");
    const token = await client.getToken("1234", Permission.PCMR);
    const first = await infoOf(authenticator);
    const second = await infoOf(authenticator);
    expect(identifier(first, token)).toBe(identifier(second, token));
    expect(storeState(first, token)).toBe(storeState(second, token));
    for (const member of [0x19, 0x1e]) expect(first.get(member)).not.toEqual(second.get(member));
    // A restart changes neither; a new PIN changes only the token.
    expect(identifier(await infoOf(make()), token)).toBe(identifier(first, token));
    await client.changePin("1234", "5678");
    const next = await client.getToken("5678", Permission.PCMR);
    expect(identifier(await infoOf(authenticator), next)).toBe(identifier(first, token));
  });

  test("tell when the credentials changed, and a reset makes another key of this one", async () => {
    const authenticator = make({ uv: "auto" });
    const client = new PinClient(authenticator);
    const token = (await client.requestTokenByUv(Permission.PCMR)).token as Token;
    const before = await infoOf(authenticator);
    const parameters = makeCredentialParameters({ 7: cborMap({ rk: true, uv: true }) });
    await send(authenticator, Command.MAKE_CREDENTIAL, parameters);
    const after = await infoOf(authenticator);
    expect(storeState(after, token)).not.toBe(storeState(before, token));
    expect(identifier(after, token)).toBe(identifier(before, token));
    await send(authenticator, Command.RESET);
    const reset = (await client.requestTokenByUv(Permission.PCMR)).token as Token;
    expect(identifier(await infoOf(authenticator), reset)).not.toBe(identifier(before, token));
  });

  test("are left out by a key whose store is full, which tells the rest", async () => {
    platform.store.failNextCommit("no-space");
    const info = await infoOf(make());
    expect([info.has(0x19), info.has(0x1e), info.has(0x04)]).toEqual([false, false, true]);
  });
});
