import { expand, extract } from "@noble/hashes/hkdf.js";
import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { sha1 as nobleSha1 } from "@noble/hashes/legacy.js";
import {
  sha224 as nobleSha224,
  sha256 as nobleSha256,
  sha384 as nobleSha384,
  sha512 as nobleSha512,
} from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import {
  type HashName,
  hash,
  hkdfSha256,
  hmac,
  hmacSha1,
  hmacSha256,
  sha1,
  sha256,
  sha256OfText,
  truncateMac,
} from "../../src/crypto/hash.ts";
import { readVectors } from "../support/vectors.ts";

interface Vectors {
  readonly hash: { vectors: (Record<"message" | "digest", string> & { hash: HashName })[] };
  readonly hmac: { vectors: (Record<"key" | "message" | "mac", string> & { hash: HashName })[] };
  readonly hkdf: { vectors: Record<"secret" | "salt" | "info" | "output", string>[] };
}
const vectors = readVectors<Vectors>("hash");

const noble = {
  sha1: nobleSha1,
  sha224: nobleSha224,
  sha256: nobleSha256,
  sha384: nobleSha384,
  sha512: nobleSha512,
} as const;

test.each(vectors.hash.vectors)("$hash of $message, in both engines", ({ hash: name, message, digest }) => {
  expect(toHex(hash(name, fromHex(message)))).toBe(digest);
  expect(toHex(noble[name](fromHex(message)))).toBe(digest);
});

test("SHA-256 takes its input in parts, and text as UTF-8", () => {
  expect(sha256(Buffer.from("ab"), Buffer.from("c"))).toEqual(sha256(Buffer.from("abc")));
  expect(sha256OfText("é")).toEqual(sha256(Uint8Array.of(0xc3, 0xa9)));
});

test("SHA-1 and SHA-256 by name are the hashes of that name", () => {
  const message = Buffer.from("abc");
  expect(sha1(message)).toEqual(hash("sha1", message));
  expect(sha256(message)).toEqual(hash("sha256", message));
});

test.each(vectors.hmac.vectors)("HMAC with $hash and $key, in both engines", ({ hash: name, key, message, mac }) => {
  const bytes = fromHex(message);
  expect(toHex(hmac(name, fromHex(key), bytes))).toBe(mac);
  expect(toHex(hmac(name, fromHex(key), bytes.subarray(0, 3), bytes.subarray(3)))).toBe(mac);
  expect(toHex(nobleHmac(noble[name], fromHex(key), bytes))).toBe(mac);
});

test("HMAC-SHA-1, -256 and -512 by name are HMAC with those hashes", () => {
  const [key, message] = [Buffer.from("key"), Buffer.from("message")];
  expect(hmacSha1(key, message)).toEqual(hmac("sha1", key, message));
  expect(hmacSha256(key, message)).toEqual(hmac("sha256", key, message));
});

test.each(vectors.hkdf.vectors)("HKDF-SHA-256 with salt $salt, in both engines", ({ secret, salt, info, output }) => {
  const length = output.length / 2;
  expect(toHex(hkdfSha256(fromHex(secret), fromHex(salt), fromHex(info), length))).toBe(output);
  const prk = extract(nobleSha256, fromHex(secret), fromHex(salt));
  expect(toHex(expand(nobleSha256, prk, fromHex(info), length))).toBe(output);
});

test("Truncation gives the example of RFC 4226 §5.4, and never a negative number", () => {
  expect(truncateMac(fromHex("1f8698690e02ca16618550ef7f19da8e945b555a"))).toBe(0x50ef7f19);
  expect(truncateMac(new Uint8Array(64).fill(0xff))).toBe(0x7fff_ffff);
});
