// What signs a certificate, with its AlgorithmIdentifier: RSASSA-PKCS1-v1_5 (RFC 4055 §5), ECDSA (RFC 5758 §3.2) and
// EdDSA (RFC 8410 §6). Certificates are not signed over SHA-1 any more, hence a narrower choice of hashes.
import type { KeyObject } from "node:crypto";
import type { EdCurve } from "./curves.ts";
import { derNull, derObjectIdentifier, derSequence } from "./der.ts";
import { signEcdsa } from "./ecdsa.ts";
import { signEddsa } from "./eddsa.ts";
import { signRsa } from "./rsa.ts";
import { type CertificateHash, type CertificateSigner, encodeEcdsaAlgorithm } from "./x509.ts";

/** `key` as importRsaPrivateKey makes it. */
export function rsaCertificateSigner(key: KeyObject, hash: CertificateHash): CertificateSigner {
  const last = { sha256: 11, sha384: 12, sha512: 13 } as const;
  const algorithm = derSequence(derObjectIdentifier(`1.2.840.113549.1.1.${last[hash]}`), derNull());
  return { algorithm, sign: (tbsCertificate) => signRsa(key, hash, tbsCertificate) };
}

/** `key` as importEcPrivateKey makes it. */
export function ecdsaCertificateSigner(key: KeyObject, hash: CertificateHash): CertificateSigner {
  return { algorithm: encodeEcdsaAlgorithm(hash), sign: (tbsCertificate) => signEcdsa(key, hash, tbsCertificate) };
}

/** `key` as importEdPrivateKey makes it. */
export function eddsaCertificateSigner(curve: EdCurve, key: KeyObject): CertificateSigner {
  const algorithm = derSequence(derObjectIdentifier(curve.oid));
  return { algorithm, sign: (tbsCertificate) => signEddsa(key, tbsCertificate) };
}
