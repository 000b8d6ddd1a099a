// Algorithm attributes: what the card announces, takes and refuses, and what becomes of the keys.
import { beforeAll, expect, test } from "vitest";
import { toHex } from "../../src/bytes/hex.ts";
import { parseTlvs } from "../../src/iso7816/tlv.ts";
import { Key, type OpenPgpCard, openCard } from "../support/openpgp-client.ts";

const message = Buffer.from("what is signed");

let card: OpenPgpCard;

beforeAll(async () => {
  card = await openCard({ verified: [0x81, 0x82, 0x83] });
  expect(await card.putData(0xc4, "01")).toBe("9000");
});

async function setAlgorithm(attributes: string): Promise<void> {
  expect(await card.putData(0xc1, attributes)).toBe("9000");
}

test("whatever FA lists is taken", async () => {
  const listed = parseTlvs(parseTlvs(await card.getData(0xfa))[0]?.value ?? new Uint8Array(0));
  expect(listed.map(({ tag }) => tag).filter((tag, index, all) => all.indexOf(tag) === index)).toEqual([
    0xc1, 0xc2, 0xc3, 0xda,
  ]);
  expect(listed.length).toBe(12 + 12 + 12 + 12);
  for (const { tag, value } of listed) {
    expect(await card.putData(tag, value)).toBe("9000");
    expect(await card.getData(tag)).toEqual(new Uint8Array(value));
  }
});

test.each([
  "",
  "01",
  "0108000011",
  "010800001104",
  "010400001100",
  "010800001000",
  "010800002100",
  "13",
  "132a8648ce3d0301",
  "162a8648ce3d030107",
  "1901",
])("%s is refused", async (attributes) => {
  for (const tag of [0xc1, 0xc2, 0xc3, 0xda]) expect(await card.putData(tag, attributes)).toBe("6a80");
});

test("X25519 by the name of EdDSA, as ykman 4 has it, is ECDH", async () => {
  expect(await card.putData(0xc2, "162b060104019755010501")).toBe("9000");
  expect(toHex(await card.getData(0xc2))).toBe("122b060104019755010501");
});

test("another algorithm deletes the key and what described it; another import format does not", async () => {
  await setAlgorithm("162b06010401da470f01");
  await card.generate(Key.sig);
  expect(await card.putData(0xc7, "11".repeat(20))).toBe("9000");
  expect(await card.putData(0xce, "5fffffff")).toBe("9000");
  expect((await card.sign(message)).sw).toBe("9000");
  expect(toHex(await card.getData(0x7a))).toBe("7a059303000001");
  await setAlgorithm("162b06010401da470f01ff");
  expect((await card.sign(message)).sw).toBe("9000");
  await setAlgorithm("132a8648ce3d030107");
  expect((await card.sign(message)).sw).toBe("6a88");
  expect(toHex(await card.getData(0xc7))).toBe("");
  expect(toHex(await card.getData(0xce))).toBe("");
  expect(toHex(await card.getData(0x7a))).toBe("7a059303000000");
  expect(toHex(await card.getData(0xde)).slice(0, 4)).toBe("0100");
});
