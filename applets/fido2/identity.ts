// What a platform that may list credentials can tell this key again by: an identifier and the state of its credentials,
// sealed so that nobody else learns them from getInfo. CTAP 2.3 §6.4, encIdentifier and encCredStoreState
//
//   iv 16 | AES-128-CBC(HKDF-SHA-256(salt: 32 zeros, persistentPinUvAuthToken, info: the member's name), 16 bytes)
import { concat } from "../../src/bytes/concat.ts";
import { wipe } from "../../src/bytes/wipe.ts";
import { encryptAesCbc } from "../../src/crypto/aes.ts";
import { hkdfSha256 } from "../../src/crypto/hash.ts";
import type { Fido2Context } from "./context.ts";

/** Persistent: 16 random bytes; another after a reset. */
const DEVICE_IDENTIFIER = "fido2/device-identifier";
const IDENTIFIER_LENGTH = 16;
const IV_LENGTH = 16;
const AES_KEY_LENGTH = 16;
const ZERO_SALT = new Uint8Array(32);

export interface SealedIdentity {
  readonly encIdentifier: Uint8Array;
  readonly encCredStoreState: Uint8Array;
}

/** Undefined when the store, which may be full, cannot take what has to be drawn the first time. */
export async function sealIdentity(context: Fido2Context): Promise<SealedIdentity | undefined> {
  const { platform, persistentToken, credentials } = context;
  try {
    const token = await persistentToken.obtain();
    const identifier = await obtainIdentifier(context);
    const seal = (info: string, block: Uint8Array) => {
      const key = hkdfSha256(token, ZERO_SALT, info, AES_KEY_LENGTH);
      // A fresh IV each time: the same bytes twice would themselves be an identifier, for everyone.
      const iv = platform.randomBytes(IV_LENGTH);
      const sealed = concat(iv, encryptAesCbc(key, iv, block));
      wipe(key);
      return sealed;
    };
    return {
      encIdentifier: seal("encIdentifier", identifier),
      encCredStoreState: seal("encCredStoreState", credentials.storeState),
    };
  } catch (error) {
    platform.log.error("FIDO2 getInfo: the identity of this key could not be stored", error);
    return undefined;
  }
}

async function obtainIdentifier({ platform }: Fido2Context): Promise<Uint8Array> {
  const known = platform.store.get(DEVICE_IDENTIFIER);
  if (known !== undefined) return known;
  const identifier = platform.randomBytes(IDENTIFIER_LENGTH);
  await platform.store.commit({ [DEVICE_IDENTIFIER]: identifier });
  return identifier;
}
