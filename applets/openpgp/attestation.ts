// Yubico's ATTEST: a certificate that says that a key was made on this card. Signed by the attestation key; the signed
// certificate takes the place of the key's cardholder certificate, where yubikit fetches it. The extensions:
// https://docs.yubico.com/hardware/oid/oid-pgp-arc.html
import { encodeU32be } from "../../src/bytes/integer.ts";
import {
  ecdsaCertificateSigner,
  eddsaCertificateSigner,
  rsaCertificateSigner,
} from "../../src/crypto/certificate-signers.ts";
import { derInteger, derOctetString, derUtf8String } from "../../src/crypto/der.ts";
import { importEcPrivateKey } from "../../src/crypto/ec-key.ts";
import { importEdPrivateKey } from "../../src/crypto/eddsa.ts";
import { importRsaPrivateKey } from "../../src/crypto/rsa.ts";
import {
  type CertificateExtension,
  type CertificateSigner,
  type DistinguishedName,
  encodeCertificate,
  encodeEcPublicKeyInfo,
  encodeEdPublicKeyInfo,
  encodeRsaPublicKeyInfo,
  NO_EXPIRY,
  subjectOf,
  toSerialNumber,
} from "../../src/crypto/x509.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Transport } from "../../src/transport.ts";
import type { OpenPgpContext } from "./context.ts";
import { ATTESTATION_CERTIFICATE, certificateKey, findDataObject } from "./data-objects.ts";
import { generateKeyMaterial, type KeyMaterial } from "./key-material.ts";
import { type KeySlot, keySlots, slotOfReference } from "./key-slots.ts";
import { KeyOrigin } from "./keys.ts";
import { type Changes, dataObjectKey } from "./persistent.ts";
import { requireKey, signatureCounter } from "./security-operations.ts";
import { requireTouch, userInteraction } from "./user-interaction.ts";

const ARC = "1.3.6.1.4.1.41482.5";
const Extension = {
  CARDHOLDER_NAME: 1,
  SOURCE: 2,
  VERSION: 3,
  FINGERPRINT: 4,
  GENERATION_TIME: 5,
  SIGNATURE_COUNTER: 6,
  SERIAL_NUMBER: 7,
  USER_INTERACTION: 8,
  FORM_FACTOR: 9,
} as const;

const FORM_FACTOR_UNKNOWN = 0;
/** An applet has no calendar. */
const NOT_BEFORE = "2020-01-01T00:00:00Z";
const ISSUER = "Latchkey OPGP Attestation";
/** Which occurrence of the cardholder certificate belongs to a key. §7.2.5 */
const occurrences: Readonly<Record<Exclude<KeySlot, "att">, number>> = { aut: 0, dec: 1, sig: 2 };
const titles: Readonly<Record<Exclude<KeySlot, "att">, string>> = { sig: "SIG", dec: "DEC", aut: "AUT" };

export async function attest(
  context: OpenPgpContext,
  { p1, p2 }: CommandApdu,
  transport: Transport,
): Promise<Uint8Array> {
  const slot = slotOfReference(p1);
  if (slot === undefined || slot === "att" || p2 !== 0) throw new StatusError(StatusWord.WRONG_P1_P2);
  const { keys, persistent, platform, volatile } = context;
  const verifyAccess = () => {
    if (!volatile.pw1ForSignature && !volatile.pw1) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
    requireKey(context, slot);
    // Somebody else may have an imported key, too.
    if (keys.origin(slot) !== KeyOrigin.GENERATED) throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  };
  verifyAccess();
  await requireTouch(context, transport, "att", "attest");
  verifyAccess(); // again, since the owner may have reset the card meanwhile
  const { material } = requireKey(context, slot);
  const issuer = await obtainIssuer(context, transport);
  const certificate = encodeCertificate(
    {
      serialNumber: toSerialNumber(platform.randomBytes(16)),
      issuer: issuer.name,
      subject: [["CN", `${ISSUER} ${titles[slot]}`]],
      notBefore: NOT_BEFORE,
      notAfter: NO_EXPIRY,
      subjectPublicKeyInfo: encodePublicKeyInfo(material),
      extensions: extensionsOf(context, slot),
    },
    issuer.signer,
  );
  platform.log.info("attested an OpenPGP key");
  await persistent.commit({ ...issuer.changes, [certificateKey(occurrences[slot])]: certificate });
  return new Uint8Array(0);
}

interface Issuer {
  /** A Name in DER when there is a certificate to take it from. */
  readonly name: DistinguishedName | Uint8Array;
  readonly signer: CertificateSigner;
  readonly changes: Changes;
}

/** The attestation key; a card that has none makes one, with a certificate that it signs itself. */
async function obtainIssuer(context: OpenPgpContext, transport: Transport): Promise<Issuer> {
  const { keys, persistent, platform } = context;
  const existing = keys.load("att")?.material;
  const name: DistinguishedName = [["CN", ISSUER]];
  if (existing !== undefined) {
    const certificate = persistent.dataObject(ATTESTATION_CERTIFICATE);
    return { name: subjectName(certificate) ?? name, signer: certificateSigner(existing), changes: {} };
  }
  transport.keepalive("processing");
  const material = await generateKeyMaterial(keys.attributes("att").algorithm);
  const signer = certificateSigner(material);
  const certificate = encodeCertificate(
    {
      serialNumber: toSerialNumber(platform.randomBytes(16)),
      issuer: name,
      subject: name,
      notBefore: NOT_BEFORE,
      notAfter: NO_EXPIRY,
      subjectPublicKeyInfo: encodePublicKeyInfo(material),
      extensions: [],
    },
    signer,
  );
  const changes = {
    ...keys.replacement("att", material, KeyOrigin.GENERATED),
    [dataObjectKey(ATTESTATION_CERTIFICATE)]: certificate,
  };
  return { name, signer, changes };
}

/** Undefined when what was put there is no certificate. */
function subjectName(certificate: Uint8Array | undefined): Uint8Array | undefined {
  try {
    return certificate === undefined ? undefined : subjectOf(certificate);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function certificateSigner(material: KeyMaterial): CertificateSigner {
  switch (material.kind) {
    case "rsa":
      return rsaCertificateSigner(importRsaPrivateKey(material.parts), "sha256");
    case "ec": {
      const { privateKey, publicKey } = material.pair;
      const hash = material.curve.bytes <= 32 ? "sha256" : material.curve.bytes <= 48 ? "sha384" : "sha512";
      return ecdsaCertificateSigner(importEcPrivateKey(material.curve, privateKey, publicKey), hash);
    }
    case "ed": {
      const { privateKey, publicKey } = material.pair;
      return eddsaCertificateSigner(material.curve, importEdPrivateKey(material.curve, privateKey, publicKey));
    }
    case "x":
      throw new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED);
  }
}

function encodePublicKeyInfo(material: KeyMaterial): Uint8Array {
  switch (material.kind) {
    case "rsa":
      return encodeRsaPublicKeyInfo(material.parts.n, material.parts.e);
    case "ec":
      return encodeEcPublicKeyInfo(material.curve, material.pair.publicKey);
    case "ed":
    case "x":
      return encodeEdPublicKeyInfo(material.curve, material.pair.publicKey);
  }
}

function extensionsOf(context: OpenPgpContext, slot: KeySlot): readonly CertificateExtension[] {
  const { platform, persistent, keys } = context;
  const { fingerprint, generationTime } = keySlots[slot];
  const { firmwareVersion, serialNumber } = platform.device;
  const value = (tag: number) => findDataObject(tag).value(context);
  const found: readonly (readonly [number, Uint8Array])[] = [
    [Extension.CARDHOLDER_NAME, derUtf8String(persistent.cardholderName)],
    [Extension.SOURCE, derInteger(Uint8Array.of(keys.origin(slot) === KeyOrigin.GENERATED ? 1 : 0))],
    [Extension.VERSION, derOctetString(Uint8Array.from(firmwareVersion))],
    [Extension.FINGERPRINT, derOctetString(value(fingerprint))],
    [Extension.GENERATION_TIME, derOctetString(value(generationTime))],
    ...(slot === "sig"
      ? [[Extension.SIGNATURE_COUNTER, derInteger(encodeU32be(signatureCounter(context)))] as const]
      : []),
    [Extension.SERIAL_NUMBER, derInteger(encodeU32be(serialNumber))],
    [Extension.USER_INTERACTION, derOctetString(Uint8Array.of(userInteraction(context, slot)))],
    [Extension.FORM_FACTOR, derOctetString(Uint8Array.of(FORM_FACTOR_UNKNOWN))],
  ];
  return found.map(([number, extension]) => ({ oid: `${ARC}.${number}`, value: extension }));
}
