import { expect, test } from "vitest";
import { KeyStoreError } from "../../keystore/index.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { type ApduHandler, exchangeApdu } from "../../src/iso7816/exchange.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

async function exchange(handle: ApduHandler, message = "00010000") {
  const { log, lines } = createTestPlatform();
  const response = await exchangeApdu("Test", handle, fromHex(message), createTestTransport(), log);
  return { response: toHex(response), lines };
}

test("The data of an applet goes out with 9000, whatever Le says", async () => {
  expect((await exchange(async () => fromHex("aabb"), "0001000001")).response).toBe("aabb9000");
  expect((await exchange(async () => new Uint8Array(0))).response).toBe("9000");
});

test("The handler gets the parsed command and the transport", async () => {
  const seen: unknown[] = [];
  const handle: ApduHandler = async (apdu, transport) => {
    seen.push(apdu.ins, toHex(apdu.data), transport.channel);
    return apdu.data;
  };
  expect((await exchange(handle, "0042000001cc")).response).toBe("cc9000");
  expect(seen).toEqual([0x42, "cc", 1]);
});

test("A StatusError goes out as its status word, after its data", async () => {
  const fail = (error: StatusError) => exchange(() => Promise.reject(error));
  expect((await fail(new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED))).response).toBe("6985");
  expect((await fail(new StatusError(0x63c2))).response).toBe("63c2");
  const withData = await fail(new StatusError(StatusWord.WARNING_STATE_UNCHANGED, fromHex("0102")));
  expect(withData).toEqual({ response: "01026200", lines: [] });
});

test("A message that is no command is answered 6700, and reaches no handler", async () => {
  const handle: ApduHandler = () => Promise.reject(new Error("reached"));
  for (const message of ["", "00", "000100", "0001000005aa"]) {
    expect(await exchange(handle, message)).toEqual({ response: "6700", lines: [] });
  }
});

test("Any other error is our fault: logged, and answered 6F00", async () => {
  const { response, lines } = await exchange(() => Promise.reject(new TypeError("oops")));
  expect(response).toBe("6f00");
  expect(lines).toEqual(["error Test failed: TypeError: oops"]);
});

test.each([
  ["no-space", "6a84"],
  ["io", "6581"],
] as const)("A store that fails (%s) is logged, and answered %s", async (code, statusWord) => {
  const { response, lines } = await exchange(() => Promise.reject(new KeyStoreError(code, "no luck")));
  expect(response).toBe(statusWord);
  expect(lines).toEqual(["error Test failed: KeyStoreError: no luck"]);
});

test("A status error shows its status word", () => {
  expect(new StatusError(StatusWord.WRONG_DATA).message).toBe("6a80");
});
