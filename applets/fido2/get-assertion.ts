// authenticatorGetAssertion (0x02): a signature with a credential. CTAP 2.3 §6.2; the steps are §6.2.2's.
import { concat } from "../../src/bytes/concat.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { sha256OfText } from "../../src/crypto/hash.ts";
import type { Transport } from "../../src/transport.ts";
import { encodeAuthenticatorData } from "./authenticator-data.ts";
import type { Fido2Context } from "./context.ts";
import type { Credential } from "./credential.ts";
import { encodeDescriptor, Parameters, parseClientDataHash, parseCredentialIds, parseOptions } from "./parameters.ts";
import { checkPinUvAuth, parsePinUvAuth } from "./pin-uv-auth.ts";
import type { RememberedAssertion } from "./state.ts";
import { CtapError, CtapStatus } from "./status.ts";
import { requireUserPresence } from "./user-presence.ts";

const Request = {
  RP_ID: 0x01,
  CLIENT_DATA_HASH: 0x02,
  ALLOW_LIST: 0x03,
  EXTENSIONS: 0x04,
  OPTIONS: 0x05,
  PIN_UV_AUTH_PARAM: 0x06,
  PIN_UV_AUTH_PROTOCOL: 0x07,
} as const;

const Response = {
  CREDENTIAL: 0x01,
  AUTH_DATA: 0x02,
  SIGNATURE: 0x03,
  USER: 0x04,
  NUMBER_OF_CREDENTIALS: 0x05,
} as const;

function parseRequest(data: Uint8Array) {
  const parameters = Parameters.parse(data);
  parameters.optionalMap(Request.EXTENSIONS); // none is known yet, and the unknown are ignored: step 10
  return {
    rpId: parameters.text(Request.RP_ID),
    clientDataHash: parseClientDataHash(parameters.bytes(Request.CLIENT_DATA_HASH)),
    allowList: parseAllowList(parameters.optionalMaps(Request.ALLOW_LIST)),
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
  const request = parseRequest(data);
  const { rpId, allowList, options } = request;
  const rpIdHash = sha256OfText(rpId);

  // Steps 1 and 2.
  await checkPinUvAuth(context, transport, request.pinUvAuth);

  // Step 4. There is no built-in user verification (4.3), and "rk" has no place here (4.4).
  if (options.uv === true) throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_OPTION, "uv");
  if (options.rk !== undefined) throw new CtapError(CtapStatus.CTAP2_ERR_UNSUPPORTED_OPTION, "rk");
  const userPresent = options.up ?? true;

  // Step 7.
  const applicable =
    allowList === undefined
      ? credentials.findDiscoverable(rpIdHash)
      : allowList.map((id) => credentials.find(rpIdHash, id)).filter((found) => found !== undefined);
  // Step 11.1: any from an allowList, so the client's first. Step 12.2.1: otherwise the newest.
  const selected = allowList === undefined ? applicable.at(-1) : applicable[0];
  if (selected === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_NO_CREDENTIALS);

  // Step 9.
  if (userPresent) {
    const account = applicable.length === 1 ? selected.account?.user.name : undefined;
    const prompt = { action: "sign in", subject: rpId, ...(account === undefined ? {} : { account }) };
    await requireUserPresence(context, transport, prompt);
  }

  // Steps 12.2.2 and 13.
  const assertion: RememberedAssertion = {
    rpIdHash,
    clientDataHash: Uint8Array.from(request.clientDataHash),
    userPresent,
    userVerified: false,
    credentials: applicable,
    answered: 1,
  };
  const hasMore = allowList === undefined && applicable.length > 1;
  const response = await createAssertion(context, assertion, selected, hasMore ? applicable.length : undefined);
  if (hasMore) state.rememberAssertion(transport, assertion);
  return response;
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
  const authData = encodeAuthenticatorData({ rpIdHash, userPresent, userVerified, signCount });
  return new Map<CborValue, CborValue>([
    [Response.CREDENTIAL, encodeDescriptor(credential.id)],
    [Response.AUTH_DATA, authData],
    [Response.SIGNATURE, credential.sign(concat(authData, clientDataHash))],
    [Response.USER, encodeUser(credential, userVerified)],
    [Response.NUMBER_OF_CREDENTIALS, numberOfCredentials],
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
