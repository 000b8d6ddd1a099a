// The keys of a store and what each seals: the data key under a person's secret, and the header, length and frame keys
// that one file derives from the data key. format.ts shows where each result stands in the file.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, scrypt } from "node:crypto";
import { concat } from "../src/bytes/concat.ts";
import { wipe } from "../src/bytes/wipe.ts";
import { SlotKind, SlotParameters, TAG_SIZE } from "./format.ts";

/** What a person unlocks a store with: text, or the 32 bytes of a key file. */
export type Secret =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  | { readonly kind: "key-file"; readonly key: Uint8Array };

export interface ScryptParameters {
  readonly log2N: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about 0.4 s: OWASP's first choice for scrypt, and eight times what `node:crypto` defaults to. */
export const DEFAULT_SCRYPT: ScryptParameters = { log2N: 17, r: 8, p: 1 };

/** A header is not authentic before its key is derived, so that what it asks of the machine is bounded: 1 GiB. */
const MAX_SCRYPT_MEMORY = 2 ** 30;

export function isReasonableScrypt({ log2N, r, p }: ScryptParameters): boolean {
  return log2N >= 1 && log2N <= 24 && r >= 1 && p >= 1 && p <= 16 && 128 * r * 2 ** log2N <= MAX_SCRYPT_MEMORY;
}

/** The key that wraps the data key in one slot: 32 bytes. Takes as long as scrypt takes. */
export async function deriveSlotKey(secret: Secret, parameters: SlotParameters): Promise<Uint8Array> {
  if (secret.kind === "key-file") {
    return new Uint8Array(hkdfSync("sha256", secret.key, parameters.salt, "latchkey 1 key file", 32));
  }
  const N = 2 ** parameters.log2N;
  const { r, p } = parameters;
  // Two ways to type the same accented letter are one passphrase.
  const passphrase = Buffer.from(secret.passphrase.normalize("NFC"), "utf8");
  try {
    return await new Promise((resolve, reject) => {
      const options = { N, r, p, maxmem: 128 * N * r + 128 * r * p + 2 ** 20 };
      scrypt(passphrase, parameters.salt, 32, options, (error, key) => (error ? reject(error) : resolve(key)));
    });
  } finally {
    wipe(passphrase);
  }
}

export function slotKindOf(secret: Secret): SlotKind {
  return secret.kind === "passphrase" ? SlotKind.PASSPHRASE : SlotKind.KEY_FILE;
}

function slotAdditionalData(storeId: Uint8Array, parameters: SlotParameters): Uint8Array {
  return concat(Buffer.from("latchkey 1 slot"), storeId, SlotParameters.encode(parameters));
}

export function wrapDataKey(
  dataKey: Uint8Array,
  slotKey: Uint8Array,
  nonce: Uint8Array,
  storeId: Uint8Array,
  parameters: SlotParameters,
): Uint8Array {
  return seal(slotKey, nonce, slotAdditionalData(storeId, parameters), dataKey);
}

/** The data key, or undefined when the slot key is not the right one. */
export function unwrapDataKey(
  wrappedKey: Uint8Array,
  slotKey: Uint8Array,
  nonce: Uint8Array,
  storeId: Uint8Array,
  parameters: SlotParameters,
): Uint8Array | undefined {
  return open(slotKey, nonce, slotAdditionalData(storeId, parameters), wrappedKey);
}

/** AES-256-GCM: the ciphertext and its tag. */
export function seal(key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(additional);
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

/** The plaintext, or undefined when key, nonce, additional data or text are not those that were sealed. */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  additional: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const end = sealed.length - TAG_SIZE;
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_SIZE })
    .setAAD(additional)
    .setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plaintext;
}

/** The keys of one file. */
export class FileKeys {
  readonly #header: Uint8Array;
  readonly #length: Uint8Array;
  readonly frame: Uint8Array;

  constructor(dataKey: Uint8Array, storeId: Uint8Array, generation: Uint8Array) {
    const salt = concat(storeId, generation);
    const derive = (label: string) => new Uint8Array(hkdfSync("sha256", dataKey, salt, `latchkey 1 ${label}`, 32));
    this.#header = derive("header");
    this.#length = derive("length");
    this.frame = derive("frame");
  }

  headerMac(header: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#header).update(header).digest();
  }

  /** 12 bytes over the frame's offset and the length of its ciphertext. */
  lengthTag(offset: Uint8Array, length: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#length).update(offset).update(length).digest().subarray(0, 12);
  }

  wipe(): void {
    wipe(this.#header, this.#length, this.frame);
  }
}
