// DEVICE RESET of a whole key: each applet of it has something to lose, and loses it; the key stays the same key.
import { afterEach, beforeEach, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { administer } from "../../src/control/local-administration.ts";
import type { Administration } from "../../src/control/messages.ts";
import { createSecurityKey, MemoryKeyStore, PendingPresence, type SecurityKey } from "../../src/index.ts";
import { Command, cborMap, makeCredentialParameters, send } from "../support/fido-client.ts";
import { Algorithm, PivClient } from "../support/piv-client.ts";
import { createTestTransport } from "../support/platform.ts";

const SELECT_MANAGEMENT = "00a4040008a000000527471117";
const DEVICE_RESET = "001f0000";
const SELECT_OPENPGP = "00a4040006d27600012401";
const SELECT_OATH = "00a4040007a0000005272101";
const RP_ID = "example.com";

let key: SecurityKey;
let owner: Administration;
/** What is asked for, and whether it is granted. */
let asked: string[];
let isWilling: boolean;

const exchange = (command: Uint8Array) => key.card.exchange(command, createTestTransport());
const card = async (command: string) => toHex(await exchange(fromHex(command)));

beforeEach(async () => {
  asked = [];
  isWilling = true;
  const presence = new PendingPresence();
  presence.subscribe((event) => {
    if (event.kind !== "asked") return;
    const { applet, long } = event.waiting.prompt;
    asked.push(`${applet}${long === true ? ", long" : ""}`);
    presence.answer(event.waiting.id, isWilling);
  });
  key = await createSecurityKey({ store: new MemoryKeyStore(), presence });
  owner = administer(key);
});
afterEach(() => key.reset());

async function fill(): Promise<void> {
  const user = cborMap({ id: Buffer.from("alice"), name: "alice", displayName: "Alice" });
  const parameters = { 2: cborMap({ id: RP_ID }), 3: user, 7: cborMap({ rk: true }) };
  expect(
    (await send(key.applications.fido2, Command.MAKE_CREDENTIAL, makeCredentialParameters(parameters))).status,
  ).toBe(0);
  await owner.fido.setPin("1234");
  await owner.oath.add({ uri: "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" });
  await owner.otp.set({ slot: 2, kind: "chalresp" });
  for (const command of [SELECT_OPENPGP, "00200083083132333435363738", "00da00c10a162b06010401da470f01"])
    expect(await card(command)).toBe("9000");
  expect(await card("0047800002b60000")).toMatch(/9000$/);
  expect(await card("00da005e036a6f65")).toBe("9000");
  const piv = new PivClient(exchange);
  await piv.select();
  await piv.authenticate();
  await piv.generate(0x9a, Algorithm.P256);
  await piv.changePin("123456", "654321");
}

async function look() {
  const [fido, oath, otp, openpgp, piv] = [
    await owner.fido.info(),
    await owner.oath.list(),
    await owner.otp.info(),
    await owner.openpgp.info(),
    await owner.piv.info(),
  ];
  return {
    fido: [fido.pin.set, fido.credentials.discoverable],
    oath: oath.map(({ name }) => name),
    otp: otp.slots.map(({ configured }) => configured),
    openpgp: [openpgp.login, openpgp.keys[0]?.status],
    // The attestation key stays, as it does in a YubiKey.
    piv: [piv.slots.map(({ slot }) => slot).filter((slot) => slot !== "f9"), piv.pin.isDefault],
  };
}

test("each applet is as new after a long touch, and the serial numbers are what they were", async () => {
  const { serialNumber } = key;
  const aid = (await owner.openpgp.info()).aid;
  const empty = await look();
  await fill();
  expect(await look()).toEqual({
    fido: [true, 1],
    oath: ["alice"],
    otp: [false, true],
    openpgp: ["joe", "generated"],
    piv: [["9a"], false],
  });
  expect(await card(SELECT_MANAGEMENT)).toMatch(/9000$/);
  asked = [];
  expect(await card(DEVICE_RESET)).toBe("9000");
  expect(asked).toEqual(["management, long"]);
  expect(await look()).toEqual(empty);
  expect(await card(SELECT_OATH)).toMatch(/9000$/);
  expect(key.serialNumber).toBe(serialNumber);
  expect((await owner.openpgp.info()).aid).toBe(aid);
});

test("without the touch every applet keeps what it has", async () => {
  await fill();
  const before = await look();
  expect(await card(SELECT_MANAGEMENT)).toMatch(/9000$/);
  isWilling = false;
  expect(await card(DEVICE_RESET)).toBe("6985");
  expect(await look()).toEqual(before);
});
