// The two NIST curves: ECDSA over a digest that the client made, and Diffie-Hellman. SP 800-73-4 pt 2 §3.2.4,
// SP 800-78-4 §3.1
import { ecdsaCertificateSigner } from "../../../src/crypto/certificate-signers.ts";
import type { EcCurve } from "../../../src/crypto/curves.ts";
import {
  deriveEcPublicKey,
  encodeEcPublicKeyInfo,
  generateEcKeyPair,
  importEcPrivateKey,
} from "../../../src/crypto/ec-key.ts";
import { computeEcdh } from "../../../src/crypto/ecdh.ts";
import { encodeEcdsaSignature, signEcdsaDigest } from "../../../src/crypto/ecdsa-digest.ts";
import type { CertificateHash } from "../../../src/crypto/x509.ts";
import { encodeTlv } from "../../../src/iso7816/tlv.ts";
import { type KeyAlgorithm, POINT_TAG, requireImported } from "./algorithm.ts";

const SCALAR_TAG = 0x06;

export function ec(id: number, curve: EcCurve, hash: CertificateHash): KeyAlgorithm {
  return {
    id,
    name: `ECC ${curve.name}`,
    canAttest: true,
    generate: async () => generateEcKeyPair(curve),
    parseImport(objects) {
      const privateKey = requireImported(objects, SCALAR_TAG, curve.bytes);
      return { privateKey, publicKey: deriveEcPublicKey(curve, privateKey) };
    },
    encodePublicKey: (point) => encodeTlv(POINT_TAG, point),
    encodePublicKeyInfo: (point) => encodeEcPublicKeyInfo(curve, point),
    answer: ({ privateKey }, digest) =>
      encodeEcdsaSignature(curve, signEcdsaDigest(curve, privateKey, padDigest(curve, digest))),
    agree: ({ privateKey }, point) => computeEcdh(curve, privateKey, point),
    certificateSigner: ({ privateKey, publicKey }) =>
      ecdsaCertificateSigner(importEcPrivateKey(curve, privateKey, publicKey), hash),
  };
}

/** A shorter digest is the same number with zeros before it (clients sign SHA-256 with P-384); a longer one is refused. */
function padDigest(curve: EcCurve, digest: Uint8Array): Uint8Array {
  if (digest.length > curve.bytes) throw new RangeError(`a digest too long for ${curve.name}`);
  const padded = new Uint8Array(curve.bytes);
  padded.set(digest, curve.bytes - digest.length);
  return padded;
}
