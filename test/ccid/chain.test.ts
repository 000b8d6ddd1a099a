// APDUs longer than one message, in both directions. CCID 1.1 §6.1.4 (wLevelParameter), §6.2.1 (bChainParameter)
import { expect, test } from "vitest";
import { answer, command, POWER_ON, Rig, XFR_BLOCK } from "./rig.ts";

const DATA_BLOCK = 0x80;
const NEXT_WANTED = answer(DATA_BLOCK, "000010");
const [BEGINS, ENDS, CONTINUES, ASKS] = ["000100", "000200", "000300", "001000"];

async function poweredRig(): Promise<Rig> {
  const rig = new Rig();
  await rig.powerOn();
  return rig;
}

test("A command in three blocks is one APDU", async () => {
  const rig = await poweredRig();
  expect(await rig.exchange(XFR_BLOCK, { specific: BEGINS, data: "0001" })).toBe(NEXT_WANTED);
  expect(await rig.exchange(XFR_BLOCK, { specific: CONTINUES, data: "0203" })).toBe(NEXT_WANTED);
  expect(await rig.exchange(XFR_BLOCK, { specific: ENDS, data: "0405" })).toBe(
    answer(DATA_BLOCK, "000000", { data: "0001020304059000" }),
  );
  expect(rig.card.commands).toEqual(["000102030405"]);
});

test("A long response comes in blocks of 4,096 bytes, each asked for by an empty one", async () => {
  const rig = await poweredRig();
  rig.put(command(XFR_BLOCK, { data: "00770000" }));
  const data = Array.from({ length: 10_000 }, (_, index) => index & 0xff);
  const hex = `${Buffer.from(data).toString("hex")}9000`;
  rig.card.waiting[0]?.answer(hex);
  expect(await rig.answers()).toEqual([answer(DATA_BLOCK, "000001", { data: hex.slice(0, 8192) })]);
  const next = () => rig.exchange(XFR_BLOCK, { specific: ASKS });
  expect(await next()).toBe(answer(DATA_BLOCK, "000003", { data: hex.slice(8192, 16_384) }));
  expect(await next()).toBe(answer(DATA_BLOCK, "000002", { data: hex.slice(16_384) }));
  expect(await next()).toBe(answer(DATA_BLOCK, "400800"));
});

test.each([
  [4096, "000000"],
  [4097, "000001"],
])("A response of %i bytes", async (length, rest) => {
  const rig = await poweredRig();
  rig.put(command(XFR_BLOCK, { data: "00770000" }));
  rig.card.waiting[0]?.answer("5a".repeat(length));
  expect(await rig.answers()).toEqual([answer(DATA_BLOCK, rest, { data: "5a".repeat(Math.min(length, 4096)) })]);
});

test("A block that goes on from nothing, and a level that there is not, are refused", async () => {
  const rig = await poweredRig();
  const refused = answer(DATA_BLOCK, "400800");
  for (const specific of [CONTINUES, ENDS, "000400", "00ffff"]) {
    expect(await rig.exchange(XFR_BLOCK, { specific, data: "00010203" })).toBe(refused);
  }
  expect(await rig.exchange(XFR_BLOCK, { specific: ASKS })).toBe(refused);
  // A refusal ends a chain that had begun.
  await rig.exchange(XFR_BLOCK, { specific: BEGINS, data: "0001" });
  await rig.exchange(XFR_BLOCK, { specific: "000400", data: "00" });
  expect(await rig.exchange(XFR_BLOCK, { specific: ENDS, data: "0203" })).toBe(refused);
  expect(rig.card.commands).toEqual([]);
});

test("An empty part, or data where an answer is asked for, is a wrong length", async () => {
  const rig = await poweredRig();
  expect(await rig.exchange(XFR_BLOCK, { specific: BEGINS })).toBe(answer(DATA_BLOCK, "400100"));
  rig.put(command(XFR_BLOCK, { data: "00770000" }));
  rig.card.waiting[0]?.answer("00".repeat(5000));
  await rig.answers();
  expect(await rig.exchange(XFR_BLOCK, { specific: ASKS, data: "00" })).toBe(answer(DATA_BLOCK, "400100"));
});

test("A command longer than any APDU overruns, and its chain is forgotten", async () => {
  const rig = await poweredRig();
  const data = "00".repeat(4096);
  expect(await rig.exchange(XFR_BLOCK, { specific: BEGINS, data })).toBe(NEXT_WANTED);
  for (let block = 1; block < 16; block++) {
    expect(await rig.exchange(XFR_BLOCK, { specific: CONTINUES, data })).toBe(NEXT_WANTED);
  }
  expect(await rig.exchange(XFR_BLOCK, { specific: ENDS, data })).toBe(answer(DATA_BLOCK, "40fc00"));
  expect(await rig.exchange(XFR_BLOCK, { specific: ENDS, data: "00" })).toBe(answer(DATA_BLOCK, "400800"));
  expect(rig.card.commands).toEqual([]);
});

test("A chain does not outlive the power, nor a command that begins anew", async () => {
  const rig = await poweredRig();
  await rig.exchange(XFR_BLOCK, { specific: BEGINS, data: "0001" });
  await rig.exchange(POWER_ON);
  expect(await rig.exchange(XFR_BLOCK, { specific: ENDS, data: "0203" })).toBe(answer(DATA_BLOCK, "400800"));
  await rig.exchange(XFR_BLOCK, { specific: BEGINS, data: "0001" });
  await rig.exchange(XFR_BLOCK, { specific: BEGINS, data: "00aa" });
  await rig.exchange(XFR_BLOCK, { specific: ENDS, data: "bbcc" });
  expect(rig.card.commands).toEqual(["00aabbcc"]);
});
