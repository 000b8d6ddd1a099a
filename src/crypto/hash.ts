// Hashes and what is built on them alone: SHA-1 and SHA-2 (FIPS 180-4), HMAC (RFC 2104), HKDF (RFC 5869);
// OpenSSL's, but for HOTP's truncation.
import { createHash, createHmac, hkdfSync } from "node:crypto";

export type HashName = "sha1" | "sha224" | "sha256" | "sha384" | "sha512";

/** The hash of the parts one after another. */
export function hash(name: HashName, ...parts: readonly Uint8Array[]): Uint8Array {
  const state = createHash(name);
  for (const part of parts) state.update(part);
  return state.digest();
}

/** SHA-1 of the parts one after another: 20 bytes. For fingerprints and OATH. */
export function sha1(...parts: readonly Uint8Array[]): Uint8Array {
  return hash("sha1", ...parts);
}

/** SHA-256 of the parts one after another: 32 bytes. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return hash("sha256", ...parts);
}

/** SHA-256 of the UTF-8 encoding of a text: 32 bytes. */
export function sha256OfText(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}

/** HMAC over the parts one after another, as long as the hash. */
export function hmac(name: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const state = createHmac(name, key);
  for (const part of parts) state.update(part);
  return state.digest();
}

/** HMAC-SHA-1 over the parts one after another: 20 bytes. */
export function hmacSha1(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return hmac("sha1", key, ...parts);
}

/** HMAC-SHA-256 over the parts one after another: 32 bytes. */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  return hmac("sha256", key, ...parts);
}

/** The 31 bits of a MAC of 20 bytes or more that become an HOTP or TOTP code: dynamic truncation. RFC 4226 §5.3 */
export function truncateMac(mac: Uint8Array): number {
  const offset = (mac.at(-1) ?? 0) & 0x0f;
  return new DataView(mac.buffer, mac.byteOffset + offset, 4).getUint32(0) & 0x7fff_ffff;
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
