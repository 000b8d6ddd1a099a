// What a private key of the card computes: signatures over what the host has hashed, and deciphering.
// OpenPGP 3.4.1 §7.2.10 (PSO: CDS), §7.2.11 (PSO: DECIPHER), §7.2.13 (INTERNAL AUTHENTICATE)
import { computeEcdh } from "../../src/crypto/ecdh.ts";
import { signEcdsaDigest } from "../../src/crypto/ecdsa-digest.ts";
import { importEdPrivateKey, signEddsa } from "../../src/crypto/eddsa.ts";
import { decipherRsaPkcs1, importRsaPrivateKey, signRsaPkcs1 } from "../../src/crypto/rsa.ts";
import { computeXdh, importXdhPrivateKey } from "../../src/crypto/xdh.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { parseTlv, parseTlvs } from "../../src/iso7816/tlv.ts";
import { parsing } from "./data-field.ts";
import type { KeyMaterial } from "./key-material.ts";

/** A DigestInfo may take this much of the modulus. §7.2.10.2 */
const MAX_DIGEST_INFO_SHARE = 0.4;
/** The longest hash there is has 64 bytes; ECDSA takes of it what the curve has room for. */
const MAX_DIGEST_LENGTH = 64;

/** Padding indicator bytes of PSO: DECIPHER, and the tag of a cipher DO. §7.2.11 */
export const Cipher = { RSA: 0x00, AES: 0x02, ECDH: 0xa6 } as const;
const PUBLIC_KEY = 0x7f49;
const EXTERNAL_PUBLIC_KEY = 0x86;
/** GnuPG's prefix of a native Curve25519 point. */
const NATIVE_POINT = 0x40;

type KeyObject = ReturnType<typeof importRsaPrivateKey>;

export class PrivateKey {
  readonly material: KeyMaterial;
  /** What OpenSSL works with, imported at the first use. */
  #keyObject: KeyObject | undefined;

  constructor(material: KeyMaterial) {
    this.material = material;
  }

  /** A DigestInfo for RSA, a hash for ECDSA, the message itself for EdDSA. Throws StatusError. */
  sign(data: Uint8Array): Uint8Array {
    const { material } = this;
    switch (material.kind) {
      case "rsa":
        if (data.length === 0 || data.length > material.parts.n.length * MAX_DIGEST_INFO_SHARE) {
          throw new StatusError(StatusWord.WRONG_LENGTH);
        }
        return signRsaPkcs1(this.#importRsa(material), data);
      case "ec":
        if (data.length === 0 || data.length > MAX_DIGEST_LENGTH) throw new StatusError(StatusWord.WRONG_LENGTH);
        return signEcdsaDigest(material.curve, material.pair.privateKey, data);
      case "ed": {
        const { privateKey, publicKey } = material.pair;
        this.#keyObject ??= importEdPrivateKey(material.curve, privateKey, publicKey);
        return signEddsa(this.#keyObject, data);
      }
      case "x":
        throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
    }
  }

  /** `00` and an RSA cryptogram, or the public key that ECDH is computed with. Throws StatusError. */
  decipher(data: Uint8Array): Uint8Array {
    const { material } = this;
    if (material.kind === "ed") throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
    if (material.kind === "rsa") return this.#decipherRsa(material, data);
    const point = parseExternalPublicKey(data);
    return parsing(() => {
      if (material.kind === "ec") return computeEcdh(material.curve, material.pair.privateKey, point);
      const { curve, pair } = material;
      const isPrefixed = point.length === curve.bytes + 1 && point[0] === NATIVE_POINT;
      this.#keyObject ??= importXdhPrivateKey(curve, pair.privateKey, pair.publicKey);
      return computeXdh(curve, this.#keyObject, isPrefixed ? point.subarray(1) : point);
    });
  }

  #decipherRsa(material: KeyMaterial & { kind: "rsa" }, data: Uint8Array): Uint8Array {
    const { length } = material.parts.n;
    const cryptogram = data.subarray(1);
    if (data[0] !== Cipher.RSA) throw new StatusError(StatusWord.WRONG_DATA);
    if (cryptogram.length !== length) throw new StatusError(StatusWord.WRONG_LENGTH);
    const message = decipherRsaPkcs1(this.#importRsa(material), cryptogram);
    if (message === undefined) throw new StatusError(StatusWord.WRONG_DATA);
    return message;
  }

  #importRsa({ parts }: KeyMaterial & { kind: "rsa" }): KeyObject {
    this.#keyObject ??= importRsaPrivateKey(parts);
    return this.#keyObject;
  }
}

/** A6 { 7F49 { 86 point } }. */
function parseExternalPublicKey(data: Uint8Array): Uint8Array {
  return parsing(() => {
    const cipher = parseTlv(data);
    const [publicKey] = cipher.tag === Cipher.ECDH ? parseTlvs(cipher.value) : [];
    const [point] = publicKey?.tag === PUBLIC_KEY ? parseTlvs(publicKey.value) : [];
    if (point?.tag !== EXTERNAL_PUBLIC_KEY) throw new StatusError(StatusWord.WRONG_DATA);
    return point.value;
  });
}
