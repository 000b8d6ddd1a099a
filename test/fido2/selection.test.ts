import { expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { nameOfCtapStatus } from "../../applets/fido2/status.ts";
import { Command, send } from "../support/fido-client.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

const platform = createTestPlatform();
const authenticator = new Fido2Authenticator(platform);
const first = async (...message: readonly number[]) =>
  nameOfCtapStatus((await authenticator.process(Uint8Array.from(message), createTestTransport()))[0] ?? -1);

test.each([
  ["granted", "CTAP2_OK"],
  ["denied", "CTAP2_ERR_OPERATION_DENIED"],
  ["timeout", "CTAP2_ERR_USER_ACTION_TIMEOUT"],
] as const)("A selection whose touch is %s answers %s", async (outcome, status) => {
  platform.presence.answer(outcome);
  const transport = createTestTransport();
  const reply = await send(authenticator, Command.SELECTION, undefined, transport);
  expect(nameOfCtapStatus(reply.status)).toBe(status);
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

test("Commands that are not there, bioEnrollment and its prototype among them, are refused", async () => {
  for (const command of [0x00, 0x03, 0x05, 0x09, 0x40, 0x42, 0xff]) {
    expect(await first(command)).toBe("CTAP1_ERR_INVALID_COMMAND");
  }
  expect(await first()).toBe("CTAP1_ERR_INVALID_LENGTH");
  expect(await first(0x0b, 0xa0)).toBe("CTAP1_ERR_INVALID_LENGTH");
});

test("Bytes that are no canonical CBOR map are refused", async () => {
  for (const command of [0x01, 0x02, 0x06, 0x0a, 0x0c, 0x0d, 0x41]) {
    expect(await first(command)).toBe("CTAP2_ERR_INVALID_CBOR");
    expect(await first(command, 0xa1, 0x01)).toBe("CTAP2_ERR_INVALID_CBOR");
    expect(await first(command, 0xa1, 0x18, 0x01, 0x01)).toBe("CTAP2_ERR_INVALID_CBOR"); // 1 written as 18 01
    expect(await first(command, 0xa2, 0x02, 0x00, 0x01, 0x00)).toBe("CTAP2_ERR_INVALID_CBOR"); // unsorted
    expect(await first(command, 0x01)).toBe("CTAP2_ERR_CBOR_UNEXPECTED_TYPE");
  }
});
