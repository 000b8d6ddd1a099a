// RSA: PIV knows only the raw private operation, on a block as long as the modulus; what is padding in it is the
// client's business. SP 800-73-4 pt 2 §3.2.4, SP 800-78-4 §3.1
import { concat } from "../../../src/bytes/concat.ts";
import { rsaCertificateSigner } from "../../../src/crypto/certificate-signers.ts";
import {
  completeRsaPrivateKey,
  decipherRsaRaw,
  encodeRsaPrivateKey,
  F4,
  generateRsaKeyPair,
  importRsaPrivateKey,
  parseRsaPrivateKey,
  type RsaModulusBits,
  type RsaPrivateKeyParts,
} from "../../../src/crypto/rsa.ts";
import { encodeRsaPublicKeyInfo } from "../../../src/crypto/x509.ts";
import { encodeTlv, findTlv, type Tlv } from "../../../src/iso7816/tlv.ts";
import type { KeyAlgorithm, KeyPairBytes } from "./algorithm.ts";

/** Every RSA key of PIV has this exponent: public keys are kept as the modulus alone. SP 800-78-4 §3.1 */
export const EXPONENT = F4;

/** IMPORT ASYMMETRIC KEY. The other three parts (03 to 05) follow from these, and are not looked at. */
const ImportTag = { P: 0x01, Q: 0x02 } as const;
const PublicTag = { MODULUS: 0x81, EXPONENT: 0x82 } as const;

type KeyObject = ReturnType<typeof importRsaPrivateKey>;

/** Reading a key costs OpenSSL more than using it, so what has been read is kept with the bytes it was read from. */
const imported = new WeakMap<Uint8Array, KeyObject>();

export function rsa(id: number, bits: RsaModulusBits): KeyAlgorithm {
  return {
    id,
    name: `RSA ${bits}`,
    canAttest: bits > 1024,
    generate: async () => toBytes(await generateRsaKeyPair(bits)),
    parseImport: (objects) => toBytes(completeRsaPrivateKey(EXPONENT, ...requirePrimes(objects, bits))),
    encodePublicKey: (modulus) =>
      concat(encodeTlv(PublicTag.MODULUS, modulus), encodeTlv(PublicTag.EXPONENT, EXPONENT)),
    encodePublicKeyInfo: (modulus) => encodeRsaPublicKeyInfo(modulus, EXPONENT),
    answer: (key, block) => decipherRsaRaw(keyObject(key), block),
    certificateSigner: (key) => rsaCertificateSigner(keyObject(key), "sha256"),
  };
}

function toBytes(parts: RsaPrivateKeyParts): KeyPairBytes {
  return { privateKey: encodeRsaPrivateKey(parts), publicKey: parts.n };
}

function requirePrimes(objects: readonly Tlv[], bits: number): [Uint8Array, Uint8Array] {
  const p = findTlv(objects, ImportTag.P);
  const q = findTlv(objects, ImportTag.Q);
  if (p?.length !== bits / 16 || q?.length !== bits / 16) throw new RangeError("primes of another length");
  return [p, q];
}

function keyObject({ privateKey }: KeyPairBytes): KeyObject {
  let key = imported.get(privateKey);
  if (key === undefined) {
    key = importRsaPrivateKey(parseRsaPrivateKey(privateKey));
    imported.set(privateKey, key);
  }
  return key;
}
