import { constants, createPrivateKey, publicEncrypt, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { type HashName, hash } from "../../src/crypto/hash.ts";
import {
  completeRsaPrivateKey,
  decipherRsaPkcs1,
  decipherRsaRaw,
  encodeRsaPrivateKey,
  generateRsaKeyPair,
  importRsaPrivateKey,
  importRsaPublicKey,
  parseRsaPrivateKey,
  type RsaPrivateKeyParts,
  signRsa,
  signRsaPkcs1,
} from "../../src/crypto/rsa.ts";
import { readVectors } from "../support/vectors.ts";
import { type HexParts, toParts } from "./rsa-parts.ts";

const NAMES = ["n", "e", "d", "p", "q", "dp", "dq", "qi"] as const;
interface Vectors {
  readonly signing: {
    vectors: { key: HexParts; signatures: { hash: HashName; message: string; signature: string }[] }[];
  };
  readonly deciphering: { vectors: { key: HexParts; cryptograms: { message: string; cryptogram: string }[] }[] };
}
const { signing, deciphering } = readVectors<Vectors>("rsa");

const toHexParts = (parts: RsaPrivateKeyParts) => Object.fromEntries(NAMES.map((name) => [name, toHex(parts[name])]));

/** DigestInfo up to the digest. RFC 8017 §9.2 note 1 */
const SHA1_DIGEST_INFO = fromHex("3021300906052b0e03021a05000414");
const SHA256_DIGEST_INFO = fromHex("3031300d060960864801650304020105000420");

describe.each(signing.vectors)("RSA Laboratories' key $key.n", ({ key: hexParts, signatures }) => {
  const key = importRsaPrivateKey(toParts(hexParts));

  test("signs a ready-made DigestInfo and a message alike, as they did", () => {
    for (const { hash: name, message, signature } of signatures) {
      expect(toHex(signRsa(key, name, fromHex(message)))).toBe(signature);
      const digestInfo = concat(SHA1_DIGEST_INFO, hash(name, fromHex(message)));
      expect(toHex(signRsaPkcs1(key, digestInfo))).toBe(signature);
    }
  });

  test("verifies through its public half", () => {
    const publicKey = importRsaPublicKey(fromHex(hexParts.n), fromHex(hexParts.e));
    for (const { hash: name, message, signature } of signatures) {
      expect(verify(name, fromHex(message), publicKey, fromHex(signature))).toBe(true);
      expect(verify(name, fromHex(`${message}00`), publicKey, fromHex(signature))).toBe(false);
    }
  });

  test("is completed from its exponent and primes", () => {
    const { d: _, ...expected } = hexParts; // OpenSSL takes lcm(p − 1, q − 1) for it, others (p − 1)(q − 1)
    const completed = completeRsaPrivateKey(fromHex(`00${hexParts.e}`), fromHex(hexParts.p), fromHex(hexParts.q));
    expect(toHexParts(completed)).toMatchObject(expected);
    const [first] = signatures;
    const again = importRsaPrivateKey(completed);
    expect(toHex(signRsa(again, "sha1", fromHex(first?.message ?? "")))).toBe(first?.signature);
  });

  test("is the same after PKCS#1, which OpenSSL reads too", () => {
    const der = encodeRsaPrivateKey(toParts(hexParts));
    expect(toHexParts(parseRsaPrivateKey(der))).toEqual(hexParts);
    const read = createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs1" });
    expect(toHex(read.export({ format: "der", type: "pkcs1" }))).toBe(toHex(der));
    expect(() => parseRsaPrivateKey(concat(der, Uint8Array.of(0)))).toThrow(RangeError);
    expect(() => parseRsaPrivateKey(der.subarray(0, -1))).toThrow(RangeError);
  });
});

describe.each(deciphering.vectors)("RSA Laboratories' key $key.n deciphers", ({ key: hexParts, cryptograms }) => {
  const key = importRsaPrivateKey(toParts(hexParts));
  const length = hexParts.n.length / 2;
  const publicKey = importRsaPublicKey(fromHex(hexParts.n), fromHex(hexParts.e));
  const encipherRaw = (encoded: Uint8Array) =>
    publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, encoded);
  const encode = (head: readonly number[], padding: number, message: Uint8Array) =>
    concat(Uint8Array.from(head), new Uint8Array(padding).fill(0x55), Uint8Array.of(0), message);

  test("what they enciphered", () => {
    for (const { message, cryptogram } of cryptograms) {
      expect(toHex(decipherRsaPkcs1(key, fromHex(cryptogram)) ?? Buffer.from("refused"))).toBe(message);
      const raw = toHex(decipherRsaRaw(key, fromHex(cryptogram)));
      expect(raw).toHaveLength(2 * length);
      expect(raw.startsWith("0002") && raw.endsWith(`00${message}`)).toBe(true);
    }
  });

  test("an empty message, and one that leaves eight bytes of padding", () => {
    expect(decipherRsaPkcs1(key, encipherRaw(encode([0, 2], length - 3, new Uint8Array(0))))).toHaveLength(0);
    const longest = new Uint8Array(length - 11).fill(0);
    expect(decipherRsaPkcs1(key, encipherRaw(encode([0, 2], 8, longest)))).toEqual(longest);
  });

  test.each([
    ["a first byte that is not 0", () => encode([1, 2], 20, new Uint8Array(length - 23).fill(1))],
    ["block type 1", () => encode([0, 1], 20, new Uint8Array(length - 23).fill(1))],
    ["block type 0", () => encode([0, 0], 20, new Uint8Array(length - 23).fill(1))],
    ["seven bytes of padding", () => encode([0, 2], 7, new Uint8Array(length - 10).fill(1))],
    ["no padding", () => encode([0, 2], 0, new Uint8Array(length - 3).fill(1))],
    ["no end of the padding", () => concat(Uint8Array.of(0, 2), new Uint8Array(length - 2).fill(0x55))],
    ["nothing but zeros", () => new Uint8Array(length)],
  ] as const)("nothing of %s, by one and the same failure", (_, encoded) => {
    expect(encoded()).toHaveLength(length);
    expect(decipherRsaPkcs1(key, encipherRaw(encoded()))).toBeUndefined();
  });

  test("nothing of another length, nor from n on", () => {
    const n = fromHex(hexParts.n);
    for (const cryptogram of [n, n.map(() => 0xff), n.subarray(1), concat(Uint8Array.of(0), n)]) {
      expect(() => decipherRsaRaw(key, cryptogram)).toThrow(RangeError);
      expect(decipherRsaPkcs1(key, cryptogram)).toBeUndefined();
    }
  });

  test("and signs as RSADP, when the host padded already", () => {
    const digestInfo = concat(SHA256_DIGEST_INFO, hash("sha256", Uint8Array.of(1)));
    const padding = new Uint8Array(length - 3 - digestInfo.length).fill(0xff);
    const encoded = concat(Uint8Array.of(0, 1), padding, Uint8Array.of(0), digestInfo);
    expect(toHex(decipherRsaRaw(key, encoded))).toBe(toHex(signRsaPkcs1(key, digestInfo)));
    expect(verify("sha256", Uint8Array.of(1), publicKey, decipherRsaRaw(key, encoded))).toBe(true);
  });

  test("and pads a DigestInfo of up to eleven bytes less than the modulus", () => {
    expect(signRsaPkcs1(key, new Uint8Array(length - 11))).toHaveLength(length);
    expect(() => signRsaPkcs1(key, new Uint8Array(length - 10))).toThrow(RangeError);
  });
});

describe("No key is completed from", () => {
  const { e, p, q } = toParts((signing.vectors[0] as { key: HexParts }).key);
  const plusTwo = (prime: Uint8Array) => {
    const changed = Uint8Array.from(prime);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 2;
    return changed;
  };
  const even = Uint8Array.from(p);
  even[even.length - 1] = (even.at(-1) ?? 0) ^ 1;
  const lambdaFactor = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79].find(
    (factor) => (BigInt(`0x${toHex(p)}`) - 1n) % BigInt(factor) === 0n,
  );

  test.each([
    ["the same prime twice", e, p, p],
    ["an even number", e, even, q],
    ["a composite number", e, p, plusTwo(q)],
    ["another composite number", e, plusTwo(p), q],
    ["one", e, p, concat(new Uint8Array(p.length - 1), Uint8Array.of(1))],
    ["zero", e, p, new Uint8Array(p.length)],
    ["nothing", e, new Uint8Array(0), new Uint8Array(0)],
    ["primes of different lengths", e, p, q.subarray(1)],
    ["primes with zeros in front", e, concat(Uint8Array.of(0), p), concat(Uint8Array.of(0), q)],
    ["an exponent of 1", Uint8Array.of(1), p, q],
    ["an even exponent", Uint8Array.of(1, 0, 0), p, q],
    ["no exponent", new Uint8Array(0), p, q],
    ["an exponent that divides p − 1", Uint8Array.of(lambdaFactor ?? 0), p, q],
  ] as const)("%s", (_, exponent, first, second) => {
    expect(lambdaFactor).toBeDefined();
    expect(() => completeRsaPrivateKey(exponent, first, second)).toThrow(RangeError);
  });
});

test("A generated key has parts of fixed lengths, survives its encoding and signs what its public half verifies", async () => {
  const parts = await generateRsaKeyPair(1024);
  const lengths = Object.fromEntries(NAMES.map((name) => [name, parts[name].length]));
  expect(lengths).toEqual({ n: 128, e: 3, d: 128, p: 64, q: 64, dp: 64, dq: 64, qi: 64 });
  expect(toHex(parts.e)).toBe("010001");
  expect((parts.n[0] ?? 0) >= 0x80).toBe(true);
  expect(toHexParts(parseRsaPrivateKey(encodeRsaPrivateKey(parts)))).toEqual(toHexParts(parts));
  const message = Uint8Array.of(1, 2, 3);
  const signature = signRsa(importRsaPrivateKey(parts), "sha256", message);
  expect(verify("sha256", message, importRsaPublicKey(parts.n, parts.e), signature)).toBe(true);
});
