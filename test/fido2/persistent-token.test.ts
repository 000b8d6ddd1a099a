import { beforeEach, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import {
  Command,
  cborMap,
  clientDataHash,
  descriptor,
  getAssertionParameters,
  send,
  sha256,
} from "../support/fido-client.ts";
import { Permission, PinClient, proof, type Token } from "../support/pin-client.ts";
import { Fido2Rig, map, PIN, statusOf } from "./rig.ts";

const Sub = { METADATA: 1, RPS: 2, NEXT_RP: 3, CREDENTIALS: 4, DELETE: 6, UPDATE: 7 } as const;
const refused = "CTAP2_ERR_PIN_AUTH_INVALID";

let rig: Fido2Rig;
let client: PinClient;
let token: Token;
let credentialId: Uint8Array;

beforeEach(async () => {
  rig = new Fido2Rig();
  client = rig.pinClient();
  await rig.registerResident(1, { 2: cborMap({ id: "other.example" }) });
  ({ credentialId } = await rig.registerResident(2));
  await client.setPin(PIN);
  token = await client.getToken(PIN, Permission.PCMR);
});

/** What becomes of a request to read with it. */
const read = async () => statusOf(await client.manage(Sub.METADATA, undefined, token));

test("The persistent token reads, does not write, and survives power cycles and restarts", async () => {
  expect(await client.getToken(PIN, Permission.PCMR)).toEqual(token);
  const authenticator = new Fido2Authenticator(rig.platform);
  authenticator.powerCycle();
  client = new PinClient(authenticator);
  rig.platform.clock.advance(3_600_000);
  expect((await client.manage(Sub.METADATA, undefined, token)).map.get(1)).toBe(2);
  expect((await client.manage(Sub.RPS, undefined, token)).map.get(5)).toBe(2);
  expect(statusOf(await client.manage(Sub.NEXT_RP))).toBe("CTAP2_OK");
  const ofRp = map([1, sha256("example.com")]);
  expect((await client.manage(Sub.CREDENTIALS, ofRp, token)).map.get(9)).toBe(1);
  const id = descriptor(credentialId);
  const user = cborMap({ id: Buffer.from("user 2") });
  expect(statusOf(await client.manage(Sub.DELETE, map([2, id]), token))).toBe(refused);
  expect(statusOf(await client.manage(Sub.UPDATE, map([2, id], [3, user]), token))).toBe(refused);
  const signIn = getAssertionParameters(proof(token, clientDataHash, 7, 6));
  expect(statusOf(await send(authenticator, Command.GET_ASSERTION, signIn))).toBe(refused);
});

test("It ends with the PIN, and with a reset", async () => {
  await client.changePin(PIN, "5678");
  expect(await read()).toBe(refused);
  const next = await client.getToken("5678", Permission.PCMR);
  expect(next).not.toEqual(token);
  token = next;
  expect(await read()).toBe("CTAP2_OK");
  await rig.send(Command.RESET);
  expect(await read()).toBe(refused);
});

test("It ends when the PIN has to be changed, at once", async () => {
  const setMinPinLength = async (length: number) =>
    statusOf(await client.configure(0x03, map([1, length]), await client.getToken(PIN, Permission.ACFG)));
  expect(await setMinPinLength(4)).toBe("CTAP2_OK");
  expect(await read()).toBe("CTAP2_OK");
  expect(await setMinPinLength(5)).toBe("CTAP2_OK");
  expect(await read()).toBe(refused);
});
