import { expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CtapStatus, nameOfCtapStatus } from "../../applets/fido2/status.ts";
import { Command, send } from "../support/fido-client.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

const platform = createTestPlatform();
const authenticator = new Fido2Authenticator(platform);

test.each([
  ["granted", "CTAP2_OK"],
  ["denied", "CTAP2_ERR_OPERATION_DENIED"],
  ["timeout", "CTAP2_ERR_USER_ACTION_TIMEOUT"],
] as const)("A selection whose touch is %s answers %s and nothing else", async (outcome, status) => {
  platform.presence.answer(outcome);
  platform.presence.prompts.length = 0;
  const transport = createTestTransport();
  const reply = await authenticator.process(Uint8Array.of(Command.SELECTION), transport);
  expect([...reply]).toEqual([CtapStatus[status]]);
  expect(platform.presence.prompts).toEqual([{ applet: "FIDO2", action: "select this key" }]);
  expect(transport.keepalives).toEqual(["upneeded", "processing"]);
});

test("A selection ends when the platform takes another key", async () => {
  platform.presence.answer("pending");
  const transport = createTestTransport();
  const answer = send(authenticator, Command.SELECTION, undefined, transport);
  await new Promise(setImmediate);
  transport.cancel();
  expect(nameOfCtapStatus((await answer).status)).toBe("CTAP2_ERR_KEEPALIVE_CANCEL");
});

test("A selection has no parameters", async () => {
  const reply = await authenticator.process(Uint8Array.of(Command.SELECTION, 0xa0), createTestTransport());
  expect([...reply]).toEqual([CtapStatus.CTAP1_ERR_INVALID_LENGTH]);
});
