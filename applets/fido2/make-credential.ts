// authenticatorMakeCredential (0x01): a new credential for a relying party. CTAP 2.3 §6.1; the steps are §6.1.2's.
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { sha256OfText } from "../../src/crypto/hash.ts";
import type { PresencePrompt } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import { chooseAttestation, chooseEnterpriseAttestation } from "./attestation.ts";
import { encodeAuthenticatorData } from "./authenticator-data.ts";
import type { Fido2Context } from "./context.ts";
import { type CoseAlgorithm, isAcceptedAlgorithm, schemeOf } from "./cose-key.ts";
import { plainTraits } from "./credential.ts";
import { parseRegistrationExtensions, processRegistrationExtensions } from "./extensions/table.ts";
import {
  Parameters,
  parseClientDataHash,
  parseCredentialIds,
  parseOptions,
  parsePubKeyCredParams,
  parseRelyingParty,
  parseUser,
} from "./parameters.ts";
import {
  checkPinUvAuth,
  chooseUserVerification,
  collectUserPresence,
  parsePinUvAuth,
  throwCredentialExcluded,
  type UserVerificationRequest,
  verifyUser,
} from "./pin-uv-auth.ts";
import { CtapError, CtapStatus } from "./status.ts";

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
  ATTESTATION_FORMATS_PREFERENCE: 0x0b,
} as const;

const Response = {
  FMT: 0x01,
  AUTH_DATA: 0x02,
  ATT_STMT: 0x03,
  EP_ATT: 0x04,
  LARGE_BLOB_KEY: 0x05,
  UNSIGNED_EXTENSION_OUTPUTS: 0x06,
} as const;

function parseRequest({ options }: Fido2Context, data: Uint8Array) {
  const parameters = Parameters.parse(data);
  return {
    clientDataHash: parseClientDataHash(parameters.bytes(Request.CLIENT_DATA_HASH)),
    rp: parseRelyingParty(parameters.map(Request.RP)),
    user: parseUser(parameters.map(Request.USER)),
    algorithms: parsePubKeyCredParams(parameters.maps(Request.PUB_KEY_CRED_PARAMS)),
    excludeList: parseCredentialIds(parameters.optionalMaps(Request.EXCLUDE_LIST) ?? []),
    extensions: parseRegistrationExtensions(options, parameters.optionalMap(Request.EXTENSIONS)),
    options: parseOptions(parameters.optionalMap(Request.OPTIONS)),
    pinUvAuth: parsePinUvAuth(parameters, Request.PIN_UV_AUTH_PARAM, Request.PIN_UV_AUTH_PROTOCOL),
    enterpriseAttestation: parameters.optionalInteger(Request.ENTERPRISE_ATTESTATION),
    // A preference, of which what is not known is passed over: the conformance tests want elements that are no texts to do no harm.
    formats: parameters.optionalTextsAmongOthers(Request.ATTESTATION_FORMATS_PREFERENCE),
  };
}

export async function makeCredential(context: Fido2Context, data: Uint8Array, transport: Transport): Promise<CborMap> {
  const { credentials } = context;
  const request = parseRequest(context, data);
  const { rp, user, clientDataHash, pinUvAuth, options } = request;
  const rpIdHash = sha256OfText(rp.id);
  const discoverable = options.rk ?? false;

  // Steps 1 and 2.
  await checkPinUvAuth(context, transport, pinUvAuth);

  // Steps 3 and 4: the client's first algorithm that is supported here.
  const algorithm = request.algorithms.find((known): known is CoseAlgorithm =>
    isAcceptedAlgorithm(known, context.options),
  );
  if (algorithm === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_UNSUPPORTED_ALGORITHM);

  // Steps 5 to 8. Presence cannot be waived (5.5).
  if (options.up === false) throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_OPTION, "up");
  const verification: UserVerificationRequest = {
    command: "makeCredential",
    rpId: rp.id,
    clientDataHash,
    pinUvAuth,
    options: { rk: discoverable, up: true, uv: options.uv },
  };
  const method = chooseUserVerification(context, verification);

  // Step 9.
  const enterprise = chooseEnterpriseAttestation(context, request.enterpriseAttestation, rp.id);

  const prompt: Omit<PresencePrompt, "applet"> = {
    // Step 9.2.6: a person who is being identified is told so.
    action: enterprise === undefined ? "register" : "register, with a certificate that identifies this key",
    subject: rp.id,
    ...(user.name === undefined ? {} : { account: user.name }),
  };

  // Steps 10 and 11.
  const evidence = await verifyUser(context, transport, method, verification, prompt);
  const { userVerified } = evidence;

  // Step 12. One that needs verification does not exist for whoever was not verified.
  const isExcluded = request.excludeList.some((id) => credentials.find(rpIdHash, id)?.isVisible(userVerified, true));
  if (isExcluded) await throwCredentialExcluded(context, transport, evidence, prompt);

  // Steps 13 and 14.
  await collectUserPresence(context, transport, evidence, prompt);

  // Step 15.
  const extensions = processRegistrationExtensions(request.extensions, {
    context,
    rpId: rp.id,
    discoverable,
    userVerified,
  });

  // Steps 16 to 18.
  const traits = { ...plainTraits, ...extensions.traits };
  const { credential, publicKey } = discoverable
    ? credentials.createDiscoverable(rp, user, algorithm, traits)
    : await credentials.createSealed(rpIdHash, algorithm, traits);
  const outputs = extensions.computeOutputs(credential);

  // Step 19.
  const attestation = chooseAttestation(context, { algorithm, discoverable, formats: request.formats, enterprise });
  const authData = encodeAuthenticatorData({
    rpIdHash,
    userPresent: true,
    userVerified,
    signCount: await credentials.nextSignatureCount(),
    attestedCredential: {
      aaguid: attestation.aaguid,
      credentialId: credential.id,
      publicKey: schemeOf(algorithm).encodePublicKey(publicKey),
    },
    extensions: outputs.signed,
  });
  const { fmt, attStmt, epAtt } = attestation.attest(credential, publicKey, authData, clientDataHash);

  // Step 17, last: from here on nothing can fail any more, so that no credential is stored that no one heard of.
  if (discoverable) await credentials.save(credential);
  return new Map<CborValue, CborValue>([
    [Response.FMT, fmt],
    [Response.AUTH_DATA, authData],
    [Response.ATT_STMT, attStmt],
    [Response.EP_ATT, epAtt || undefined],
    [Response.LARGE_BLOB_KEY, credential.deriveLargeBlobKey()],
    [Response.UNSIGNED_EXTENSION_OUTPUTS, outputs.unsigned],
  ]);
}
