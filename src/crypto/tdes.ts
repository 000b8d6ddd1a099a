// Triple DES with three keys in ECB (SP 800-67), which PIV knows as management key of algorithm 03. SP 800-78-4 §5
// By OpenSSL; its default provider still has des-ede3, single DES it keeps in the legacy one.
import { createCipheriv, createDecipheriv, timingSafeEqual } from "node:crypto";

const DES_LENGTH = 8;

/**
 * The 4 weak and 12 semi-weak keys of DES, each with odd parity, of which a management key must hold none: with a weak
 * key encrypting is decrypting, with a semi-weak one another key decrypts. SP 800-67 rev. 2 §3.3.2
 */
const WEAK_DES_KEYS = [
  "0101010101010101",
  "fefefefefefefefe",
  "e0e0e0e0f1f1f1f1",
  "1f1f1f1f0e0e0e0e",
  "011f011f010e010e",
  "1f011f010e010e01",
  "01e001e001f101f1",
  "e001e001f101f101",
  "01fe01fe01fe01fe",
  "fe01fe01fe01fe01",
  "1fe01fe00ef10ef1",
  "e01fe01ff10ef10e",
  "1ffe1ffe0efe0efe",
  "fe1ffe1ffe0efe0e",
  "e0fee0fef1fef1fe",
  "fee0fee0fef1fef1",
].map((hex) => withoutParity(Buffer.from(hex, "hex")));

/** `key`: 24 bytes, parity bits ignored. Throws RangeError for another, or unless `plaintext` is a multiple of 8 bytes. */
export function encryptTdesEcb(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  requireLengths(key, plaintext);
  const cipher = createCipheriv("des-ede3", key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(plaintext), cipher.final()]);
}

/** `key`: 24 bytes, parity bits ignored. Throws RangeError for another, or unless `ciphertext` is a multiple of 8 bytes. */
export function decryptTdesEcb(key: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  requireLengths(key, ciphertext);
  const decipher = createDecipheriv("des-ede3", key, null).setAutoPadding(false);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

/** Whether one of the three DES keys is weak or semi-weak, whatever its parity bits. Looks at every key and every entry. */
export function isWeakTdesKey(key: Uint8Array): boolean {
  let isWeak = false;
  for (let start = 0; start < key.length; start += DES_LENGTH) {
    const desKey = withoutParity(key.subarray(start, start + DES_LENGTH));
    for (const weak of WEAK_DES_KEYS)
      isWeak = (desKey.length === weak.length && timingSafeEqual(desKey, weak)) || isWeak;
  }
  return isWeak;
}

function withoutParity(desKey: Uint8Array): Uint8Array {
  return desKey.map((byte) => byte & 0xfe);
}

function requireLengths(key: Uint8Array, text: Uint8Array): void {
  if (key.length !== 3 * DES_LENGTH) throw new RangeError(`a Triple DES key of ${key.length} bytes`);
  if (text.length % DES_LENGTH !== 0) throw new RangeError("not a whole number of DES blocks");
}
