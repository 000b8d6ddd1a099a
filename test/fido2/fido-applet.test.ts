import { beforeEach, expect, test } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { FidoApplet } from "../../applets/fido2/fido-applet.ts";
import { U2fApplet } from "../../applets/u2f/applet.ts";
import { encodeCommandApdu } from "../../src/iso7816/apdu.ts";
import { exchangeApdu } from "../../src/iso7816/exchange.ts";
import { silentLogger } from "../../src/log.ts";
import {
  Command,
  encodeRequest,
  makeCredentialParameters,
  parseReply,
  verifyRegistration,
} from "../support/fido-client.ts";
import { PinClient } from "../support/pin-client.ts";
import { createTestPlatform, createTestTransport, type TestPlatform } from "../support/platform.ts";

let platform: TestPlatform;
let fido2: Fido2Authenticator;
let applet: FidoApplet;

beforeEach(() => {
  platform = createTestPlatform();
  fido2 = new Fido2Authenticator(platform);
  const u2f = new U2fApplet(platform, fido2.credentials, () => fido2.isU2fEnabled);
  applet = new FidoApplet(fido2, u2f);
});

interface Answer {
  readonly data: Uint8Array;
  readonly statusWord: string;
}

async function exchange(
  header: { readonly cla?: number; readonly ins: number; readonly p1?: number },
  data: Uint8Array = new Uint8Array(0),
  transport = createTestTransport(),
): Promise<Answer> {
  const apdu = encodeCommandApdu({ ...header, data, extended: true, le: 65_536 });
  const answer = await exchangeApdu(
    applet.name,
    (parsed) => applet.process(parsed, transport),
    apdu,
    transport,
    silentLogger,
  );
  return { data: answer.subarray(0, -2), statusWord: Buffer.from(answer.subarray(-2)).toString("hex") };
}

const message = (command: Uint8Array, p1 = 0x00, transport = createTestTransport()) =>
  exchange({ cla: 0x80, ins: 0x10, p1 }, command, transport);
const getResponse = (p1 = 0x00) => exchange({ cla: 0x80, ins: 0x11, p1 });
const registration = encodeRequest(Command.MAKE_CREDENTIAL, makeCredentialParameters());
const getInfo = encodeRequest(Command.GET_INFO);

test("SELECT answers with the version for clients that know no other, as getInfo has it", async () => {
  const version = async () => new TextDecoder().decode(await applet.select());
  expect(Buffer.from(applet.aid).toString("hex")).toBe("a0000006472f0001");
  expect(await version()).toBe("U2F_V2");
  await new PinClient(fido2).configure(0x02); // alwaysUv
  expect(await version()).toBe("FIDO_2_0");
  applet = new FidoApplet(new Fido2Authenticator(platform, { u2f: () => false }));
  expect(await version()).toBe("FIDO_2_0");
});

test("CTAP2 is answered in one APDU", async () => {
  const { data, statusWord } = await message(registration);
  expect(statusWord).toBe("9000");
  verifyRegistration(parseReply(data));
  const failed = await message(Uint8Array.of(0xee));
  expect([failed.statusWord, ...failed.data]).toEqual(["9000", 0x01]);
});

test("A client that can ask again is told that the person has to touch, and gets the answer afterwards", async () => {
  platform.presence.answer("pending");
  const asked = await message(registration, 0x80);
  expect([asked.statusWord, ...asked.data]).toEqual(["9100", 0x02]);
  const again = await getResponse();
  expect([again.statusWord, ...again.data]).toEqual(["9100", 0x02]);
  const cancelled = await getResponse(0x11);
  expect([cancelled.statusWord, ...cancelled.data]).toEqual(["9000", 0x2d]);
  expect((await getResponse()).statusWord).toBe("6985");

  expect((await message(registration, 0x80)).statusWord).toBe("9100");
  await new Promise(setImmediate);
  const { data, statusWord } = await getResponse();
  expect(statusWord).toBe("9000");
  verifyRegistration(parseReply(data));
});

test("What needs no touch is answered at once", async () => {
  const { data, statusWord } = await message(getInfo, 0x80);
  expect([statusWord, data[0]]).toEqual(["9000", 0x00]);
});

test("What is under way ends when the client does, selects another, or sends the next", async () => {
  for (const end of [
    () => exchange({ cla: 0x80, ins: 0x12, p1: 0x01 }),
    () => applet.deselect(),
    () => message(getInfo),
  ]) {
    platform.presence.answer("pending");
    expect((await message(registration, 0x80)).statusWord).toBe("9100");
    await end();
    expect((await getResponse()).statusWord).toBe("6985");
  }
});

test("An aborted transport cancels what it waits for", async () => {
  platform.presence.answer("pending");
  const transport = createTestTransport();
  const answer = message(registration, 0x00, transport);
  await new Promise(setImmediate);
  transport.cancel();
  expect([...(await answer).data]).toEqual([0x2d]);
});

test("U2F's commands go to U2F, as long as that is on", async () => {
  const version = await exchange({ ins: 0x03 });
  expect([new TextDecoder().decode(version.data), version.statusWord]).toEqual(["U2F_V2", "9000"]);
  const registered = await exchange({ ins: 0x01, p1: 0x03 }, new Uint8Array(64));
  expect([registered.data[0], registered.statusWord]).toEqual([0x05, "9000"]);
  await new PinClient(fido2).configure(0x02); // alwaysUv
  for (const ins of [0x01, 0x02, 0x03]) expect((await exchange({ ins }, new Uint8Array(64))).statusWord).toBe("6986");
  applet = new FidoApplet(fido2);
  expect((await exchange({ ins: 0x03 })).statusWord).toBe("6e00");
});

test.each([
  ["another class", { cla: 0x90, ins: 0x10 }, "6e00"],
  ["another instruction", { cla: 0x80, ins: 0x13 }, "6d00"],
  ["another control", { cla: 0x80, ins: 0x12, p1: 0x02 }, "6a86"],
  ["asking for an answer to nothing", { cla: 0x80, ins: 0x11 }, "6985"],
])("It refuses %s", async (_what, header, statusWord) => {
  expect((await exchange(header)).statusWord).toBe(statusWord);
});

test("Asking again has two forms, and no third", async () => {
  platform.presence.answer("pending");
  await message(registration, 0x80);
  expect((await getResponse(0x22)).statusWord).toBe("6a86");
  expect((await getResponse()).statusWord).toBe("9100");
  applet.deselect();
});
