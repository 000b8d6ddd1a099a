// ATTEST: a certificate that says a key was generated here, and under which policies, signed by the attestation key F9.
// Yubico, "PIV attestation", firmware 4.3 and later. A store's first attestation key is its own: made at the first
// selection, and certified by itself; it says that two keys come from one Latchkey, and nothing of a maker.
import { concat } from "../../src/bytes/concat.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { derBitString, derBoolean, derInteger, derSequence } from "../../src/crypto/der.ts";
import {
  type CertificateExtension,
  type CertificateSigner,
  type DistinguishedName,
  encodeCertificate,
  NO_EXPIRY,
  subjectOf,
  toSerialNumber,
} from "../../src/crypto/x509.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv, findTlv } from "../../src/iso7816/tlv.ts";
import type { Platform } from "../../src/platform.ts";
import type { KeyAlgorithm, KeyPairBytes } from "./algorithms/algorithm.ts";
import { findAlgorithm } from "./algorithms/table.ts";
import type { PivContext } from "./context.ts";
import { ObjectId, objectRecord, readObject } from "./data-objects.ts";
import { AlgorithmId, isUsableSlot, KeyReference, Origin, slotName } from "./identifiers.ts";
import { encodeKey, keyRecord, requireKey, resolvePolicies, type SlotKey } from "./slot-keys.ts";
import { parseObjects, refuseAsWrongData } from "./templates.ts";

const ISSUER: DistinguishedName = [["CN", "Latchkey PIV Attestation"]];
const NOT_BEFORE = "2020-01-01T00:00:00Z"; // there is no clock to ask

/** Yubico's arc of extensions. Their values are bare bytes, not DER, but for the serial number. */
const Extension = {
  FIRMWARE_VERSION: "1.3.6.1.4.1.41482.3.3",
  SERIAL_NUMBER: "1.3.6.1.4.1.41482.3.7",
  POLICIES: "1.3.6.1.4.1.41482.3.8",
  FORM_FACTOR: "1.3.6.1.4.1.41482.3.9",
} as const;

/** RFC 5280 §4.2.1.9 and §4.2.1.3: signs certificates, and none that signs others. */
const CA_EXTENSIONS: readonly CertificateExtension[] = [
  { oid: "2.5.29.19", critical: true, value: derSequence(derBoolean(true), derInteger(Uint8Array.of(0))) },
  { oid: "2.5.29.15", critical: true, value: derBitString(Uint8Array.of(0b0000_0100), 2) },
];

/** A certificate's data object. SP 800-73-4 pt 1 Appendix A table 10 */
const CertificateTag = { CERTIFICATE: 0x70, INFORMATION: 0x71, ERROR_DETECTION: 0xfe } as const;

/** Makes the attestation key, and the certificate with it, for a store that has none. */
export async function provideAttestationKey(platform: Platform): Promise<void> {
  const slot = KeyReference.ATTESTATION;
  const algorithm = findAlgorithm(AlgorithmId.P256);
  if (algorithm === undefined || platform.store.get(keyRecord(slot)) !== undefined) return;
  const pair = await algorithm.generate();
  const certificate = encodeCertificate(
    {
      serialNumber: toSerialNumber(platform.randomBytes(16)),
      issuer: ISSUER,
      subject: ISSUER,
      notBefore: NOT_BEFORE,
      notAfter: NO_EXPIRY,
      subjectPublicKeyInfo: algorithm.encodePublicKeyInfo(pair.publicKey),
      extensions: CA_EXTENSIONS,
    },
    requireSigner(algorithm, pair),
  );
  const policies = resolvePolicies(slot, undefined, undefined);
  await platform.store.commit({
    [keyRecord(slot)]: encodeKey(algorithm, policies, Origin.GENERATED, pair),
    [objectRecord(ObjectId.ATTESTATION_CERTIFICATE)]: encodeCertificateObject(certificate),
  });
}

/** P1 is the slot. Throws 6A88 when it is empty, 6A80 for a key that was imported. */
export async function attest(context: PivContext, { p1: slot, p2 }: CommandApdu): Promise<Uint8Array> {
  const { platform } = context;
  if (p2 !== 0x00) throw new StatusError(StatusWord.INCORRECT_P1_P2);
  if (!isUsableSlot(slot)) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  const key = requireKey(platform, slot);
  if (key.origin !== Origin.GENERATED) throw new StatusError(StatusWord.WRONG_DATA);
  const authority = requireKey(platform, KeyReference.ATTESTATION);
  return encodeCertificate(
    {
      serialNumber: toSerialNumber(platform.randomBytes(16)),
      issuer: issuerName(platform),
      subject: [["CN", `Latchkey PIV Attestation ${slotName(slot)}`]],
      notBefore: NOT_BEFORE,
      notAfter: NO_EXPIRY,
      subjectPublicKeyInfo: key.algorithm.encodePublicKeyInfo(key.pair.publicKey),
      extensions: describe(context, key),
    },
    requireSigner(authority.algorithm, authority.pair),
  );
}

/** The certificate in a data object; undefined when there is none, or when it is compressed. */
export function findCertificate(platform: Platform, objectId: number): Uint8Array | undefined {
  const content = readObject(platform, objectId);
  if (content === undefined) return undefined;
  try {
    const objects = parseObjects(content);
    const isCompressed = ((findTlv(objects, CertificateTag.INFORMATION)?.[0] ?? 0) & 1) !== 0;
    return isCompressed ? undefined : findTlv(objects, CertificateTag.CERTIFICATE);
  } catch (error) {
    if (error instanceof StatusError) return undefined; // a client may keep anything in there
    throw error;
  }
}

function describe({ platform, options }: PivContext, { pinPolicy, touchPolicy }: SlotKey): CertificateExtension[] {
  const { device } = platform;
  return [
    { oid: Extension.FIRMWARE_VERSION, value: Uint8Array.from(device.firmwareVersion) },
    { oid: Extension.SERIAL_NUMBER, value: derInteger(encodeU32be(device.serialNumber)) },
    { oid: Extension.POLICIES, value: Uint8Array.of(pinPolicy, touchPolicy) },
    { oid: Extension.FORM_FACTOR, value: Uint8Array.of(options.formFactor) },
  ];
}

/** Exactly the subject of the attestation key's certificate, whoever issued that. Throws 6A80 when there is none. */
function issuerName(platform: Platform): Uint8Array {
  const certificate = findCertificate(platform, ObjectId.ATTESTATION_CERTIFICATE);
  if (certificate === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  return refuseAsWrongData(() => subjectOf(certificate));
}

function requireSigner({ certificateSigner }: KeyAlgorithm, pair: KeyPairBytes): CertificateSigner {
  if (certificateSigner === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  return certificateSigner(pair);
}

function encodeCertificateObject(certificate: Uint8Array): Uint8Array {
  const information = Uint8Array.of(0x00); // not compressed
  return concat(
    encodeTlv(CertificateTag.CERTIFICATE, certificate),
    encodeTlv(CertificateTag.INFORMATION, information),
    encodeTlv(CertificateTag.ERROR_DETECTION),
  );
}
