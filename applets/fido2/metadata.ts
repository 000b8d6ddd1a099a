// The FIDO Metadata Statement of this model, for relying parties that look one up by its AAGUID. Built from getInfo, so
// that the two cannot say different things. FIDO Metadata Statement v3.0 §3, §4; FIDO Registry of Predefined Values §3
import { toHex } from "../../src/bytes/hex.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { CoseAlgorithm } from "./cose-key.ts";
import { InfoMember } from "./get-info.ts";
import { MAX_PIN_RETRIES } from "./pin.ts";

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** getInfo's members that speak of the model, by their names in authenticatorGetInfo; the others are of one key. */
const getInfoNames: ReadonlyMap<number, string> = new Map<number, string>([
  [InfoMember.VERSIONS, "versions"],
  [InfoMember.EXTENSIONS, "extensions"],
  [InfoMember.AAGUID, "aaguid"],
  [InfoMember.OPTIONS, "options"],
  [InfoMember.MAX_MSG_SIZE, "maxMsgSize"],
  [InfoMember.PIN_UV_AUTH_PROTOCOLS, "pinUvAuthProtocols"],
  [InfoMember.MAX_CREDENTIAL_COUNT_IN_LIST, "maxCredentialCountInList"],
  [InfoMember.MAX_CREDENTIAL_ID_LENGTH, "maxCredentialIdLength"],
  [InfoMember.TRANSPORTS, "transports"],
  [InfoMember.ALGORITHMS, "algorithms"],
  [InfoMember.MAX_SERIALIZED_LARGE_BLOB_ARRAY, "maxSerializedLargeBlobArray"],
  [InfoMember.MIN_PIN_LENGTH, "minPINLength"],
  [InfoMember.FIRMWARE_VERSION, "firmwareVersion"],
  [InfoMember.MAX_CRED_BLOB_LENGTH, "maxCredBlobLength"],
  [InfoMember.MAX_RP_IDS_FOR_SET_MIN_PIN_LENGTH, "maxRPIDsForSetMinPINLength"],
  [InfoMember.UV_MODALITY, "uvModality"],
  [InfoMember.ATTESTATION_FORMATS, "attestationFormats"],
  [InfoMember.LONG_TOUCH_FOR_RESET, "longTouchForReset"],
  [InfoMember.TRANSPORTS_FOR_RESET, "transportsForReset"],
  [InfoMember.PIN_COMPLEXITY_POLICY, "pinComplexityPolicy"],
  [InfoMember.MAX_PIN_LENGTH, "maxPINLength"],
  [InfoMember.AUTHENTICATOR_CONFIG_COMMANDS, "authenticatorConfigCommands"],
]);

/** authenticationAlgorithms: the registry has names for these; that of a fully-specified id is its algorithm's. */
const algorithmNames: ReadonlyMap<CborValue, string> = new Map([
  [CoseAlgorithm.ES256, "secp256r1_ecdsa_sha256_raw"],
  [CoseAlgorithm.ESP256, "secp256r1_ecdsa_sha256_raw"],
  [CoseAlgorithm.EDDSA, "ed25519_eddsa_sha512_raw"],
  [CoseAlgorithm.ED25519, "ed25519_eddsa_sha512_raw"],
  [CoseAlgorithm.ES384, "secp384r1_ecdsa_sha384_raw"],
  [CoseAlgorithm.ESP384, "secp384r1_ecdsa_sha384_raw"],
  [CoseAlgorithm.ES512, "secp521r1_ecdsa_sha512_raw"],
  [CoseAlgorithm.ESP512, "secp521r1_ecdsa_sha512_raw"],
  [CoseAlgorithm.ES256K, "secp256k1_ecdsa_sha256_raw"],
]);

/** Unified protocol versions of the FIDO2 family: FIDO_2_1 is 1.1. */
const protocolVersions: ReadonlyMap<CborValue, JsonValue> = new Map([
  ["FIDO_2_0", { major: 1, minor: 0 }],
  ["FIDO_2_1", { major: 1, minor: 1 }],
  ["FIDO_2_3", { major: 1, minor: 3 }],
]);

/** A PIN of any characters that can be typed: the base is that of letters, digits and two signs more. */
const PIN_BASE = 64;

/**
 * A statement as JSON. `getInfo`: the response of authenticatorGetInfo. `rootCertificates`: in DER, those that the batch
 * certificate chains up to; none when registrations attest for themselves.
 */
export function buildMetadataStatement(getInfo: CborMap, rootCertificates: readonly Uint8Array[]): JsonValue {
  const info = new Map([...getInfoNames].map(([key, name]) => [name, getInfo.get(key)]));
  const aaguid = info.get("aaguid");
  if (!(aaguid instanceof Uint8Array)) throw new TypeError("getInfo has no AAGUID");
  const algorithms = listOf(info.get("algorithms")).map((entry) =>
    entry instanceof Map ? entry.get("alg") : undefined,
  );
  return {
    legalHeader: "Made by its user for tests; FIDO has not certified it.",
    description: "Latchkey software security key",
    aaguid: encodeUuid(aaguid),
    protocolFamily: "fido2",
    schema: 3,
    authenticatorVersion: toJson(info.get("firmwareVersion") ?? 0),
    upv: namesOf(protocolVersions, listOf(info.get("versions"))),
    authenticationAlgorithms: namesOf(algorithmNames, algorithms),
    publicKeyAlgAndEncodings: ["cose"],
    attestationTypes: [rootCertificates.length > 0 ? "basic_full" : "basic_surrogate"],
    userVerificationDetails: listUserVerifications(info.get("minPINLength")),
    keyProtection: ["software"],
    matcherProtection: ["software"],
    cryptoStrength: 128,
    attachmentHint: ["external", "wired"],
    tcDisplay: [],
    attestationRootCertificates: rootCertificates.map((der) => Buffer.from(der).toString("base64")),
    authenticatorGetInfo: Object.fromEntries(
      [...info].filter(([, value]) => value !== undefined).map(([name, value]) => [name, toJson(value)]),
    ),
  };
}

/** The alternatives: silently, by a touch, by the PIN, and by both together. */
function listUserVerifications(minPinLength: CborValue): JsonValue {
  const touch = { userVerificationMethod: "presence_internal" };
  const pin = {
    userVerificationMethod: "passcode_external",
    caDesc: { base: PIN_BASE, minLength: toJson(minPinLength), maxRetries: MAX_PIN_RETRIES, blockSlowdown: 0 },
  };
  return [[{ userVerificationMethod: "none" }], [touch], [pin], [pin, touch]];
}

/** The names that there are, each once. */
function namesOf<T>(names: ReadonlyMap<CborValue, T>, values: readonly CborValue[]): T[] {
  return [...new Set(values.flatMap((value) => names.get(value) ?? []))];
}

function listOf(value: CborValue): readonly CborValue[] {
  return Array.isArray(value) ? value : [];
}

/** Byte strings, of which the AAGUID is the only one, are in hexadecimal. */
function toJson(value: CborValue): JsonValue {
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, member]) => [String(key), toJson(member)]));
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") return value;
  throw new TypeError("getInfo holds what JSON has no form for");
}

function encodeUuid(bytes: Uint8Array): string {
  const hex = toHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
