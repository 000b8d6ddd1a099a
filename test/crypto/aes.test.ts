import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import {
  decryptAesCbc,
  decryptAesEcb,
  encryptAesCbc,
  encryptAesEcb,
  openAesGcm,
  sealAesGcm,
} from "../../src/crypto/aes.ts";
import { readVectors } from "../support/vectors.ts";

interface Vectors {
  readonly gcm: { vectors: Record<"key" | "nonce" | "plaintext" | "additionalData" | "sealed", string>[] };
  readonly ecb: { vectors: Record<"key" | "plaintext" | "ciphertext", string>[] };
  readonly cbc: { vectors: Record<"key" | "iv" | "plaintext" | "ciphertext", string>[] };
}
const { gcm, ecb, cbc } = readVectors<Vectors>("aes");

describe.each(gcm.vectors)("AES-GCM, $sealed", (vector) => {
  const [key, nonce, plaintext] = [fromHex(vector.key), fromHex(vector.nonce), fromHex(vector.plaintext)];
  const [additionalData, sealed] = [fromHex(vector.additionalData), fromHex(vector.sealed)];

  test("seals and opens", () => {
    expect(toHex(sealAesGcm(key, nonce, plaintext, additionalData))).toBe(vector.sealed);
    expect(toHex(openAesGcm(key, nonce, sealed, additionalData) ?? Buffer.from("refused"))).toBe(vector.plaintext);
  });

  test("opens nothing after any bit changed", () => {
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(openAesGcm(key, nonce, changed, additionalData)).toBeUndefined();
    }
    expect(openAesGcm(key, nonce, sealed, Uint8Array.of(...additionalData, 0))).toBeUndefined();
    expect(
      openAesGcm(
        key,
        nonce.map((byte) => byte ^ 1),
        sealed,
        additionalData,
      ),
    ).toBeUndefined();
    expect(
      openAesGcm(
        key.map((byte) => byte ^ 1),
        nonce,
        sealed,
        additionalData,
      ),
    ).toBeUndefined();
    expect(openAesGcm(key, nonce, sealed.subarray(0, 15), additionalData)).toBeUndefined();
  });
});

test.each([16, 24, 32])("AES-GCM takes a key of %i bytes", (length) => {
  const key = new Uint8Array(length).fill(7);
  const sealed = sealAesGcm(key, new Uint8Array(12), Uint8Array.of(1, 2, 3), new Uint8Array(0));
  expect([...(openAesGcm(key, new Uint8Array(12), sealed, new Uint8Array(0)) ?? [])]).toEqual([1, 2, 3]);
});

test("AES-GCM refuses a key of another length", () => {
  expect(() => sealAesGcm(new Uint8Array(31), new Uint8Array(12), new Uint8Array(0), new Uint8Array(0))).toThrow(
    RangeError,
  );
});

test.each(cbc.vectors)("AES-CBC, key $key", ({ key, iv, plaintext, ciphertext }) => {
  expect(toHex(encryptAesCbc(fromHex(key), fromHex(iv), fromHex(plaintext)))).toBe(ciphertext);
  expect(toHex(decryptAesCbc(fromHex(key), fromHex(iv), fromHex(ciphertext)))).toBe(plaintext);
});

test("AES-CBC has no padding, and refuses what is not whole blocks", () => {
  const [key, iv] = [new Uint8Array(32), new Uint8Array(16)];
  expect(encryptAesCbc(key, iv, new Uint8Array(16))).toHaveLength(16);
  expect(() => decryptAesCbc(key, iv, new Uint8Array(17))).toThrow(RangeError);
});

describe.each(ecb.vectors)("AES-ECB, $ciphertext", ({ key, plaintext, ciphertext }) => {
  test("each block by itself, there and back", () => {
    expect(toHex(encryptAesEcb(fromHex(key), fromHex(plaintext + plaintext)))).toBe(ciphertext + ciphertext);
    expect(toHex(decryptAesEcb(fromHex(key), fromHex(ciphertext + ciphertext)))).toBe(plaintext + plaintext);
  });
});

test("AES-ECB takes whole blocks and keys of 16, 24 and 32 bytes alone", () => {
  for (const operation of [encryptAesEcb, decryptAesEcb]) {
    expect(operation(new Uint8Array(16), new Uint8Array(0))).toHaveLength(0);
    expect(() => operation(new Uint8Array(16), new Uint8Array(17))).toThrow(RangeError);
    expect(() => operation(new Uint8Array(8), new Uint8Array(16))).toThrow(RangeError);
  }
});
