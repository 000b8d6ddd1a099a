// Comparing byte strings. Anything secret, or derived from a secret, is compared in constant time.
import { timingSafeEqual } from "node:crypto";

/** Constant time for equal lengths; the lengths themselves are not secret. */
export function isEqualConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** For public values only: ids, AIDs, hashes of names. */
export function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
