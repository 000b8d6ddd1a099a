// authenticatorMakeCredential (0x01): a new credential for a relying party. CTAP 2.3 §6.1; the steps are §6.1.2's.
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { sha256OfText } from "../../src/crypto/hash.ts";
import type { PresencePrompt } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import { createSelfAttestation, PACKED } from "./attestation.ts";
import { encodeAuthenticatorData } from "./authenticator-data.ts";
import type { Fido2Context } from "./context.ts";
import { isSupportedAlgorithm, schemeOf } from "./cose-key.ts";
import { AAGUID } from "./get-info.ts";
import {
  Parameters,
  parseClientDataHash,
  parseCredentialIds,
  parseOptions,
  parsePubKeyCredParams,
  parseRelyingParty,
  parseUser,
} from "./parameters.ts";
import { checkPinUvAuth, parsePinUvAuth } from "./pin-uv-auth.ts";
import { CtapError, CtapStatus } from "./status.ts";
import { askForUserPresence, requireUserPresence } from "./user-presence.ts";

const Request = {
  CLIENT_DATA_HASH: 0x01,
  RP: 0x02,
  USER: 0x03,
  PUB_KEY_CRED_PARAMS: 0x04,
  EXCLUDE_LIST: 0x05,
  EXTENSIONS: 0x06,
  OPTIONS: 0x07,
  PIN_UV_AUTH_PARAM: 0x08,
  PIN_UV_AUTH_PROTOCOL: 0x09,
  ENTERPRISE_ATTESTATION: 0x0a,
} as const;

const Response = { FMT: 0x01, AUTH_DATA: 0x02, ATT_STMT: 0x03 } as const;

function parseRequest(data: Uint8Array) {
  const parameters = Parameters.parse(data);
  parameters.optionalMap(Request.EXTENSIONS); // none is known yet, and the unknown are ignored: step 15
  return {
    clientDataHash: parseClientDataHash(parameters.bytes(Request.CLIENT_DATA_HASH)),
    rp: parseRelyingParty(parameters.map(Request.RP)),
    user: parseUser(parameters.map(Request.USER)),
    algorithms: parsePubKeyCredParams(parameters.maps(Request.PUB_KEY_CRED_PARAMS)),
    excludeList: parseCredentialIds(parameters.optionalMaps(Request.EXCLUDE_LIST) ?? []),
    options: parseOptions(parameters.optionalMap(Request.OPTIONS)),
    pinUvAuth: parsePinUvAuth(parameters, Request.PIN_UV_AUTH_PARAM, Request.PIN_UV_AUTH_PROTOCOL),
    enterpriseAttestation: parameters.optionalInteger(Request.ENTERPRISE_ATTESTATION),
  };
}

export async function makeCredential(context: Fido2Context, data: Uint8Array, transport: Transport): Promise<CborMap> {
  const { credentials } = context;
  const request = parseRequest(data);
  const { rp, user, clientDataHash, options } = request;
  const rpIdHash = sha256OfText(rp.id);

  // Steps 1 and 2.
  await checkPinUvAuth(context, transport, request.pinUvAuth);

  // Step 3: the client's first algorithm that is supported here.
  const algorithm = request.algorithms.find(isSupportedAlgorithm);
  if (algorithm === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_UNSUPPORTED_ALGORITHM);

  // Step 5. There is no built-in user verification (5.3), and presence cannot be waived (5.5).
  if (options.uv === true) throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_OPTION, "uv");
  if (options.up === false) throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_OPTION, "up");

  // Step 9. Enterprise attestation is not supported.
  if (request.enterpriseAttestation !== undefined) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "enterpriseAttestation");
  }

  const prompt: Omit<PresencePrompt, "applet"> = {
    action: "register",
    subject: rp.id,
    ...(user.name === undefined ? {} : { account: user.name }),
  };

  // Step 12. The answer is the same whether or not the person touches, but comes only after that.
  if (request.excludeList.some((id) => credentials.find(rpIdHash, id) !== undefined)) {
    const outcome = await askForUserPresence(context, transport, prompt);
    const cancelled = outcome === "cancelled";
    throw new CtapError(cancelled ? CtapStatus.CTAP2_ERR_KEEPALIVE_CANCEL : CtapStatus.CTAP2_ERR_CREDENTIAL_EXCLUDED);
  }

  // Step 14.
  await requireUserPresence(context, transport, prompt);

  // Steps 16 to 18.
  const { credential, publicKey, sign } =
    options.rk === true
      ? credentials.createDiscoverable(rp, user, algorithm)
      : await credentials.createSealed(rpIdHash, algorithm);

  // Step 19.
  const authData = encodeAuthenticatorData({
    rpIdHash,
    userPresent: true,
    userVerified: false,
    signCount: await credentials.nextSignatureCount(),
    attestedCredential: {
      aaguid: AAGUID,
      credentialId: credential.id,
      publicKey: schemeOf(algorithm).encodePublicKey(publicKey),
    },
  });
  const attStmt = createSelfAttestation(algorithm, sign, authData, clientDataHash);

  // Step 17, last: from here on nothing can fail any more, so that no credential is stored that no one heard of.
  if (credential.account !== undefined) await credentials.save(credential);
  return new Map<CborValue, CborValue>([
    [Response.FMT, PACKED],
    [Response.AUTH_DATA, authData],
    [Response.ATT_STMT, attStmt],
  ]);
}
