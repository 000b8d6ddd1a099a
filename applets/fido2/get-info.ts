// authenticatorGetInfo (0x04): what this authenticator can do, and how it is set. Every claim is kept. CTAP 2.3 §6.4
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { AAGUID } from "./aaguid.ts";
import { listAttestationFormats } from "./attestation.ts";
import { configSubCommands, MAX_MIN_PIN_LENGTH_RP_IDS } from "./config.ts";
import type { Fido2Context } from "./context.ts";
import { listAdvertisedAlgorithms } from "./cose-key.ts";
import { MAX_CRED_BLOB_LENGTH } from "./extensions/cred-blob.ts";
import { listExtensions } from "./extensions/table.ts";
import { MAX_SERIALIZED_LARGE_BLOB_ARRAY } from "./large-blobs.ts";
import { requireNoParameters } from "./parameters.ts";
import { isPinComplexityEnforced, MAX_PIN_LENGTH } from "./pin-policy.ts";
import { MAX_CREDENTIAL_ID_LENGTH } from "./sealed-id.ts";
import { hasBuiltInUv, UV_MODALITY } from "./user-verification.ts";

/**
 * The members of the response. preferredPlatformUvAttempts, certifications, vendorPrototypeConfigCommands and
 * pinComplexityPolicyURL do not apply.
 */
export const InfoMember = {
  VERSIONS: 0x01,
  EXTENSIONS: 0x02,
  AAGUID: 0x03,
  OPTIONS: 0x04,
  MAX_MSG_SIZE: 0x05,
  PIN_UV_AUTH_PROTOCOLS: 0x06,
  MAX_CREDENTIAL_COUNT_IN_LIST: 0x07,
  MAX_CREDENTIAL_ID_LENGTH: 0x08,
  TRANSPORTS: 0x09,
  ALGORITHMS: 0x0a,
  MAX_SERIALIZED_LARGE_BLOB_ARRAY: 0x0b,
  FORCE_PIN_CHANGE: 0x0c,
  MIN_PIN_LENGTH: 0x0d,
  FIRMWARE_VERSION: 0x0e,
  MAX_CRED_BLOB_LENGTH: 0x0f,
  MAX_RP_IDS_FOR_SET_MIN_PIN_LENGTH: 0x10,
  UV_MODALITY: 0x12,
  REMAINING_DISCOVERABLE_CREDENTIALS: 0x14,
  ATTESTATION_FORMATS: 0x16,
  UV_COUNT_SINCE_LAST_PIN_ENTRY: 0x17,
  LONG_TOUCH_FOR_RESET: 0x18,
  ENC_IDENTIFIER: 0x19,
  TRANSPORTS_FOR_RESET: 0x1a,
  PIN_COMPLEXITY_POLICY: 0x1b,
  MAX_PIN_LENGTH: 0x1d,
  ENC_CRED_STORE_STATE: 0x1e,
  AUTHENTICATOR_CONFIG_COMMANDS: 0x1f,
} as const;

/**
 * So many ids of the longest kind, with what stands around them, go into one message: clients cut their lists by this
 * number alone, and not by the bytes that come out. Longer lists are taken, too.
 */
const MAX_CREDENTIAL_COUNT_IN_LIST = 24;

export async function getInfo(context: Fido2Context, data: Uint8Array): Promise<CborMap> {
  requireNoParameters(data);
  const { options, settings, pin, protocols } = context;
  const builtInUv = hasBuiltInUv(context);
  const identity = await context.identity.seal();
  return new Map<CborValue, CborValue>([
    [InfoMember.VERSIONS, listVersions(context)],
    [InfoMember.EXTENSIONS, listExtensions(options)],
    [InfoMember.AAGUID, AAGUID],
    [InfoMember.OPTIONS, encodeOptions(context)],
    [InfoMember.MAX_MSG_SIZE, options.maxMsgSize],
    [InfoMember.PIN_UV_AUTH_PROTOCOLS, [...protocols.keys()]],
    [InfoMember.MAX_CREDENTIAL_COUNT_IN_LIST, MAX_CREDENTIAL_COUNT_IN_LIST],
    [InfoMember.MAX_CREDENTIAL_ID_LENGTH, MAX_CREDENTIAL_ID_LENGTH],
    [InfoMember.TRANSPORTS, options.transports],
    [InfoMember.ALGORITHMS, listAdvertisedAlgorithms(options).map(encodeAlgorithm)],
    [
      InfoMember.MAX_SERIALIZED_LARGE_BLOB_ARRAY,
      options.largeBlob === "command" ? MAX_SERIALIZED_LARGE_BLOB_ARRAY : undefined,
    ],
    [InfoMember.FORCE_PIN_CHANGE, settings.forcePinChange],
    [InfoMember.MIN_PIN_LENGTH, settings.minPinLength],
    [InfoMember.FIRMWARE_VERSION, options.firmwareVersion],
    [InfoMember.MAX_CRED_BLOB_LENGTH, MAX_CRED_BLOB_LENGTH],
    [InfoMember.MAX_RP_IDS_FOR_SET_MIN_PIN_LENGTH, MAX_MIN_PIN_LENGTH_RP_IDS],
    [InfoMember.UV_MODALITY, builtInUv ? UV_MODALITY : undefined],
    [InfoMember.REMAINING_DISCOVERABLE_CREDENTIALS, context.credentials.discoverableRoom],
    [InfoMember.ATTESTATION_FORMATS, listAttestationFormats(context)],
    [InfoMember.UV_COUNT_SINCE_LAST_PIN_ENTRY, builtInUv ? pin.uvCountSinceLastPinEntry : undefined],
    [InfoMember.LONG_TOUCH_FOR_RESET, settings.longTouchForReset],
    [InfoMember.ENC_IDENTIFIER, identity?.encIdentifier],
    [InfoMember.TRANSPORTS_FOR_RESET, options.transports],
    [InfoMember.PIN_COMPLEXITY_POLICY, isPinComplexityEnforced(context)],
    [InfoMember.MAX_PIN_LENGTH, MAX_PIN_LENGTH],
    [InfoMember.ENC_CRED_STORE_STATE, identity?.encCredStoreState],
    [InfoMember.AUTHENTICATOR_CONFIG_COMMANDS, configSubCommands],
  ]);
}

/** There is no FIDO_2_2. With alwaysUv there is no U2F, which knows no user verification: §7.2.4. */
function listVersions({ options, settings }: Fido2Context): readonly string[] {
  const u2f = options.u2f() && !settings.alwaysUv ? ["U2F_V2"] : [];
  return [...u2f, "FIDO_2_0", "FIDO_2_1", "FIDO_2_3"];
}

/**
 * Options that are absent: bioEnroll and its kin, and noMcGaPermissionsWithClientPin. "uv" is there only when it is on: a
 * false would promise that it can be set up, and OpenSSH stumbles over it.
 */
function encodeOptions(context: Fido2Context): CborMap {
  const { options, settings, pin } = context;
  const builtInUv = hasBuiltInUv(context) ? true : undefined;
  return new Map<CborValue, CborValue>([
    ["rk", true],
    ["up", true],
    ["uv", builtInUv],
    ["plat", false],
    ["uvAcfg", builtInUv],
    ["alwaysUv", settings.alwaysUv],
    ["authnrCfg", true],
    ["clientPin", pin.isSet],
    ["credMgmt", true],
    ["credentialMgmtPreview", true],
    ["ep", settings.enterpriseAttestation],
    ["largeBlobs", options.largeBlob === "command" ? true : undefined],
    ["makeCredUvNotRqd", !settings.alwaysUv],
    ["perCredMgmtRO", true],
    ["pinUvAuthToken", true],
    ["setMinPINLength", true],
  ]);
}

function encodeAlgorithm(algorithm: number): CborMap {
  return new Map<CborValue, CborValue>([
    ["alg", algorithm],
    ["type", "public-key"],
  ]);
}
