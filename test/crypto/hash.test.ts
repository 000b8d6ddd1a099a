import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { hkdfSha256, hmacSha256, sha256, sha256OfText } from "../../src/crypto/hash.ts";
import { readVectors } from "../support/vectors.ts";

interface Vectors {
  readonly sha256: { vectors: Record<"message" | "digest", string>[] };
  readonly hmac: { vectors: Record<"key" | "message" | "mac", string>[] };
  readonly hkdf: { vectors: Record<"secret" | "salt" | "info" | "output", string>[] };
}
const vectors = readVectors<Vectors>("hash");

test.each(vectors.sha256.vectors)("SHA-256 of $message, in both engines", ({ message, digest }) => {
  expect(toHex(sha256(fromHex(message)))).toBe(digest);
  expect(toHex(nobleSha256(fromHex(message)))).toBe(digest);
});

test("SHA-256 takes its input in parts, and text as UTF-8", () => {
  expect(sha256(Buffer.from("ab"), Buffer.from("c"))).toEqual(sha256(Buffer.from("abc")));
  expect(sha256OfText("é")).toEqual(sha256(Uint8Array.of(0xc3, 0xa9)));
});

test.each(vectors.hmac.vectors)("HMAC-SHA-256 with $key, in both engines", ({ key, message, mac }) => {
  expect(toHex(hmacSha256(fromHex(key), fromHex(message)))).toBe(mac);
  expect(toHex(hmacSha256(fromHex(key), fromHex(message).subarray(0, 3), fromHex(message).subarray(3)))).toBe(mac);
  expect(toHex(hmac(nobleSha256, fromHex(key), fromHex(message)))).toBe(mac);
});

test.each(vectors.hkdf.vectors)("HKDF-SHA-256 with salt $salt, in both engines", ({ secret, salt, info, output }) => {
  const length = output.length / 2;
  expect(toHex(hkdfSha256(fromHex(secret), fromHex(salt), fromHex(info), length))).toBe(output);
  const prk = extract(nobleSha256, fromHex(secret), fromHex(salt));
  expect(toHex(expand(nobleSha256, prk, fromHex(info), length))).toBe(output);
});
