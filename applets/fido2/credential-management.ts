// authenticatorCredentialManagement (0x0A), and 0x41, its prototype: listing, renaming and deleting the discoverable
// credentials. CTAP 2.3 §6.8
import { concat } from "../../src/bytes/concat.ts";
import { isEqual } from "../../src/bytes/equal.ts";
import { type CborMap, type CborValue, sliceCborMember } from "../../src/cbor.ts";
import { sha256OfText } from "../../src/crypto/hash.ts";
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import type { Credential } from "./credential.ts";
import { encodeDescriptor, Parameters, parseCredentialId, parseUser } from "./parameters.ts";
import { findProtocol, type PinUvAuth, parsePinUvAuth } from "./pin-uv-auth.ts";
import { Permission } from "./pin-uv-auth-token.ts";
import type { RememberedEnumeration } from "./state.ts";
import { CtapError, CtapStatus } from "./status.ts";

const Request = {
  SUB_COMMAND: 0x01,
  SUB_COMMAND_PARAMS: 0x02,
  PIN_UV_AUTH_PROTOCOL: 0x03,
  PIN_UV_AUTH_PARAM: 0x04,
} as const;

const SubCommand = {
  GET_CREDS_METADATA: 0x01,
  ENUMERATE_RPS_BEGIN: 0x02,
  ENUMERATE_RPS_GET_NEXT_RP: 0x03,
  ENUMERATE_CREDENTIALS_BEGIN: 0x04,
  ENUMERATE_CREDENTIALS_GET_NEXT_CREDENTIAL: 0x05,
  DELETE_CREDENTIAL: 0x06,
  UPDATE_USER_INFORMATION: 0x07,
} as const;

const Param = { RP_ID_HASH: 0x01, CREDENTIAL_ID: 0x02, USER: 0x03 } as const;

const Response = {
  EXISTING_RESIDENT_CREDENTIALS_COUNT: 0x01,
  MAX_POSSIBLE_REMAINING_RESIDENT_CREDENTIALS_COUNT: 0x02,
  RP: 0x03,
  RP_ID_HASH: 0x04,
  TOTAL_RPS: 0x05,
  USER: 0x06,
  CREDENTIAL_ID: 0x07,
  PUBLIC_KEY: 0x08,
  TOTAL_CREDENTIALS: 0x09,
  CRED_PROTECT: 0x0a,
  LARGE_BLOB_KEY: 0x0b,
  THIRD_PARTY_PAYMENT: 0x0c,
} as const;

export function credentialManagement(
  context: Fido2Context,
  data: Uint8Array,
  transport: Transport,
): Promise<CborMap | undefined> {
  return manage({ context, transport, isPrototype: false }, data);
}

/** 0x41: what libfido2 sent before CTAP 2.1, with tokens of getPinToken, which know no permissions. */
export function credentialManagementPrototype(
  context: Fido2Context,
  data: Uint8Array,
  transport: Transport,
): Promise<CborMap | undefined> {
  return manage({ context, transport, isPrototype: true }, data);
}

interface Call {
  readonly context: Fido2Context;
  readonly transport: Transport;
  readonly isPrototype: boolean;
}

/** A request as its subcommands see it: `auth` proves `message`. */
interface ManagementRequest extends Call {
  readonly params: Parameters;
  readonly auth: PinUvAuth;
  readonly message: Uint8Array;
}

async function manage(call: Call, data: Uint8Array): Promise<CborMap | undefined> {
  const parameters = Parameters.parse(data);
  const subCommand = parameters.integer(Request.SUB_COMMAND);
  const params = parameters.optionalMap(Request.SUB_COMMAND_PARAMS) ?? new Parameters(new Map());
  const auth = parsePinUvAuth(parameters, Request.PIN_UV_AUTH_PARAM, Request.PIN_UV_AUTH_PROTOCOL);
  // What a pinUvAuthParam signs: the subcommand, and its parameters where it has any. §6.8.2 to §6.8.6
  const bare = Uint8Array.of(subCommand);
  const whole: ManagementRequest = {
    ...call,
    params,
    auth,
    message: concat(bare, sliceCborMember(data, Request.SUB_COMMAND_PARAMS)),
  };

  switch (subCommand) {
    case SubCommand.ENUMERATE_RPS_GET_NEXT_RP:
      return getNext(call, "relying parties");
    case SubCommand.ENUMERATE_CREDENTIALS_GET_NEXT_CREDENTIAL:
      return getNext(call, "credentials");
  }
  // Any other begins anew, but a list of credentials leaves that of the relying parties alone: §6, "stateful commands",
  // lets a key forget it, and SoloKeys' fido2-tests, who walk through the one inside the other, want it to be kept.
  if (subCommand !== SubCommand.ENUMERATE_CREDENTIALS_BEGIN) call.context.state.forgetEnumeration(call.transport);
  else call.context.state.forgetEnumeration(call.transport, "credentials");
  if (subCommand < SubCommand.GET_CREDS_METADATA || subCommand > SubCommand.UPDATE_USER_INFORMATION) {
    throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_SUBCOMMAND); // §8.1
  }
  if (auth.param === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_PUAT_REQUIRED);
  switch (subCommand) {
    case SubCommand.GET_CREDS_METADATA:
      return getCredsMetadata({ ...whole, message: bare });
    case SubCommand.ENUMERATE_RPS_BEGIN:
      return enumerateRelyingParties({ ...whole, message: bare });
    case SubCommand.ENUMERATE_CREDENTIALS_BEGIN:
      return enumerateCredentials(whole);
    case SubCommand.DELETE_CREDENTIAL:
      return deleteCredential(whole);
    default:
      return updateUserInformation(whole);
  }
}

/** What the token that proved a request may do. */
interface Authorization {
  /** The relying party that the token is for, or any. */
  readonly rpId: string | undefined;
  /** Whether it still holds; what it began ends with it. */
  readonly isValid: () => boolean;
}

/**
 * Verifies the pinUvAuthParam, with the token in use or, to read, with the persistent one. Throws
 * MISSING_PARAMETER or INVALID_PARAMETER for its protocol, and PIN_AUTH_INVALID for one that does not hold.
 */
function authorize(request: ManagementRequest, access: "read" | "write"): Authorization {
  const { context, auth, message } = request;
  const { token, persistentToken } = context;
  const protocol = findProtocol(context, auth.protocol);
  const { param = new Uint8Array(0) } = auth;

  const value = token.valueFor(protocol.version);
  if (value !== undefined && protocol.isAuthentic(value, message, param)) {
    const isLegacy = request.isPrototype && token.isLegacy;
    if (!token.hasPermission(Permission.CREDENTIAL_MANAGEMENT) && !isLegacy) {
      throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "the token has not the permission cm");
    }
    token.markUsed();
    const { serial } = token;
    return { rpId: isLegacy ? undefined : token.rpId, isValid: () => token.serial === serial };
  }

  // The persistent token has no other permission than pcmr, and is for no relying party in particular.
  const persistent = access === "read" ? persistentToken.value : undefined;
  if (persistent === undefined || !protocol.isAuthentic(persistent, message, param)) {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "pinUvAuthParam");
  }
  const isValid = () => persistentToken.value !== undefined && isEqual(persistentToken.value, persistent);
  return { rpId: undefined, isValid };
}

function requireAnyRelyingParty({ rpId }: Authorization): void {
  if (rpId !== undefined) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "the token is for one rpId");
}

/**
 * Throws unless the token may touch credentials of this relying party. For enumerateCredentialsBegin, §6.8.4 step 3
 * wants a token that is for none in particular; CTAP 2.1 also took one for this relying party, §6.5.5.7 still says of
 * cm that it may be so used, and libfido2 does (fido_credman_get_dev_rk, by which `ssh-keygen -K` works).
 */
function requireRelyingParty({ rpId }: Authorization, rpIdHash: Uint8Array | undefined): void {
  if (rpId !== undefined && (rpIdHash === undefined || !isEqual(sha256OfText(rpId), rpIdHash))) {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "the token is for another relying party");
  }
}

/** §6.8.2 */
function getCredsMetadata(request: ManagementRequest): CborMap {
  requireAnyRelyingParty(authorize(request, "read"));
  return new Map<CborValue, CborValue>([
    [Response.EXISTING_RESIDENT_CREDENTIALS_COUNT, request.context.credentials.discoverableCount],
    [Response.MAX_POSSIBLE_REMAINING_RESIDENT_CREDENTIALS_COUNT, request.context.credentials.discoverableRoom],
  ]);
}

/** §6.8.3 */
function enumerateRelyingParties(request: ManagementRequest): CborMap {
  const authorization = authorize(request, "read");
  requireAnyRelyingParty(authorization);
  const parties = request.context.credentials.listRelyingParties();
  return begin(request, "relying parties", authorization, parties, encodeRelyingParty, Response.TOTAL_RPS);
}

/** §6.8.4 */
function enumerateCredentials(request: ManagementRequest): CborMap {
  const rpIdHash = request.params.bytes(Param.RP_ID_HASH);
  const authorization = authorize(request, "read");
  requireRelyingParty(authorization, rpIdHash);
  const found = request.context.credentials.findDiscoverable(rpIdHash);
  return begin(request, "credentials", authorization, found, encodeCredential, Response.TOTAL_CREDENTIALS);
}

/** Answers with the first of `elements` and their number, and remembers the others. Throws NO_CREDENTIALS for none. */
function begin(
  { context, transport }: ManagementRequest,
  kind: RememberedEnumeration["kind"],
  { isValid }: Authorization,
  elements: readonly Credential[],
  encode: (credential: Credential) => [CborValue, CborValue][],
  total: number,
): CborMap {
  let at = 0;
  const next = (): [CborValue, CborValue][] | undefined => {
    // Another client may have deleted some meanwhile; a relying party is there as long as one of its credentials is.
    for (let element = elements[at++]; element !== undefined; element = elements[at++]) {
      if (at === 1 || isStillThere(context, kind, element)) return encode(element);
    }
    return undefined;
  };
  const first = next();
  if (first === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);
  const remembered = { kind, isAuthorized: isValid, next: () => asMap(next()) };
  if (elements.length > 1) context.state.rememberEnumeration(transport, remembered);
  return new Map<CborValue, CborValue>([...first, [total, elements.length]]);
}

function asMap(members: readonly [CborValue, CborValue][] | undefined): CborMap | undefined {
  return members === undefined ? undefined : new Map(members);
}

function isStillThere(
  { credentials }: Fido2Context,
  kind: RememberedEnumeration["kind"],
  element: Credential,
): boolean {
  if (kind === "credentials") return credentials.isStored(element);
  return credentials.findDiscoverable(element.rpIdHash).length > 0;
}

function getNext({ context, transport }: Call, kind: RememberedEnumeration["kind"]): CborMap {
  const response = context.state.recallEnumeration(transport, kind)?.next();
  if (response !== undefined) return response;
  context.state.forgetEnumeration(transport, kind);
  throw new CtapError(CtapStatus.CTAP2_ERR_NOT_ALLOWED);
}

function encodeRelyingParty({ account, rpIdHash }: Credential): [CborValue, CborValue][] {
  const rp = new Map<CborValue, CborValue>([
    ["id", account?.rp.id],
    ["name", account?.rp.name],
  ]);
  return [
    [Response.RP, rp],
    [Response.RP_ID_HASH, rpIdHash],
  ];
}

function encodeCredential(credential: Credential): [CborValue, CborValue][] {
  const { account, traits } = credential;
  const user = new Map<CborValue, CborValue>([
    ["id", account?.user.id],
    ["name", account?.user.name],
    ["displayName", account?.user.displayName],
  ]);
  return [
    [Response.USER, user],
    [Response.CREDENTIAL_ID, encodeDescriptor(credential.id)],
    [Response.PUBLIC_KEY, credential.encodePublicKey()],
    [Response.CRED_PROTECT, traits.credProtect],
    [Response.LARGE_BLOB_KEY, credential.deriveLargeBlobKey()],
    [Response.THIRD_PARTY_PAYMENT, traits.thirdPartyPayment],
  ];
}

/** §6.8.5 */
async function deleteCredential(request: ManagementRequest): Promise<undefined> {
  const credential = findManaged(request);
  if (!(await request.context.credentials.delete(credential))) {
    throw new CtapError(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);
  }
}

/** §6.8.6. A name that is absent or empty is removed. */
async function updateUserInformation(request: ManagementRequest): Promise<undefined> {
  const user = parseUser(request.params.map(Param.USER));
  const credential = findManaged(request);
  if (credential.account === undefined || !isEqual(credential.account.user.id, user.id)) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "user.id is another's");
  }
  const names = { name: user.name || undefined, displayName: user.displayName || undefined };
  if (!(await request.context.credentials.updateUser(credential, names))) {
    throw new CtapError(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);
  }
}

/** The credential that a request to change one names, once the request is proved. */
function findManaged(request: ManagementRequest): Credential {
  const id = parseCredentialId(request.params.map(Param.CREDENTIAL_ID));
  const authorization = authorize(request, "write");
  const credential = request.context.credentials.findStored(id);
  // The token first: whoever manages one relying party does not learn what others have.
  requireRelyingParty(authorization, credential?.rpIdHash);
  if (credential === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);
  return credential;
}
