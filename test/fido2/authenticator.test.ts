import { expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { CtapError, CtapStatus, nameOfCtapStatus } from "../../applets/fido2/status.ts";
import { Command, makeCredentialParameters, send } from "../support/fido-client.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

test.each([0x00, 0x03, 0x05, 0x09, 0x0e, 0x40, 0x42, 0x7f, 0xff])(
  "Command %i, which this key does not have, is an invalid command",
  async (command) => {
    const authenticator = new Fido2Authenticator(createTestPlatform());
    const reply = await authenticator.process(Uint8Array.of(command, 0xa0), createTestTransport());
    expect([...reply]).toEqual([CtapStatus.CTAP1_ERR_INVALID_COMMAND]);
  },
);

test("An empty message has an invalid length", async () => {
  const authenticator = new Fido2Authenticator(createTestPlatform());
  const reply = await authenticator.process(new Uint8Array(0), createTestTransport());
  expect([...reply]).toEqual([CtapStatus.CTAP1_ERR_INVALID_LENGTH]);
});

test("A fault of our own is logged and answered with OTHER, and the next request is served", async () => {
  const platform = createTestPlatform();
  const authenticator = new Fido2Authenticator(platform);
  const { request } = platform.presence;
  platform.presence.request = () => Promise.reject(new Error("the prompt broke"));
  const reply = await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters());
  expect(reply.status).toBe(CtapStatus.CTAP1_ERR_OTHER);
  expect(platform.lines).toEqual(["error FIDO2 authenticatorMakeCredential failed: Error: the prompt broke"]);
  platform.presence.request = request;
  expect((await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters())).status).toBe(0);
});

test("A refusal is in the log with its name and its reason", async () => {
  const platform = createTestPlatform();
  const authenticator = new Fido2Authenticator(platform);
  await send(authenticator, Command.MAKE_CREDENTIAL, makeCredentialParameters({ 2: undefined }));
  expect(platform.lines).toEqual(["debug FIDO2 authenticatorMakeCredential: CTAP2_ERR_MISSING_PARAMETER: 2"]);
});

test("Status codes have the numbers of CTAP 2.3 §8.2, each once, and errors show their names", () => {
  const codes = Object.values(CtapStatus);
  expect(new Set(codes).size).toBe(codes.length);
  expect(CtapStatus.CTAP2_ERR_UNSUPPORTED_ALGORITHM).toBe(0x26);
  expect(CtapStatus.CTAP2_ERR_UNAUTHORIZED_PERMISSION).toBe(0x40);
  expect(new CtapError(CtapStatus.CTAP2_ERR_NOT_ALLOWED).message).toBe("CTAP2_ERR_NOT_ALLOWED");
  expect(nameOfCtapStatus(0xf1)).toBe("0xf1");
});

test("Bytes that are no canonical CBOR map are refused", async () => {
  const authenticator = new Fido2Authenticator(createTestPlatform());
  const first = async (...message: readonly number[]) =>
    nameOfCtapStatus((await authenticator.process(Uint8Array.from(message), createTestTransport()))[0] ?? -1);
  for (const command of [0x01, 0x02, 0x06, 0x0a, 0x0c, 0x0d, 0x41]) {
    expect(await first(command)).toBe("CTAP2_ERR_INVALID_CBOR");
    expect(await first(command, 0xa1, 0x01)).toBe("CTAP2_ERR_INVALID_CBOR");
    expect(await first(command, 0xa1, 0x18, 0x01, 0x01)).toBe("CTAP2_ERR_INVALID_CBOR"); // 1 written as 18 01
    expect(await first(command, 0xa2, 0x02, 0x00, 0x01, 0x00)).toBe("CTAP2_ERR_INVALID_CBOR"); // unsorted
    expect(await first(command, 0x01)).toBe("CTAP2_ERR_CBOR_UNEXPECTED_TYPE");
  }
});
