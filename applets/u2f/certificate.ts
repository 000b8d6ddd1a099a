// The certificate of a registration. U2F has no registration without one, and one shared by many keys would have to be
// secret in an open program; so each credential certifies itself, like FIDO2's self-attestation.
// FIDO U2F Raw Messages v1.2 §4.3; FIDO U2F Authenticator Transports Extension v1.2
import { P256 } from "../../src/crypto/curves.ts";
import { derBitString } from "../../src/crypto/der.ts";
import {
  type DistinguishedName,
  encodeCertificate,
  encodeEcdsaAlgorithm,
  encodeEcPublicKeyInfo,
  NO_EXPIRY,
  toSerialNumber,
} from "../../src/crypto/x509.ts";
import type { Platform } from "../../src/platform.ts";
import type { Credential } from "../fido2/credentials.ts";

/** The same in every certificate: nothing in one tells two keys, or two registrations of one key, together. */
const NAME: DistinguishedName = [["CN", "Latchkey U2F self-attestation"]];
const NOT_BEFORE = "2020-01-01T00:00:00Z";

/** fidoU2FTransports: bit 2 of a BIT STRING is USB. */
const TRANSPORTS = { oid: "1.3.6.1.4.1.45724.2.1.1", value: derBitString(Uint8Array.of(0b0010_0000), 5) };

/** In DER, over `publicKey`, signed by the credential itself. */
export function createCertificate(platform: Platform, credential: Credential, publicKey: Uint8Array): Uint8Array {
  return encodeCertificate(
    {
      serialNumber: toSerialNumber(platform.randomBytes(16)),
      issuer: NAME,
      subject: NAME,
      notBefore: NOT_BEFORE,
      notAfter: NO_EXPIRY,
      subjectPublicKeyInfo: encodeEcPublicKeyInfo(P256, publicKey),
      extensions: [TRANSPORTS],
    },
    { algorithm: encodeEcdsaAlgorithm("sha256"), sign: (tbsCertificate) => credential.sign(tbsCertificate) },
  );
}
