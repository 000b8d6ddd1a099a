// PIN/UV auth protocols one and two: how a platform and this authenticator agree on a key, hide a PIN or a salt under
// it, and prove who sends a request. CTAP 2.3 §6.5.4 (the interface), §6.5.6 (protocol one), §6.5.7 (protocol two)
//
//              one                                  two
//   kdf        SHA-256(Z), one key of 32 bytes      HKDF-SHA-256(Z) twice: HMAC key 32 | AES key 32
//   encrypt    AES-256-CBC, IV of zeros             IV 16, random | AES-256-CBC
//   signature  HMAC-SHA-256, first 16 bytes         HMAC-SHA-256, 32 bytes
import { concat } from "../../src/bytes/concat.ts";
import { isEqualConstantTime } from "../../src/bytes/equal.ts";
import { wipe } from "../../src/bytes/wipe.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { decryptAesCbc, encryptAesCbc } from "../../src/crypto/aes.ts";
import { type KeyPair, P256 } from "../../src/crypto/curves.ts";
import { generateEcKeyPair, splitEcPoint } from "../../src/crypto/ec-key.ts";
import { computeEcdh } from "../../src/crypto/ecdh.ts";
import { hkdfSha256, hmacSha256, sha256 } from "../../src/crypto/hash.ts";
import type { Platform } from "../../src/platform.ts";
import type { Parameters } from "./parameters.ts";
import { CtapError, CtapStatus } from "./status.ts";

/** Labels and values of the COSE_Key of a key agreement. CTAP 2.3 §6.5.6, "getPublicKey()"; RFC 9053 §7.1.1 */
const Label = { KTY: 1, ALG: 3, CRV: -1, X: -2, Y: -3 } as const;
const EC2 = 2;
const CURVE_P256 = 1;
/** ECDH-ES + HKDF-256; the standard says itself that this is not the algorithm that is used. */
const ECDH_ES_HKDF_256 = -25;

const AES_BLOCK = 16;
const HMAC_KEY_LENGTH = 32;
const ZERO_IV = new Uint8Array(AES_BLOCK);
const ZERO_SALT = new Uint8Array(32);
/** Uncompressed, SEC 1 §2.3.3. */
const UNCOMPRESSED_POINT = Uint8Array.of(0x04);

/** What tells protocol two from protocol one. */
interface Scheme {
  kdf(z: Uint8Array): Uint8Array;
  encrypt(platform: Platform, key: Uint8Array, plaintext: Uint8Array): Uint8Array;
  /** Undefined for a ciphertext of an impossible length. */
  decrypt(key: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined;
  authenticate(key: Uint8Array, message: Uint8Array): Uint8Array;
}

const one: Scheme = {
  kdf: (z) => sha256(z),
  encrypt: (_platform, key, plaintext) => encryptAesCbc(key, ZERO_IV, plaintext),
  decrypt: (key, ciphertext) =>
    ciphertext.length % AES_BLOCK === 0 ? decryptAesCbc(key, ZERO_IV, ciphertext) : undefined,
  authenticate: (key, message) => hmacSha256(key, message).subarray(0, 16),
};

const two: Scheme = {
  kdf: (z) => concat(hkdfSha256(z, ZERO_SALT, "CTAP2 HMAC key", 32), hkdfSha256(z, ZERO_SALT, "CTAP2 AES key", 32)),
  encrypt: (platform, key, plaintext) => {
    const iv = platform.randomBytes(AES_BLOCK);
    return concat(iv, encryptAesCbc(key.subarray(HMAC_KEY_LENGTH), iv, plaintext));
  },
  decrypt: (key, ciphertext) => {
    if (ciphertext.length < AES_BLOCK || ciphertext.length % AES_BLOCK !== 0) return undefined;
    const iv = ciphertext.subarray(0, AES_BLOCK);
    return decryptAesCbc(key.subarray(HMAC_KEY_LENGTH), iv, ciphertext.subarray(AES_BLOCK));
  },
  // A shared secret begins with its HMAC key; a pinUvAuthToken is as long as one.
  authenticate: (key, message) => hmacSha256(key.subarray(0, HMAC_KEY_LENGTH), message),
};

/** The key that one request agreed on. `wipe` it when the request is answered. */
export class SharedSecret {
  readonly #scheme: Scheme;
  readonly #platform: Platform;
  readonly #key: Uint8Array;

  constructor(scheme: Scheme, platform: Platform, key: Uint8Array) {
    this.#scheme = scheme;
    this.#platform = platform;
    this.#key = key;
  }

  /** `plaintext`: a multiple of 16 bytes. */
  encrypt(plaintext: Uint8Array): Uint8Array {
    return this.#scheme.encrypt(this.#platform, this.#key, plaintext);
  }

  /** Undefined when the ciphertext has a length that no plaintext encrypts to. */
  decrypt(ciphertext: Uint8Array): Uint8Array | undefined {
    return this.#scheme.decrypt(this.#key, ciphertext);
  }

  /** Whether `signature` is the platform's over `message`, in constant time. The specification's verify(). */
  isAuthentic(message: Uint8Array, signature: Uint8Array): boolean {
    return isEqualConstantTime(this.#scheme.authenticate(this.#key, message), signature);
  }

  wipe(): void {
    wipe(this.#key);
  }
}

/** Throws CBOR_UNEXPECTED_TYPE for a member of a platform's COSE_Key that has not the type of its label. RFC 9053 §7.1.1 */
export function checkPeerTypes(peer: Parameters): void {
  for (const label of [Label.KTY, Label.ALG, Label.CRV]) peer.optionalInteger(label);
  for (const label of [Label.X, Label.Y]) peer.optionalBytes(label);
}

export class PinUvAuthProtocol {
  readonly version: 1 | 2;
  readonly #scheme: Scheme;
  readonly #platform: Platform;
  /** Volatile; made when first needed, and a new one after each wrong PIN. */
  #keyPair: KeyPair | undefined;

  /** `keyPair`: the first key agreement key; one is made unless it is given. */
  constructor(version: 1 | 2, platform: Platform, keyPair?: KeyPair) {
    this.version = version;
    this.#scheme = version === 1 ? one : two;
    this.#platform = platform;
    this.#keyPair = keyPair;
  }

  /** Forgets the key agreement key: the next one is new. The specification's initialize() and regenerate(). */
  regenerate(): void {
    if (this.#keyPair !== undefined) wipe(this.#keyPair.privateKey);
    this.#keyPair = undefined;
  }

  /** The COSE_Key that getKeyAgreement answers with. */
  encodePublicKey(): CborMap {
    const { x, y } = splitEcPoint(P256, this.#keyAgreementKey().publicKey);
    return new Map<CborValue, CborValue>([
      [Label.KTY, EC2],
      [Label.ALG, ECDH_ES_HKDF_256],
      [Label.CRV, CURVE_P256],
      [Label.X, x],
      [Label.Y, y],
    ]);
  }

  /**
   * The secret shared with the platform, from its COSE_Key. Throws INVALID_PARAMETER for anything but a point on
   * P-256, as every caller of decapsulate() has to. `alg` is not looked at: nothing follows from it.
   */
  decapsulate(peer: Parameters): SharedSecret {
    const x = peer.bytes(Label.X);
    const y = peer.bytes(Label.Y);
    if (peer.integer(Label.KTY) !== EC2 || peer.integer(Label.CRV) !== CURVE_P256) {
      throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "keyAgreement is not a key of P-256");
    }
    if (x.length !== P256.bytes || y.length !== P256.bytes) {
      throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "keyAgreement has a coordinate of another length");
    }
    const { privateKey } = this.#keyAgreementKey();
    let z: Uint8Array;
    try {
      z = computeEcdh(P256, privateKey, concat(UNCOMPRESSED_POINT, x, y));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "keyAgreement is not a point on P-256");
    }
    const secret = new SharedSecret(this.#scheme, this.#platform, this.#scheme.kdf(z));
    wipe(z);
    return secret;
  }

  /** Whether `signature` is that of `token` over `message`, in constant time. The specification's verify(). */
  isAuthentic(token: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
    return isEqualConstantTime(this.#scheme.authenticate(token, message), signature);
  }

  #keyAgreementKey(): KeyPair {
    this.#keyPair ??= generateEcKeyPair(P256);
    return this.#keyPair;
  }
}
