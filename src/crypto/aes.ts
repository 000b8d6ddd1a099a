// AES in the modes that the protocols ask for: GCM (SP 800-38D) to seal, CBC (SP 800-38A) as CTAP's PIN protocols and
// OpenPGP's PSO use it, ECB for the challenges of PIV's management key. The key's length, 16, 24 or 32 bytes, chooses
// the variant. All of it OpenSSL's.
import { createCipheriv, createDecipheriv } from "node:crypto";

const GCM_TAG_LENGTH = 16;

/** Encrypts and authenticates. `nonce`: 12 bytes, never used twice with a key. Returns the ciphertext and its 16-byte tag. */
export function sealAesGcm(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  additionalData: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv(`aes-${keyBits(key)}-gcm`, key, nonce, { authTagLength: GCM_TAG_LENGTH });
  cipher.setAAD(additionalData);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** The plaintext of what sealAesGcm returned, or undefined when key, nonce, additional data or a single bit differ. */
export function openAesGcm(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  additionalData: Uint8Array,
): Uint8Array | undefined {
  if (sealed.length < GCM_TAG_LENGTH) return undefined;
  const end = sealed.length - GCM_TAG_LENGTH;
  const decipher = createDecipheriv(`aes-${keyBits(key)}-gcm`, key, nonce, { authTagLength: GCM_TAG_LENGTH });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    return undefined;
  }
  return plaintext;
}

/** Without padding: `plaintext` is a multiple of 16 bytes. `iv`: 16 bytes. */
export function encryptAesCbc(key: Uint8Array, iv: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(`aes-${keyBits(key)}-cbc`, key, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(plaintext), cipher.final()]);
}

/** Without padding: `ciphertext` is a multiple of 16 bytes; throws RangeError when it is not. */
export function decryptAesCbc(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  requireWholeBlocks(ciphertext);
  const decipher = createDecipheriv(`aes-${keyBits(key)}-cbc`, key, iv).setAutoPadding(false);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

/** Block by block. Throws RangeError unless `plaintext` is a multiple of 16 bytes and the key one of AES. */
export function encryptAesEcb(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  requireWholeBlocks(plaintext);
  const cipher = createCipheriv(`aes-${keyBits(key)}-ecb`, key, null).setAutoPadding(false);
  return Buffer.concat([cipher.update(plaintext), cipher.final()]);
}

/** Block by block. Throws RangeError unless `ciphertext` is a multiple of 16 bytes and the key one of AES. */
export function decryptAesEcb(key: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  requireWholeBlocks(ciphertext);
  const decipher = createDecipheriv(`aes-${keyBits(key)}-ecb`, key, null).setAutoPadding(false);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function requireWholeBlocks(bytes: Uint8Array): void {
  if (bytes.length % 16 !== 0) throw new RangeError("not a whole number of AES blocks");
}

function keyBits(key: Uint8Array): 128 | 192 | 256 {
  switch (key.length) {
    case 16:
      return 128;
    case 24:
      return 192;
    case 32:
      return 256;
    default:
      throw new RangeError(`an AES key of ${key.length} bytes`);
  }
}
