// authenticatorGetAssertion (0x02): a signature with a credential. CTAP 2.3 §6.2; the steps are §6.2.2's.
import { concat } from "../../src/bytes/concat.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { sha256OfText } from "../../src/crypto/hash.ts";
import type { Transport } from "../../src/transport.ts";
import { encodeAuthenticatorData } from "./authenticator-data.ts";
import type { Fido2Context } from "./context.ts";
import type { Credential } from "./credential.ts";
import { parseAssertionExtensions, processAssertionExtensions } from "./extensions/table.ts";
import { encodeDescriptor, Parameters, parseClientDataHash, parseCredentialIds, parseOptions } from "./parameters.ts";
import {
  checkPinUvAuth,
  chooseUserVerification,
  collectUserPresence,
  parsePinUvAuth,
  type UserVerificationRequest,
  verifyUser,
} from "./pin-uv-auth.ts";
import type { RememberedAssertion } from "./state.ts";
import { CtapError, CtapStatus } from "./status.ts";

const Request = {
  RP_ID: 0x01,
  CLIENT_DATA_HASH: 0x02,
  ALLOW_LIST: 0x03,
  EXTENSIONS: 0x04,
  OPTIONS: 0x05,
  PIN_UV_AUTH_PARAM: 0x06,
  PIN_UV_AUTH_PROTOCOL: 0x07,
} as const;

/** There is no userSelected (0x06): without a display nobody selects an account at this key. */
const Response = {
  CREDENTIAL: 0x01,
  AUTH_DATA: 0x02,
  SIGNATURE: 0x03,
  USER: 0x04,
  NUMBER_OF_CREDENTIALS: 0x05,
  UNSIGNED_EXTENSION_OUTPUTS: 0x08,
} as const;

function parseRequest({ options }: Fido2Context, data: Uint8Array) {
  const parameters = Parameters.parse(data);
  return {
    rpId: parameters.text(Request.RP_ID),
    clientDataHash: parseClientDataHash(parameters.bytes(Request.CLIENT_DATA_HASH)),
    allowList: parseAllowList(parameters.optionalMaps(Request.ALLOW_LIST)),
    extensions: parseAssertionExtensions(options, parameters.optionalMap(Request.EXTENSIONS)),
    options: parseOptions(parameters.optionalMap(Request.OPTIONS)),
    pinUvAuth: parsePinUvAuth(parameters, Request.PIN_UV_AUTH_PARAM, Request.PIN_UV_AUTH_PROTOCOL),
  };
}

/** An empty list, which no platform should send, counts as none; one of foreign types alone is a list without a match. */
function parseAllowList(descriptors: readonly Parameters[] | undefined): readonly Uint8Array[] | undefined {
  return descriptors === undefined || descriptors.length === 0 ? undefined : parseCredentialIds(descriptors);
}

export async function getAssertion(context: Fido2Context, data: Uint8Array, transport: Transport): Promise<CborMap> {
  const { credentials, state } = context;
  const request = parseRequest(context, data);
  const { rpId, allowList, options, pinUvAuth, clientDataHash } = request;
  const rpIdHash = sha256OfText(rpId);
  const up = options.up ?? true;

  // Steps 1 to 3.
  await checkPinUvAuth(context, transport, pinUvAuth);

  // Steps 4 and 5. "rk" has no place here (4.4).
  const verification: UserVerificationRequest = {
    command: "getAssertion",
    rpId,
    clientDataHash,
    pinUvAuth,
    options: { rk: false, up, uv: options.uv },
  };
  if (options.rk !== undefined) throw new CtapError(CtapStatus.CTAP2_ERR_UNSUPPORTED_OPTION, "rk");
  const method = chooseUserVerification(context, verification);

  // Step 6.
  const evidence = await verifyUser(context, transport, method, verification, { action: "sign in", subject: rpId });
  const { userVerified } = evidence;

  // Step 7.
  const applicable =
    allowList === undefined
      ? credentials.findDiscoverable(rpIdHash, userVerified)
      : findNamed(context, rpIdHash, allowList, userVerified);
  // Step 11.1: any from an allowList, so the client's first. Step 12.2.1: otherwise the newest.
  const selected = allowList === undefined ? applicable.at(-1) : applicable[0];
  if (selected === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);

  // Steps 8 and 9: built-in verification is a test of presence even where none was asked for.
  if (up) {
    const account = applicable.length === 1 ? selected.account?.user.name : undefined;
    const prompt = { action: "sign in", subject: rpId, ...(account === undefined ? {} : { account }) };
    await collectUserPresence(context, transport, evidence, prompt);
    // The owner may have deleted it meanwhile.
    if (credentials.find(rpIdHash, selected.id) === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);
  }
  const userPresent = up || method === "built-in";

  // Step 10.
  const hasAllowList = allowList !== undefined;
  const extensions = processAssertionExtensions(request.extensions, {
    context,
    userPresent,
    userVerified,
    hasAllowList,
  });

  // Steps 12.2.2 and 13.
  const assertion: RememberedAssertion = {
    rpIdHash,
    clientDataHash: Uint8Array.from(clientDataHash),
    userPresent,
    userVerified,
    extensions,
    credentials: applicable,
    answered: 1,
  };
  const hasMore = !hasAllowList && applicable.length > 1;
  const response = await createAssertion(context, assertion, selected, hasMore ? applicable.length : undefined);
  if (hasMore) state.rememberAssertion(transport, assertion);
  return response;
}

/** In the order of the list; those that need a verification that did not happen are passed over. Step 7.1, 7.3, 7.4 */
function findNamed(
  { credentials }: Fido2Context,
  rpIdHash: Uint8Array,
  allowList: readonly Uint8Array[],
  userVerified: boolean,
): readonly Credential[] {
  return allowList
    .map((id) => credentials.find(rpIdHash, id))
    .filter((found) => found !== undefined)
    .filter((found) => found.isVisible(userVerified, true));
}

/** Signs, and puts the answer together. `numberOfCredentials` stands only in the first answer of several. */
export async function createAssertion(
  { credentials }: Fido2Context,
  assertion: RememberedAssertion,
  credential: Credential,
  numberOfCredentials?: number,
): Promise<CborMap> {
  const { rpIdHash, clientDataHash, userPresent, userVerified } = assertion;
  const signCount = await credentials.nextSignatureCount();
  // An extension may write: after it nothing can fail any more.
  const { signed, unsigned, members } = await assertion.extensions.computeOutputs(credential);
  const authData = encodeAuthenticatorData({ rpIdHash, userPresent, userVerified, signCount, extensions: signed });
  return new Map<CborValue, CborValue>([
    [Response.CREDENTIAL, encodeDescriptor(credential.id)],
    [Response.AUTH_DATA, authData],
    [Response.SIGNATURE, credential.sign(concat(authData, clientDataHash))],
    [Response.USER, encodeUser(credential, userVerified)],
    [Response.NUMBER_OF_CREDENTIALS, numberOfCredentials],
    ...members,
    [Response.UNSIGNED_EXTENSION_OUTPUTS, unsigned],
  ]);
}

/** The user of a discoverable credential: what identifies a person only after user verification. Step 12.3 */
function encodeUser({ account }: Credential, userVerified: boolean): CborMap | undefined {
  if (account === undefined) return undefined;
  const { id, name, displayName } = account.user;
  return new Map<CborValue, CborValue>([
    ["id", id],
    ["name", userVerified ? name : undefined],
    ["displayName", userVerified ? displayName : undefined],
  ]);
}
