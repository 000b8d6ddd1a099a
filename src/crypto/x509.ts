// X.509 version 3 certificates, written field by field. RFC 5280 §4.1; ECDSA identifiers RFC 5480 §2.1, RFC 5758 §3.2
import type { EcCurve } from "./curves.ts";
import {
  derBitString,
  derBoolean,
  derExplicit,
  derInteger,
  derObjectIdentifier,
  derOctetString,
  derPrintableString,
  derSequence,
  derSetOf,
  derTime,
  derUtf8String,
} from "./der.ts";
import type { HashName } from "./hash.ts";

/** Attribute types of a name. RFC 5280 Appendix A.1 */
const NAME_ATTRIBUTES = { C: "2.5.4.6", O: "2.5.4.10", OU: "2.5.4.11", CN: "2.5.4.3" } as const;
export type NameAttribute = keyof typeof NAME_ATTRIBUTES;
/** A distinguished name, most general attribute first. */
export type DistinguishedName = readonly (readonly [NameAttribute, string])[];

export interface CertificateExtension {
  readonly oid: string;
  readonly critical?: boolean;
  /** The DER that goes into the octet string. */
  readonly value: Uint8Array;
}

export interface Certificate {
  /** Positive, at most 20 bytes (RFC 5280 §4.1.2.2). */
  readonly serialNumber: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly subject: DistinguishedName;
  /** In UTC, to the second: "2020-01-01T00:00:00Z". */
  readonly notBefore: string;
  readonly notAfter: string;
  /** A whole SubjectPublicKeyInfo. */
  readonly subjectPublicKeyInfo: Uint8Array;
  readonly extensions: readonly CertificateExtension[];
}

export interface CertificateSigner {
  /** A whole AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  /** Signs a TBSCertificate; the value goes into the certificate's bit string as it is. */
  sign(tbsCertificate: Uint8Array): Uint8Array;
}

/** The last moment that a certificate can name: "no well-defined expiration date". RFC 5280 §4.1.2.5 */
export const NO_EXPIRY = "9999-12-31T23:59:59Z";

/** The certificate in DER. */
export function encodeCertificate(certificate: Certificate, signer: CertificateSigner): Uint8Array {
  const { extensions } = certificate;
  const tbsCertificate = derSequence(
    derExplicit(0, derInteger(Uint8Array.of(2))), // v3
    derInteger(certificate.serialNumber),
    signer.algorithm,
    encodeName(certificate.issuer),
    derSequence(derTime(certificate.notBefore), derTime(certificate.notAfter)),
    encodeName(certificate.subject),
    certificate.subjectPublicKeyInfo,
    ...(extensions.length > 0 ? [derExplicit(3, derSequence(...extensions.map(encodeExtension)))] : []),
  );
  return derSequence(tbsCertificate, signer.algorithm, derBitString(signer.sign(tbsCertificate)));
}

/** The SubjectPublicKeyInfo of an uncompressed point. RFC 5480 §2 */
export function encodeEcPublicKeyInfo(curve: EcCurve, publicKey: Uint8Array): Uint8Array {
  const algorithm = derSequence(derObjectIdentifier("1.2.840.10045.2.1"), derObjectIdentifier(curve.oid));
  return derSequence(algorithm, derBitString(publicKey));
}

/** The AlgorithmIdentifier of ECDSA with a hash; it has no parameters. RFC 5758 §3.2 */
export function encodeEcdsaAlgorithm(hash: HashName): Uint8Array {
  const last = { sha256: 2, sha384: 3, sha512: 4 } as const;
  return derSequence(derObjectIdentifier(`1.2.840.10045.4.3.${last[hash]}`));
}

function encodeName(name: DistinguishedName): Uint8Array {
  return derSequence(
    ...name.map(([attribute, text]) => {
      const value = attribute === "C" ? derPrintableString(text) : derUtf8String(text);
      return derSetOf(derSequence(derObjectIdentifier(NAME_ATTRIBUTES[attribute]), value));
    }),
  );
}

function encodeExtension({ oid, critical, value }: CertificateExtension): Uint8Array {
  const flag = critical === true ? [derBoolean(true)] : []; // a DEFAULT FALSE is left out: X.690 §11.5
  return derSequence(derObjectIdentifier(oid), ...flag, derOctetString(value));
}
