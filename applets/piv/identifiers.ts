// The numbers that PIV's commands carry: key references, algorithms and policies. SP 800-73-4 pt 1 §5.1 table 4,
// SP 800-78-4 tables 6-1 to 6-3; RSA 3072 and 4096, Ed25519, X25519, F9 and the policies are Yubico's (PIV extensions).

/** What a command's P2 can name: a PIN, or a slot for a key. */
export const KeyReference = {
  PIN: 0x80,
  PUK: 0x81,
  RETIRED_FIRST: 0x82,
  RETIRED_LAST: 0x95,
  AUTHENTICATION: 0x9a,
  MANAGEMENT: 0x9b,
  SIGNATURE: 0x9c,
  KEY_MANAGEMENT: 0x9d,
  CARD_AUTHENTICATION: 0x9e,
  ATTESTATION: 0xf9,
} as const;

export const AlgorithmId = {
  TDES: 0x03,
  RSA3072: 0x05,
  RSA1024: 0x06,
  RSA2048: 0x07,
  AES128: 0x08,
  AES192: 0x0a,
  AES256: 0x0c,
  P256: 0x11,
  P384: 0x14,
  RSA4096: 0x16,
  ED25519: 0xe0,
  X25519: 0xe1,
  /** What GET METADATA says of a PIN. */
  PIN: 0xff,
} as const;

export const PinPolicy = { DEFAULT: 0, NEVER: 1, ONCE: 2, ALWAYS: 3 } as const;
export type PinPolicy = (typeof PinPolicy)[keyof typeof PinPolicy];

export const TouchPolicy = { NEVER: 1, ALWAYS: 2, CACHED: 3 } as const;
export type TouchPolicy = (typeof TouchPolicy)[keyof typeof TouchPolicy];

export const Origin = { GENERATED: 1, IMPORTED: 2 } as const;
export type Origin = (typeof Origin)[keyof typeof Origin];

/** Whether a client can use a key that is there: the four keys of every PIV card, and the twenty retired ones. */
export function isUsableSlot(reference: number): boolean {
  const { AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION } = KeyReference;
  if (reference >= KeyReference.RETIRED_FIRST && reference <= KeyReference.RETIRED_LAST) return true;
  return [AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION].some((slot) => slot === reference);
}

/** Whether there can be a key pair: the attestation key, too, which signs attestations and nothing else. */
export function isKeySlot(reference: number): boolean {
  return isUsableSlot(reference) || reference === KeyReference.ATTESTATION;
}

/** Every slot for a key pair, in the order in which people list them. */
export function keySlots(): number[] {
  const { AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION, ATTESTATION } = KeyReference;
  const retired = Array.from(
    { length: KeyReference.RETIRED_LAST - KeyReference.RETIRED_FIRST + 1 },
    (_, i) => KeyReference.RETIRED_FIRST + i,
  );
  return [AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION, ...retired, ATTESTATION];
}

/** "9a", as clients name a slot. */
export function slotName(reference: number): string {
  return reference.toString(16).padStart(2, "0");
}
