// Hashes and what is built on them alone: SHA-2 (FIPS 180-4), HMAC (RFC 2104), HKDF (RFC 5869). All of it OpenSSL's.
import { createHash, createHmac, hkdfSync } from "node:crypto";

export type HashName = "sha256" | "sha384" | "sha512";

/** SHA-256 of the parts one after another: 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** SHA-256 of the UTF-8 encoding of a text: 32 bytes. */
export function sha256OfText(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}

/** HMAC-SHA-256 over the parts one after another: 32 bytes. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** HKDF-SHA-256, extract and expand; `info` tells the keys that are derived from one secret apart. */
export function hkdfSha256(
  secret: Uint8Array,
  salt: Uint8Array,
  info: string | Uint8Array,
  length: number,
): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, salt, info, length));
}
