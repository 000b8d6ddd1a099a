// Attestation statements: which format a registration gets, and what stands in it. WebAuthn §8; CTAP 2.3 §6.1.2 steps 9
// and 19. Self-attestation is the default: the new key signs for itself, because a certificate of one install alone
// would identify its user, and one shared by all would attest to nothing.
import { concat } from "../../src/bytes/concat.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { P256 } from "../../src/crypto/curves.ts";
import { importEcPrivateKey } from "../../src/crypto/ec-key.ts";
import { signEcdsa } from "../../src/crypto/ecdsa.ts";
import { AAGUID } from "./aaguid.ts";
import { type AttestationKey, loadAttestation } from "./attestation-store.ts";
import type { Fido2Context } from "./context.ts";
import { CoseAlgorithm, isPostQuantum } from "./cose-key.ts";
import type { Credential } from "./credential.ts";
import { CtapError, CtapStatus } from "./status.ts";

/** IANA WebAuthn Attestation Statement Format Identifiers. */
const Format = { PACKED: "packed", FIDO_U2F: "fido-u2f", NONE: "none" } as const;
type Format = (typeof Format)[keyof typeof Format];

/** "Reserved for legacy reasons": the first byte of what U2F signs. FIDO U2F Raw Messages v1.2 §4.3 */
const U2F_RESERVED = Uint8Array.of(0x00);
/** A U2F key has no AAGUID, and relying parties refuse another one in this format. WebAuthn §8.6 */
const ZERO_AAGUID = new Uint8Array(16);

/** Values of the parameter enterpriseAttestation. CTAP 2.3 §6.1.1 */
const EnterpriseAttestation = { VENDOR_FACILITATED: 1, PLATFORM_MANAGED: 2 } as const;

/** What the rest of a response takes at the most besides authenticator data and signature. */
const RESPONSE_OVERHEAD = 128;

/** getInfo's attestationFormats, where "none" must not stand, though a client may ask for it. CTAP 2.3 §6.4 */
export function listAttestationFormats({ platform }: Fido2Context): readonly string[] {
  const hasCertificate = loadAttestation(platform, "batch") !== undefined;
  return hasCertificate ? [Format.PACKED, Format.FIDO_U2F] : [Format.PACKED];
}

/**
 * Step 9: the enterprise attestation key, if this request is to be answered with it. Throws INVALID_PARAMETER as long as
 * enterprise attestation is not enabled, and INVALID_OPTION for a value that is neither 1 nor 2.
 */
export function chooseEnterpriseAttestation(
  { settings, platform }: Fido2Context,
  enterpriseAttestation: number | undefined,
  rpId: string,
): AttestationKey | undefined {
  if (enterpriseAttestation === undefined) return undefined;
  if (!settings.enterpriseAttestation) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "enterprise attestation is not enabled");
  }
  // A key whose owner has given it no enterprise certificate goes on with the attestation that it has: step 9.2.5.
  const key = loadAttestation(platform, "enterprise");
  switch (enterpriseAttestation) {
    case EnterpriseAttestation.VENDOR_FACILITATED:
      return key?.rpIds.includes(rpId) ? key : undefined;
    case EnterpriseAttestation.PLATFORM_MANAGED:
      return key;
    default:
      throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_OPTION, "enterpriseAttestation");
  }
}

/** What is known before the credential is made. */
export interface AttestationRequest {
  readonly algorithm: CoseAlgorithm;
  readonly discoverable: boolean;
  /** attestationFormatsPreference. */
  readonly formats: readonly string[] | undefined;
  /** What step 9 chose. */
  readonly enterprise: AttestationKey | undefined;
}

/** How one registration will be attested. */
export interface Attestation {
  readonly aaguid: Uint8Array;
  /** Signs. `publicKey`: see curves.ts. */
  attest(
    credential: Credential,
    publicKey: Uint8Array,
    authenticatorData: Uint8Array,
    clientDataHash: Uint8Array,
  ): AttestationResult;
}

export interface AttestationResult {
  readonly fmt: Format;
  readonly attStmt: CborMap;
  /** Whether it is an enterprise attestation. */
  readonly epAtt: boolean;
}

const NO_ATTESTATION: AttestationResult = { fmt: Format.NONE, attStmt: new Map(), epAtt: false };

/** Step 19. */
export function chooseAttestation(context: Fido2Context, request: AttestationRequest): Attestation {
  const { enterprise } = request;
  const key = enterprise ?? loadAttestation(context.platform, "batch");
  switch (chooseFormat(request, key)) {
    case Format.NONE:
      return { aaguid: AAGUID, attest: () => NO_ATTESTATION };
    case Format.FIDO_U2F:
      return { aaguid: ZERO_AAGUID, attest: (...signed) => attestAsU2f(key, ...signed) };
    case Format.PACKED:
      if (key !== undefined) {
        return {
          aaguid: AAGUID,
          attest: (...signed) => ({ ...attestByKey(key, ...signed), epAtt: enterprise === key }),
        };
      }
      return { aaguid: AAGUID, attest: (...signed) => attestBySelf(context, ...signed) };
  }
}

/**
 * The client's first that is supported; without a wish, or with none that can be met, packed. "fido-u2f" is for what a
 * U2F key could have made, and has no form without a certificate. Enterprise attestation is packed.
 */
function chooseFormat(request: AttestationRequest, key: AttestationKey | undefined): Format {
  const isLikeU2f = request.algorithm === CoseAlgorithm.ES256 && !request.discoverable;
  const supported: readonly Format[] =
    isLikeU2f && key !== undefined && request.enterprise === undefined
      ? [Format.PACKED, Format.FIDO_U2F, Format.NONE]
      : [Format.PACKED, Format.NONE];
  for (const wanted of request.formats ?? []) {
    const format = supported.find((known) => known === wanted);
    if (format !== undefined) return format;
  }
  return Format.PACKED;
}

/** WebAuthn §8.2, "If self attestation is in use": no x5c. Where the signature does not fit the message, there is none. */
function attestBySelf(
  { options }: Fido2Context,
  credential: Credential,
  _publicKey: Uint8Array,
  authenticatorData: Uint8Array,
  clientDataHash: Uint8Array,
): AttestationResult {
  const sig = credential.sign(concat(authenticatorData, clientDataHash));
  const isTooLong = authenticatorData.length + sig.length + RESPONSE_OVERHEAD > options.maxMsgSize;
  if (isPostQuantum(credential.algorithm) && isTooLong) return NO_ATTESTATION;
  const attStmt = new Map<CborValue, CborValue>([
    ["alg", credential.algorithm],
    ["sig", sig],
  ]);
  return { fmt: Format.PACKED, attStmt, epAtt: false };
}

/** WebAuthn §8.2, basic attestation. */
function attestByKey(
  { privateKey, certificates }: AttestationKey,
  _credential: Credential,
  _publicKey: Uint8Array,
  authenticatorData: Uint8Array,
  clientDataHash: Uint8Array,
): Omit<AttestationResult, "epAtt"> {
  const signer = importEcPrivateKey(P256, privateKey);
  const attStmt = new Map<CborValue, CborValue>([
    ["alg", CoseAlgorithm.ES256],
    ["sig", signEcdsa(signer, "sha256", concat(authenticatorData, clientDataHash))],
    ["x5c", certificates],
  ]);
  return { fmt: Format.PACKED, attStmt };
}

/** WebAuthn §8.6: exactly one certificate. */
function attestAsU2f(
  key: AttestationKey | undefined,
  credential: Credential,
  publicKey: Uint8Array,
  _authenticatorData: Uint8Array,
  clientDataHash: Uint8Array,
): AttestationResult {
  if (key === undefined) throw new Error("fido-u2f was chosen without a certificate");
  const signer = importEcPrivateKey(P256, key.privateKey);
  const verificationData = concat(U2F_RESERVED, credential.rpIdHash, clientDataHash, credential.id, publicKey);
  const attStmt = new Map<CborValue, CborValue>([
    ["sig", signEcdsa(signer, "sha256", verificationData)],
    ["x5c", key.certificates.slice(0, 1)],
  ]);
  return { fmt: Format.FIDO_U2F, attStmt, epAtt: false };
}
