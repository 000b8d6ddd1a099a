import { expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CtapStatus } from "../../applets/fido2/status.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import {
  bytesOf,
  Command,
  cborMap,
  credentialParameter,
  makeCredentialParameters,
  send,
  verifyRegistration,
} from "../support/fido-client.ts";
import { createTestPlatform } from "../support/platform.ts";

/** Maps as objects, so that they can be compared at a glance. */
function plain(value: CborValue): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Map ? Object.fromEntries([...value].map(([key, member]) => [key, plain(member)])) : value;
}

test("authenticatorGetInfo says what this step can do, and no more", async () => {
  const { status, map } = await send(new Fido2Authenticator(createTestPlatform()), Command.GET_INFO);
  expect(status).toBe(CtapStatus.CTAP2_OK);
  expect(plain(map)).toEqual({
    1: ["U2F_V2", "FIDO_2_0"],
    3: "6ef40769a9a44bdebf398ff256953245",
    4: { rk: true, up: true, plat: false },
    5: 7609,
    9: ["usb"],
    10: [
      { alg: -7, type: "public-key" },
      { alg: -8, type: "public-key" },
    ],
  });
});

test("Every algorithm that it lists makes a credential, under the AAGUID that it names", async () => {
  const authenticator = new Fido2Authenticator(createTestPlatform());
  const { map } = await send(authenticator, Command.GET_INFO);
  const algorithms = (map.get(10) as readonly CborMap[]).map((element) => Number(element.get("alg")));
  expect(algorithms.length).toBeGreaterThan(0);
  for (const alg of algorithms) {
    const parameters = makeCredentialParameters({ 4: [credentialParameter(alg)] });
    const { publicKey, authData } = verifyRegistration(await send(authenticator, Command.MAKE_CREDENTIAL, parameters));
    expect(publicKey.get(3)).toBe(alg);
    expect(authData.aaguid).toBe(Buffer.from(bytesOf(map.get(3))).toString("hex"));
  }
});

test("The largest message is the transport's to say", async () => {
  const authenticator = new Fido2Authenticator(createTestPlatform(), { maxMsgSize: 1200 });
  expect((await send(authenticator, Command.GET_INFO)).map.get(5)).toBe(1200);
});

test("authenticatorGetInfo takes no parameters", async () => {
  const authenticator = new Fido2Authenticator(createTestPlatform());
  const { status } = await send(authenticator, Command.GET_INFO, cborMap({}));
  expect(status).toBe(CtapStatus.CTAP1_ERR_INVALID_LENGTH);
});
