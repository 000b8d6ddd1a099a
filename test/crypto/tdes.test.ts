import { expect, test } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { decryptTdesEcb, encryptTdesEcb, isWeakTdesKey } from "../../src/crypto/tdes.ts";
import { readVectors } from "../support/vectors.ts";

type Vector = Record<"key" | "plaintext" | "ciphertext", string>;
const { ecb } = readVectors<{ ecb: { vectors: Vector[] } }>("tdes");

test.each(ecb.vectors)("Triple DES in ECB, $ciphertext", ({ key, plaintext, ciphertext }) => {
  expect(toHex(encryptTdesEcb(fromHex(key), fromHex(plaintext)))).toBe(ciphertext);
  expect(toHex(decryptTdesEcb(fromHex(key), fromHex(ciphertext)))).toBe(plaintext);
});

test("Parity bits count for nothing", () => {
  const key = fromHex("010203040506070801020304050607080102030405060708");
  const flipped = key.map((byte) => byte ^ 1);
  expect(toHex(encryptTdesEcb(flipped, new Uint8Array(8)))).toBe(toHex(encryptTdesEcb(key, new Uint8Array(8))));
});

test("Keys of another length and broken blocks are refused", () => {
  for (const operation of [encryptTdesEcb, decryptTdesEcb]) {
    expect(() => operation(new Uint8Array(16), new Uint8Array(8))).toThrow(RangeError);
    expect(() => operation(new Uint8Array(24), new Uint8Array(9))).toThrow(RangeError);
  }
});

/** A DES key that encrypts what another one encrypted back: itself for a weak key, its partner for a semi-weak one. */
const pairs = [
  ["0101010101010101", "0101010101010101"],
  ["fefefefefefefefe", "fefefefefefefefe"],
  ["e0e0e0e0f1f1f1f1", "e0e0e0e0f1f1f1f1"],
  ["1f1f1f1f0e0e0e0e", "1f1f1f1f0e0e0e0e"],
  ["011f011f010e010e", "1f011f010e010e01"],
  ["01e001e001f101f1", "e001e001f101f101"],
  ["01fe01fe01fe01fe", "fe01fe01fe01fe01"],
  ["1fe01fe00ef10ef1", "e01fe01ff10ef10e"],
  ["1ffe1ffe0efe0efe", "fe1ffe1ffe0efe0e"],
  ["e0fee0fef1fef1fe", "fee0fee0fef1fef1"],
] as const;

test.each(pairs)("%s and %s undo each other, and are refused at each of the three places", (first, second) => {
  const block = fromHex("0011223344556677");
  const single = (key: string) => fromHex(key + key + key); // as much as DES itself
  expect(toHex(encryptTdesEcb(single(second), encryptTdesEcb(single(first), block)))).toBe(toHex(block));
  const strong = ["0123456789abcdef", "23456789abcdef01", "456789abcdef0123"].map(fromHex);
  expect(isWeakTdesKey(concat(...strong))).toBe(false);
  for (const weak of [first, second].map(fromHex)) {
    for (const place of [0, 1, 2]) {
      expect(isWeakTdesKey(concat(...strong.map((key, index) => (index === place ? weak : key))))).toBe(true);
      const otherParity = weak.map((byte) => byte ^ 1);
      expect(isWeakTdesKey(concat(...strong.map((key, index) => (index === place ? otherParity : key))))).toBe(true);
    }
  }
});

test("PIV's default management key is not weak, though its three keys are one", () => {
  expect(isWeakTdesKey(fromHex("010203040506070801020304050607080102030405060708"))).toBe(false);
});
