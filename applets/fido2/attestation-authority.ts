// A certification authority for tests, and the attestation certificates that it signs: what a manufacturer has, for
// people who test a relying party's attestation code. WebAuthn §8.2.1 says what stands in such a certificate.

import { P256 } from "../../src/crypto/curves.ts";
import { derBitString, derBoolean, derImplicit, derOctetString, derSequence } from "../../src/crypto/der.ts";
import { deriveEcPublicKey, generateEcKeyPair, importEcPrivateKey } from "../../src/crypto/ec-key.ts";
import { signEcdsa } from "../../src/crypto/ecdsa.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import {
  type CertificateExtension,
  type DistinguishedName,
  encodeCertificate,
  encodeEcdsaAlgorithm,
  encodeEcPublicKeyInfo,
  NO_EXPIRY,
  toSerialNumber,
} from "../../src/crypto/x509.ts";
import type { Platform } from "../../src/platform.ts";
import { AAGUID } from "./aaguid.ts";
import type { AttestationKey } from "./attestation-store.ts";

/** RFC 5280 §4.2.1, WebAuthn §8.2.1, FIDO U2F Authenticator Transports Extension v1.2. */
const Oid = {
  SUBJECT_KEY_IDENTIFIER: "2.5.29.14",
  KEY_USAGE: "2.5.29.15",
  BASIC_CONSTRAINTS: "2.5.29.19",
  AUTHORITY_KEY_IDENTIFIER: "2.5.29.35",
  FIDO_SERIAL_NUMBER: "1.3.6.1.4.1.45724.1.1.2",
  FIDO_AAGUID: "1.3.6.1.4.1.45724.1.1.4",
  FIDO_TRANSPORTS: "1.3.6.1.4.1.45724.2.1.1",
} as const;

/** Bit 2 of a BIT STRING is USB. */
const TRANSPORTS_USB = derBitString(Uint8Array.of(0b0010_0000), 5);
/** keyCertSign and cRLSign: bits 5 and 6. */
const CA_KEY_USAGE = derBitString(Uint8Array.of(0b0000_0110), 1);

/** WebAuthn §8.2.1: this text exactly. */
const ATTESTATION_UNIT = "Authenticator Attestation";

export interface AuthorityDetails {
  /** Two letters, ISO 3166. */
  readonly country: string;
  readonly organization: string;
  /** In UTC, to the second: "2026-01-01T00:00:00Z". None of the certificates expires. */
  readonly notBefore: string;
}

export interface AttestationDetails extends AuthorityDetails {
  /** Enterprise: what tells this key from every other, in the certificate too. */
  readonly serialNumber?: Uint8Array;
  /** Enterprise: see AttestationKey. */
  readonly rpIds?: readonly string[];
}

/** A new root, self-signed. Whoever trusts it trusts whatever this store's owner makes: it is for tests alone. */
export function createAuthority(platform: Platform, details: AuthorityDetails): AttestationKey {
  const { privateKey, publicKey } = generateEcKeyPair(P256);
  const certificate = issue(
    platform,
    privateKey,
    publicKey,
    nameOfAuthority(details),
    nameOfAuthority(details),
    details,
    [
      { oid: Oid.BASIC_CONSTRAINTS, critical: true, value: derSequence(derBoolean(true)) },
      { oid: Oid.KEY_USAGE, critical: true, value: CA_KEY_USAGE },
    ],
  );
  return { privateKey, certificates: [certificate], rpIds: [] };
}

/** A new attestation key with the authority's certificate over it. `details`: as the authority was made with. */
export function issueAttestation(
  platform: Platform,
  authority: AttestationKey,
  details: AttestationDetails,
): AttestationKey {
  const { privateKey, publicKey } = generateEcKeyPair(P256);
  const { serialNumber, rpIds = [] } = details;
  const subject: DistinguishedName = [
    ["C", details.country],
    ["O", details.organization],
    ["OU", ATTESTATION_UNIT],
    ["CN", serialNumber === undefined ? "Latchkey batch attestation" : "Latchkey enterprise attestation"],
  ];
  const certificate = issue(platform, authority.privateKey, publicKey, nameOfAuthority(details), subject, details, [
    { oid: Oid.BASIC_CONSTRAINTS, critical: true, value: derSequence() }, // cA FALSE, by default
    { oid: Oid.FIDO_AAGUID, value: derOctetString(AAGUID) },
    { oid: Oid.FIDO_TRANSPORTS, value: TRANSPORTS_USB },
    ...(serialNumber === undefined ? [] : [{ oid: Oid.FIDO_SERIAL_NUMBER, value: derOctetString(serialNumber) }]),
  ]);
  return { privateKey, certificates: [certificate], rpIds };
}

function nameOfAuthority({ country, organization }: AuthorityDetails): DistinguishedName {
  return [
    ["C", country],
    ["O", organization],
    ["CN", "Latchkey test attestation root"],
  ];
}

function issue(
  platform: Platform,
  issuerKey: Uint8Array,
  publicKey: Uint8Array,
  issuer: DistinguishedName,
  subject: DistinguishedName,
  { notBefore }: AuthorityDetails,
  extensions: readonly CertificateExtension[],
): Uint8Array {
  const issuerPublicKey = deriveEcPublicKey(P256, issuerKey);
  const signer = importEcPrivateKey(P256, issuerKey, issuerPublicKey);
  return encodeCertificate(
    {
      serialNumber: toSerialNumber(platform.randomBytes(16)),
      issuer,
      subject,
      notBefore,
      notAfter: NO_EXPIRY,
      subjectPublicKeyInfo: encodeEcPublicKeyInfo(P256, publicKey),
      extensions: [
        ...extensions,
        { oid: Oid.SUBJECT_KEY_IDENTIFIER, value: derOctetString(keyIdentifier(publicKey)) },
        { oid: Oid.AUTHORITY_KEY_IDENTIFIER, value: derSequence(derImplicit(0, keyIdentifier(issuerPublicKey))) },
      ],
    },
    {
      algorithm: encodeEcdsaAlgorithm("sha256"),
      sign: (tbsCertificate) => signEcdsa(signer, "sha256", tbsCertificate),
    },
  );
}

/** RFC 7093 §2 method 1. */
function keyIdentifier(publicKey: Uint8Array): Uint8Array {
  return sha256(publicKey).subarray(0, 20);
}
