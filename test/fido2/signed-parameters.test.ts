// What a pinUvAuthParam proves are the parameters as the platform wrote them. CTAP 2.3 §6.8.4, §6.11
import { expect, test } from "vitest";
import { Command, parseReply, sha256 } from "../support/fido-client.ts";
import { authenticate, Permission } from "../support/pin-client.ts";
import { Fido2Rig, PIN } from "./rig.ts";

const unhex = (text: string) => Buffer.from(text, "hex");

/** An undefined, −2^64, and 1.5 under a byte string: canonical, known to nobody, and not what this project encodes. */
const UNKNOWN = unhex("18c881f718c93bffffffffffffffff410af93e00");

/** A subcommand with `params`, proved by a token of protocol two. */
async function ask(rig: Fido2Rig, command: number, subCommand: number, permission: number, params: Uint8Array) {
  const client = rig.pinClient();
  await client.setPin(PIN);
  const token = await client.getToken(PIN, permission);
  const prefix = command === 0x0d ? Buffer.concat([Buffer.alloc(32, 0xff), Buffer.of(command)]) : Buffer.of();
  const proof = authenticate(2, token.value, Buffer.concat([prefix, Buffer.of(subCommand), params]));
  const request = Uint8Array.of(command, 0xa4, 1, subCommand, 2, ...params, 3, 2, 4, 0x58, 32, ...proof);
  return parseReply(await rig.authenticator.process(request, rig.transport));
}

test("authenticatorConfig's subcommands are proved with what this key does not know", async () => {
  const rig = new Fido2Rig();
  const params = Buffer.concat([unhex("a40106"), UNKNOWN]);
  expect((await ask(rig, 0x0d, 3, Permission.ACFG, params)).status).toBe(0);
  expect((await rig.send(Command.GET_INFO)).map.get(0x0d)).toBe(6);
});

test.each([0x0a, 0x41])("So are those of credential management, command %i", async (command) => {
  const rig = new Fido2Rig();
  await rig.registerResident(1);
  const params = Buffer.concat([unhex("a4015820"), sha256("example.com"), UNKNOWN]);
  const { status, map } = await ask(rig, command, 4, Permission.CM, params);
  expect([status, map.has(7)]).toEqual([0, true]);
});
