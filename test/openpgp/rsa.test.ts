// RSA keys of the card, their signatures and cryptograms checked by node:crypto.
import { constants, createHash, createPublicKey, generateKeyPairSync, publicEncrypt, verify } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { digestInfo, Key, type OpenPgpCard, openCard } from "../support/openpgp-client.ts";
import { type NodeKeyPair, privateKeyEncoding, publicKeyEncoding, readPair } from "./key-pairs.ts";

const message = Buffer.from("what is signed");

let card: OpenPgpCard;

beforeAll(async () => {
  card = await openCard({ verified: [0x81, 0x82, 0x83] });
  expect(await card.putData(0xc4, "01")).toBe("9000");
});

const digest = createHash("sha256").update(message).digest();
const pairs = new Map<number, NodeKeyPair>();

function pairOf(bits: number) {
  const known =
    pairs.get(bits) ??
    readPair(generateKeyPairSync("rsa", { modulusLength: bits, publicKeyEncoding, privateKeyEncoding }));
  pairs.set(bits, known);
  return known;
}

function partsOf(bits: number): Readonly<Record<"e" | "p" | "q" | "n" | "dp" | "dq" | "qi", Uint8Array>> {
  const jwk = pairOf(bits).privateKey.export({ format: "jwk" });
  const part = (name: "e" | "p" | "q" | "n" | "dp" | "dq" | "qi") => Buffer.from(jwk[name] ?? "", "base64url");
  return { e: part("e"), p: part("p"), q: part("q"), n: part("n"), dp: part("dp"), dq: part("dq"), qi: part("qi") };
}

function importRsa(key: Uint8Array, bits: number): Promise<string> {
  const { e, p, q } = partsOf(bits);
  return card.importKey(key, [
    [0x91, e],
    [0x92, p],
    [0x93, q],
  ]);
}

test.each(["sig", "aut"] as const)("signs a DigestInfo, in slot %s", async (slot) => {
  expect(await card.setAlgorithm(slot, "010800001100")).toBe("9000");
  expect(await importRsa(Key[slot], 2048)).toBe("9000");
  const { data, sw } = await card.signWith(slot, digestInfo(digest));
  expect(sw).toBe("9000");
  expect(verify("sha256", message, pairOf(2048).publicKey, data)).toBe(true);
  const shown = await card.generate(Key[slot], 0x81);
  expect(toHex(shown.get(0x81) ?? new Uint8Array(0))).toBe(toHex(partsOf(2048).n));
  expect(toHex(shown.get(0x82) ?? new Uint8Array(0))).toBe("010001");
});

test("refuses a DigestInfo of more than 40 % of the modulus, and none", async () => {
  expect((await card.sign(new Uint8Array(102).fill(1))).sw).toBe("9000");
  expect((await card.sign(new Uint8Array(103).fill(1))).sw).toBe("6700");
  expect((await card.sign(new Uint8Array(0))).sw).toBe("6700");
});

test("deciphers, and does not say what is wrong with a padding", async () => {
  expect(await card.setAlgorithm("dec", "010800002000")).toBe("9000");
  expect(await importRsa(Key.dec, 2048)).toBe("9000");
  const key = { key: pairOf(2048).publicKey, padding: constants.RSA_PKCS1_PADDING };
  const cryptogram = publicEncrypt(key, Buffer.from("a session key"));
  const { data, sw } = await card.decipher(concat(Uint8Array.of(0), cryptogram));
  expect([sw, Buffer.from(data).toString()]).toEqual(["9000", "a session key"]);
  const unpadded = publicEncrypt({ ...key, padding: constants.RSA_NO_PADDING }, Buffer.alloc(256, 1));
  expect((await card.decipher(concat(Uint8Array.of(0), unpadded))).sw).toBe("6a80");
  expect((await card.decipher(concat(Uint8Array.of(0), cryptogram.subarray(1)))).sw).toBe("6700");
  expect((await card.decipher(concat(Uint8Array.of(1), cryptogram))).sw).toBe("6a80");
  expect((await card.decipher(new Uint8Array(0))).sw).toBe("6700");
});

test.each([0, 1, 2, 3])("takes the key in import format %i, with a longer exponent, too", async (format) => {
  expect(await card.setAlgorithm("dec", `01080000200${format}`)).toBe("9000");
  const { e, p, q, n, dp, dq, qi } = partsOf(2048);
  const crt = [[0x94, qi] as const, [0x95, dp] as const, [0x96, dq] as const];
  const parts = [
    [0x91, concat(Uint8Array.of(0), e)] as const,
    [0x92, p] as const,
    [0x93, q] as const,
    ...(format >= 2 ? crt : []),
    ...(format % 2 === 1 ? [[0x97, n] as const] : []),
  ];
  expect(await card.importKey(Key.dec, parts)).toBe("9000");
  expect(toHex((await card.generate(Key.dec, 0x81)).get(0x81) ?? new Uint8Array(0))).toBe(toHex(n));
});

test("refuses what is no key of the length that the attributes say, and another key's modulus", async () => {
  const { e, p, q } = partsOf(2048);
  expect(await card.setAlgorithm("dec", "010c00002000")).toBe("9000"); // 3072
  expect(
    await card.importKey(Key.dec, [
      [0x91, e],
      [0x92, p],
      [0x93, q],
    ]),
  ).toBe("6a80");
  expect(await card.setAlgorithm("dec", "010800002000")).toBe("9000");
  expect(
    await card.importKey(Key.dec, [
      [0x91, e],
      [0x92, p],
      [0x93, p],
    ]),
  ).toBe("6a80");
  expect(
    await card.importKey(Key.dec, [
      [0x91, e],
      [0x92, p],
    ]),
  ).toBe("6a80");
  expect(
    await card.importKey(Key.dec, [
      [0x91, e],
      [0x92, p],
      [0x93, q],
      [0x97, new Uint8Array(256).fill(3)],
    ]),
  ).toBe("6a80");
  const even = Uint8Array.from(q);
  even[127] = 2;
  expect(
    await card.importKey(Key.dec, [
      [0x91, e],
      [0x92, p],
      [0x93, even],
    ]),
  ).toBe("6a80");
});

test("is generated with keepalives, and every length is announced", async () => {
  expect(await card.setAlgorithm("sig", "010800002000")).toBe("9000");
  const shown = await card.generate(Key.sig);
  expect(card.transport.keepalives).toContain("processing");
  const n = shown.get(0x81) ?? new Uint8Array(0);
  expect(n.length).toBe(256);
  const key = createPublicKey({
    format: "jwk",
    key: { kty: "RSA", n: Buffer.from(n).toString("base64url"), e: "AQAB" },
  });
  expect(verify("sha256", message, key, (await card.sign(digestInfo(digest))).data)).toBe(true);
  for (const tag of [0xc1, 0xc2, 0xc3, 0xda]) {
    for (const bits of ["0800", "0c00", "1000"]) expect(await card.putData(tag, `01${bits}001100`)).toBe("9000");
  }
});
