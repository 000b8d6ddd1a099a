// Every message of CCID 1.1 §6.1, and every error that the reader can answer it with.
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { answer, command, POWER_OFF, POWER_ON, Rig, SLOT_STATUS, XFR_BLOCK } from "./rig.ts";

const DATA_BLOCK = 0x80;
const STATUS = 0x81;
const PARAMETERS = 0x82;

const GET_PARAMETERS = 0x6c;
const RESET_PARAMETERS = 0x6d;
const SET_PARAMETERS = 0x61;
const DEFAULTS = "1110001500fe00";

/** All commands, and the type of what answers them. */
const COMMANDS = [
  ["PC_to_RDR_SetParameters", 0x61, PARAMETERS],
  ["PC_to_RDR_IccPowerOn", 0x62, DATA_BLOCK],
  ["PC_to_RDR_IccPowerOff", 0x63, STATUS],
  ["PC_to_RDR_GetSlotStatus", 0x65, STATUS],
  ["PC_to_RDR_Secure", 0x69, DATA_BLOCK],
  ["PC_to_RDR_T0APDU", 0x6a, STATUS],
  ["PC_to_RDR_Escape", 0x6b, 0x83],
  ["PC_to_RDR_GetParameters", 0x6c, PARAMETERS],
  ["PC_to_RDR_ResetParameters", 0x6d, PARAMETERS],
  ["PC_to_RDR_IccClock", 0x6e, STATUS],
  ["PC_to_RDR_XfrBlock", 0x6f, DATA_BLOCK],
  ["PC_to_RDR_Mechanical", 0x71, STATUS],
  ["PC_to_RDR_Abort", 0x72, STATUS],
  ["PC_to_RDR_SetDataRateAndClockFrequency", 0x73, 0x84],
] as const;

const UNSUPPORTED = new Set([0x69, 0x6a, 0x6b, 0x6e, 0x71, 0x73]);
const EMPTY = [POWER_ON, POWER_OFF, SLOT_STATUS, GET_PARAMETERS, RESET_PARAMETERS, 0x72];

test("GetSlotStatus tells of a card with power, without, and of none", async () => {
  const rig = new Rig();
  expect(await rig.exchange(SLOT_STATUS, { seq: 9 })).toBe(answer(STATUS, "010001", { seq: 9 }));
  await rig.powerOn();
  expect(await rig.exchange(SLOT_STATUS, { seq: 255 })).toBe(answer(STATUS, "000000", { seq: 255 }));
  rig.slot.move("out");
  expect(await rig.exchange(SLOT_STATUS)).toBe(answer(STATUS, "020001"));
});

test("IccPowerOn resets the card and answers with its ATR; the second time is a warm reset", async () => {
  const rig = new Rig();
  const on = answer(DATA_BLOCK, "000000", { data: toHex(rig.slot.atr) });
  expect(await rig.exchange(POWER_ON)).toBe(on);
  expect(rig.card.resets).toBe(1);
  for (const specific of ["010000", "020000", "030000"]) expect(await rig.exchange(POWER_ON, { specific })).toBe(on);
  expect(rig.card.resets).toBe(4);
});

test("IccPowerOn refuses a voltage that there is not, and a slot without a card", async () => {
  const rig = new Rig();
  expect(await rig.exchange(POWER_ON, { specific: "040000" })).toBe(answer(DATA_BLOCK, "410700"));
  rig.slot.move("out");
  expect(await rig.exchange(POWER_ON)).toBe(answer(DATA_BLOCK, "42fe00"));
});

test("IccPowerOff resets the card, and APDUs are refused from then on", async () => {
  const rig = new Rig();
  await rig.powerOn();
  expect(await rig.exchange(POWER_OFF)).toBe(answer(STATUS, "010001"));
  expect(rig.card.resets).toBe(2);
  expect(await rig.exchange(XFR_BLOCK, { data: "00a40400" })).toBe(answer(DATA_BLOCK, "41fe00"));
  expect(rig.card.commands).toEqual([]);
  expect(await rig.exchange(POWER_OFF)).toBe(answer(STATUS, "010001"));
});

test("XfrBlock carries an APDU there and back", async () => {
  const rig = new Rig();
  await rig.powerOn();
  const data = "00a4040006a00000000101";
  expect(await rig.exchange(XFR_BLOCK, { seq: 7, data })).toBe(
    answer(DATA_BLOCK, "000000", { seq: 7, data: `${data}9000` }),
  );
  expect(rig.card.commands).toEqual([data]);
});

test("XfrBlock before any power, without a card, or empty is refused, and no card sees it", async () => {
  const rig = new Rig();
  expect(await rig.exchange(XFR_BLOCK, { data: "00a40400" })).toBe(answer(DATA_BLOCK, "41fe00"));
  await rig.powerOn();
  expect(await rig.exchange(XFR_BLOCK)).toBe(answer(DATA_BLOCK, "400100"));
  rig.slot.move("out");
  expect(await rig.exchange(XFR_BLOCK, { data: "00a40400" })).toBe(answer(DATA_BLOCK, "42fe00"));
  rig.slot.move("in");
  expect(await rig.exchange(XFR_BLOCK, { data: "00a40400" })).toBe(answer(DATA_BLOCK, "41fe00"));
  expect(rig.card.commands).toEqual([]);
});

test("The parameters of T=1 are shown, set, and reset; power-on resets them, too", async () => {
  const rig = new Rig();
  await rig.powerOn();
  const defaults = answer(PARAMETERS, "000001", { data: DEFAULTS });
  expect(await rig.exchange(GET_PARAMETERS)).toBe(defaults);
  const other = "1811004d00fe00";
  const set = () => rig.exchange(SET_PARAMETERS, { specific: "010000", data: other });
  expect(await set()).toBe(answer(PARAMETERS, "000001", { data: other }));
  expect(await rig.exchange(GET_PARAMETERS)).toBe(answer(PARAMETERS, "000001", { data: other }));
  expect(await rig.exchange(RESET_PARAMETERS)).toBe(defaults);
  await set();
  await rig.powerOn();
  expect(await rig.exchange(GET_PARAMETERS)).toBe(defaults);
});

test("The parameters are those of the ATR: a YubiKey's names a speed", async () => {
  const rig = new Rig({ atr: fromHex("3bfd1300008131fe158073c021c057597562694b657940") });
  await rig.powerOn();
  expect(await rig.exchange(GET_PARAMETERS)).toBe(answer(PARAMETERS, "000001", { data: "1310001500fe00" }));
});

test("SetParameters refuses T=0 and a structure of another length", async () => {
  const rig = new Rig();
  await rig.powerOn();
  expect(await rig.exchange(SET_PARAMETERS, { specific: "000000", data: "1100000a00" })).toBe(
    answer(PARAMETERS, "400700"),
  );
  expect(await rig.exchange(SET_PARAMETERS, { specific: "010000", data: "1100000a00" })).toBe(
    answer(PARAMETERS, "400100"),
  );
});

test.each([
  ["GetParameters", GET_PARAMETERS, {}],
  ["ResetParameters", RESET_PARAMETERS, {}],
  ["SetParameters", SET_PARAMETERS, { specific: "010000", data: DEFAULTS }],
] as const)("%s wants a card with power", async (_name, type, rest) => {
  const rig = new Rig();
  expect(await rig.exchange(type, rest)).toBe(answer(PARAMETERS, "41fe00"));
  rig.slot.move("out");
  expect(await rig.exchange(type, rest)).toBe(answer(PARAMETERS, "42fe00"));
});

describe("What the reader does not do is answered with CMD_NOT_SUPPORTED, in the command's own type", () => {
  test.each(COMMANDS.filter(([, type]) => UNSUPPORTED.has(type)))("%s", async (_name, type, response) => {
    const rig = new Rig();
    await rig.powerOn();
    expect(await rig.exchange(type, { data: "0102" })).toBe(answer(response, "400000"));
  });
});

test("Whatever else arrives is answered with a slot status that says so", async () => {
  const rig = new Rig();
  const known = new Set<number>(COMMANDS.map(([, type]) => type));
  for (let type = 0; type < 256; type++) {
    if (!known.has(type)) expect(await rig.exchange(type, { seq: type })).toBe(answer(STATUS, "410001", { seq: type }));
  }
});

describe("A slot that does not exist is refused for each command, and no card is in it", () => {
  test.each(COMMANDS)("%s", async (_name, type, response) => {
    const rig = new Rig();
    for (const slot of [1, 255]) {
      const rest = response === STATUS ? "420501" : "420500";
      expect(await rig.exchange(type, { slot, seq: 3 })).toBe(answer(response, rest, { slot, seq: 3 }));
    }
  });
});

describe("Data where there is none is a wrong length", () => {
  test.each(COMMANDS.filter(([, type]) => EMPTY.includes(type)))("%s", async (_name, type, response) => {
    const rig = new Rig();
    expect(await rig.exchange(type, { data: "00" })).toBe(answer(response, response === STATUS ? "410101" : "410100"));
    expect(rig.card.resets).toBe(0);
  });
});

test("While an APDU is under way, every other command finds the slot busy", async () => {
  const rig = new Rig();
  await rig.powerOn();
  rig.put(command(XFR_BLOCK, { seq: 1, data: "00770000" }));
  for (const [, type, response] of COMMANDS) {
    if (type === 0x72) continue;
    const busy = answer(response, "40e000", { seq: 2 });
    expect(await rig.exchange(type, { seq: 2, data: type === XFR_BLOCK ? "00010000" : "" })).toBe(busy);
  }
  rig.card.waiting[0]?.answer("9000");
  expect(await rig.answers()).toEqual([answer(DATA_BLOCK, "000000", { seq: 1, data: "9000" })]);
  expect(rig.card.commands).toEqual(["00770000"]);
});

test("A card that fails in a way that no protocol knows is a hardware error, and the reader goes on", async () => {
  const rig = new Rig();
  await rig.powerOn();
  rig.card.reset = () => {
    throw new TypeError("oops");
  };
  expect(await rig.exchange(POWER_ON)).toBe(answer(DATA_BLOCK, "40fb00"));
  expect(rig.log.join("\n")).toMatch(/error CCID ICC_POWER_ON failed: TypeError: oops/);
  expect(await rig.exchange(SLOT_STATUS)).toBe(answer(STATUS, "000000"));
});

test("The log shows types and lengths, and no byte of an APDU", async () => {
  const rig = new Rig();
  await rig.powerOn();
  await rig.exchange(XFR_BLOCK, { data: "0020008206313233343536" });
  expect(rig.log.join("\n")).toContain("CCID < XFR_BLOCK, 11 bytes");
  expect(rig.log.join("\n")).toContain("CCID > DATA_BLOCK done, 13 bytes");
  expect(rig.log.join("\n")).not.toContain("313233343536");
});

test("A new attach takes the card's power and drops what was not read", async () => {
  const rig = new Rig({ isReading: false });
  rig.put(command(POWER_ON));
  expect(rig.interface.endpoints[1].queue.length).toBe(1);
  rig.interface.reset();
  expect(rig.interface.endpoints[1].queue.length).toBe(0);
  expect(rig.card.resets).toBe(2);
});
