// X.509 version 3 certificates, written field by field (RFC 5280 §4.1), and the public keys in them: RFC 5480 §2, RFC 3279
// §2.3.1, RFC 8410 §4. What signs them: certificate-signers.ts.
import type { EdCurve, XCurve } from "./curves.ts";
import {
  DerTag,
  derBitString,
  derBoolean,
  derExplicit,
  derInteger,
  derNull,
  derObjectIdentifier,
  derOctetString,
  derPrintableString,
  derSequence,
  derSetOf,
  derTime,
  derUtf8String,
} from "./der.ts";
import { DerReader } from "./der-reader.ts";
import { encodeRsaPublicKey } from "./rsa.ts";

export { encodeEcPublicKeyInfo } from "./ec-key.ts";

/** The hashes that a certificate is signed over. */
export type CertificateHash = "sha256" | "sha384" | "sha512";

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
  /** A Name in DER goes in as it is: what issues a certificate names itself exactly as its own certificate does. */
  readonly issuer: DistinguishedName | Uint8Array;
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

/** A serial number out of 16 random bytes: positive, and always of the same length. RFC 5280 §4.1.2.2 */
export function toSerialNumber(random: Uint8Array): Uint8Array {
  const serialNumber = Uint8Array.from(random);
  serialNumber[0] = ((serialNumber[0] ?? 0) & 0x7f) | 0x40;
  return serialNumber;
}

/** The certificate in DER. */
export function encodeCertificate(certificate: Certificate, signer: CertificateSigner): Uint8Array {
  const { extensions } = certificate;
  const tbsCertificate = derSequence(
    derExplicit(0, derInteger(Uint8Array.of(2))), // v3
    derInteger(certificate.serialNumber),
    signer.algorithm,
    certificate.issuer instanceof Uint8Array ? certificate.issuer : encodeName(certificate.issuer),
    derSequence(derTime(certificate.notBefore), derTime(certificate.notAfter)),
    encodeName(certificate.subject),
    certificate.subjectPublicKeyInfo,
    ...(extensions.length > 0 ? [derExplicit(3, derSequence(...extensions.map(encodeExtension)))] : []),
  );
  return derSequence(tbsCertificate, signer.algorithm, derBitString(signer.sign(tbsCertificate)));
}

/** The SubjectPublicKeyInfo of an RSA key. RFC 3279 §2.3.1 */
export function encodeRsaPublicKeyInfo(n: Uint8Array, e: Uint8Array): Uint8Array {
  const algorithm = derSequence(derObjectIdentifier("1.2.840.113549.1.1.1"), derNull());
  return derSequence(algorithm, derBitString(encodeRsaPublicKey(n, e)));
}

/** The SubjectPublicKeyInfo of an Edwards or Montgomery curve's key; its algorithm has no parameters. RFC 8410 §4 */
export function encodeEdPublicKeyInfo(curve: EdCurve | XCurve, publicKey: Uint8Array): Uint8Array {
  return derSequence(derSequence(derObjectIdentifier(curve.oid)), derBitString(publicKey));
}

/** The subject of a certificate: its Name in DER, byte for byte. Throws RangeError for what is no certificate. */
export function subjectOf(certificate: Uint8Array): Uint8Array {
  const tbsCertificate = new DerReader(certificate).sequence().sequence();
  if (tbsCertificate.peekTag() === 0xa0) tbsCertificate.value(); // [0] version
  tbsCertificate.unsignedInteger(); // serialNumber
  tbsCertificate.sequence(); // signature
  tbsCertificate.sequence(); // issuer
  tbsCertificate.sequence(); // validity
  return tbsCertificate.value(DerTag.SEQUENCE).encoded;
}

/** The AlgorithmIdentifier of ECDSA with a hash; it has no parameters. RFC 5758 §3.2 */
export function encodeEcdsaAlgorithm(hash: CertificateHash): Uint8Array {
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
