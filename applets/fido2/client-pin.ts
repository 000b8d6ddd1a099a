// authenticatorClientPIN (0x06): setting the PIN, changing it, and trading it, or the person's own presence at a built-in
// verification, for a pinUvAuthToken. CTAP 2.3 §6.5.5; the steps are those of its subsections.
import { concat } from "../../src/bytes/concat.ts";
import { wipe } from "../../src/bytes/wipe.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import { Parameters } from "./parameters.ts";
import { PERSISTENT_TOKEN } from "./persistent-token.ts";
import { parseNewPin } from "./pin-policy.ts";
import { findProtocol } from "./pin-uv-auth.ts";
import { checkPeerTypes, type PinUvAuthProtocol, type SharedSecret } from "./pin-uv-auth-protocol.ts";
import { type Grant, Permission } from "./pin-uv-auth-token.ts";
import { CtapError, CtapStatus } from "./status.ts";
import { hasBuiltInUv, performBuiltInUv } from "./user-verification.ts";

/** Members of a request. */
export const Request = {
  PIN_UV_AUTH_PROTOCOL: 0x01,
  SUB_COMMAND: 0x02,
  KEY_AGREEMENT: 0x03,
  PIN_UV_AUTH_PARAM: 0x04,
  NEW_PIN_ENC: 0x05,
  PIN_HASH_ENC: 0x06,
  PERMISSIONS: 0x09,
  RP_ID: 0x0a,
} as const;

/** Members of a response. */
export const Response = {
  KEY_AGREEMENT: 0x01,
  PIN_UV_AUTH_TOKEN: 0x02,
  PIN_RETRIES: 0x03,
  POWER_CYCLE_STATE: 0x04,
  UV_RETRIES: 0x05,
} as const;

export const SubCommand = {
  GET_PIN_RETRIES: 0x01,
  GET_KEY_AGREEMENT: 0x02,
  SET_PIN: 0x03,
  CHANGE_PIN: 0x04,
  GET_PIN_TOKEN: 0x05,
  GET_PIN_UV_AUTH_TOKEN_USING_UV_WITH_PERMISSIONS: 0x06,
  GET_UV_RETRIES: 0x07,
  GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS: 0x09,
} as const;

/** What a token from getPinToken may do. §6.5.5.7, "default permissions" */
const DEFAULT_PERMISSIONS = Permission.MAKE_CREDENTIAL | Permission.GET_ASSERTION;

/** "Undefined permissions present in the permissions parameter are ignored." */
const DEFINED_PERMISSIONS = 0x7f;

export async function clientPin(
  context: Fido2Context,
  data: Uint8Array,
  transport: Transport,
): Promise<CborMap | undefined> {
  const parameters = Parameters.parse(data);
  checkTypes(parameters);
  switch (parameters.integer(Request.SUB_COMMAND)) {
    case SubCommand.GET_PIN_RETRIES:
      return getPinRetries(context);
    case SubCommand.GET_KEY_AGREEMENT:
      return getKeyAgreement(context, parameters);
    case SubCommand.SET_PIN:
      return setPin(context, parameters);
    case SubCommand.CHANGE_PIN:
      return changePin(context, parameters);
    case SubCommand.GET_PIN_TOKEN:
      return getPinToken(context, parameters);
    case SubCommand.GET_PIN_UV_AUTH_TOKEN_USING_PIN_WITH_PERMISSIONS:
      return getTokenUsingPin(context, parameters);
    case SubCommand.GET_PIN_UV_AUTH_TOKEN_USING_UV_WITH_PERMISSIONS:
      if (hasBuiltInUv(context)) return getTokenUsingUv(context, parameters, transport);
      break;
    case SubCommand.GET_UV_RETRIES:
      if (hasBuiltInUv(context)) return encode([Response.UV_RETRIES, context.pin.uvRetries]);
      break;
  }
  // §8.1: of a command that has some, a subcommand that is not implemented.
  throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_SUBCOMMAND);
}

/** A parameter of the wrong type is refused whether or not the subcommand takes it, and before a PIN is looked at. §6.5.5.1 */
function checkTypes(parameters: Parameters): void {
  parameters.optionalInteger(Request.PIN_UV_AUTH_PROTOCOL);
  const peer = parameters.optionalMap(Request.KEY_AGREEMENT);
  if (peer !== undefined) checkPeerTypes(peer);
  for (const key of [Request.PIN_UV_AUTH_PARAM, Request.NEW_PIN_ENC, Request.PIN_HASH_ENC])
    parameters.optionalBytes(key);
  parameters.optionalInteger(Request.PERMISSIONS);
  parameters.optionalText(Request.RP_ID);
}

function encode(...members: readonly (readonly [CborValue, CborValue])[]): CborMap {
  return new Map<CborValue, CborValue>(members);
}

/**
 * §6.5.5.2. powerCycleState says that more guesses need the key to be plugged in again. What a key without a PIN answers
 * is not said; it is what YubiKeys answer, as python-fido2's device tests show.
 */
function getPinRetries({ pin }: Fido2Context): CborMap {
  if (!pin.isSet) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_NOT_SET);
  const powerCycleState = pin.isBlockedUntilPowerCycle ? true : undefined;
  return encode([Response.PIN_RETRIES, pin.retries], [Response.POWER_CYCLE_STATE, powerCycleState]);
}

/** §6.5.5.4 */
function getKeyAgreement(context: Fido2Context, parameters: Parameters): CborMap {
  const protocol = findProtocol(context, parameters.optionalInteger(Request.PIN_UV_AUTH_PROTOCOL));
  return encode([Response.KEY_AGREEMENT, protocol.encodePublicKey()]);
}

/** §6.5.5.5 */
async function setPin(context: Fido2Context, parameters: Parameters): Promise<undefined> {
  // Step 1.
  const peer = parameters.map(Request.KEY_AGREEMENT);
  const pinUvAuthParam = parameters.bytes(Request.PIN_UV_AUTH_PARAM);
  const newPinEnc = parameters.bytes(Request.NEW_PIN_ENC);
  // Steps 2 and 3.
  const protocol = findProtocol(context, parameters.optionalInteger(Request.PIN_UV_AUTH_PROTOCOL));
  if (context.pin.isSet) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "a PIN is set already");
  // Steps 4 to 12.
  await withSecret(protocol, peer, async (secret) => {
    requireAuthentic(secret, newPinEnc, pinUvAuthParam);
    await withNewPin(secret, newPinEnc, (padded) => context.pin.set(parseNewPin(context, padded)));
  });
}

/** §6.5.5.6 */
async function changePin(context: Fido2Context, parameters: Parameters): Promise<undefined> {
  // Step 1.
  const peer = parameters.map(Request.KEY_AGREEMENT);
  const pinUvAuthParam = parameters.bytes(Request.PIN_UV_AUTH_PARAM);
  const newPinEnc = parameters.bytes(Request.NEW_PIN_ENC);
  const pinHashEnc = parameters.bytes(Request.PIN_HASH_ENC);
  // Steps 2 and 3.
  const protocol = findProtocol(context, parameters.optionalInteger(Request.PIN_UV_AUTH_PROTOCOL));
  requirePinTries(context);
  await withSecret(protocol, peer, async (secret) => {
    // Steps 5 to 8.
    requireAuthentic(secret, concat(newPinEnc, pinHashEnc), pinUvAuthParam);
    await verifyPin(context, protocol, secret, pinHashEnc);
    // Steps 9 to 20.
    await withNewPin(secret, newPinEnc, async (padded) => {
      const newPin = parseNewPin(context, padded);
      if (context.settings.forcePinChange && context.pin.isCurrent(newPin.bytes)) {
        throw new CtapError(CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION, "the PIN has to change");
      }
      await context.pin.set(newPin, { [PERSISTENT_TOKEN]: null });
      context.token.stopUsing();
    });
  });
}

/** §6.5.5.7.1, superseded, but all that CTAP 2.0 platforms know. */
async function getPinToken(context: Fido2Context, parameters: Parameters): Promise<CborMap> {
  // Step 1.
  const peer = parameters.map(Request.KEY_AGREEMENT);
  const pinHashEnc = parameters.bytes(Request.PIN_HASH_ENC);
  // Step 2.
  const protocol = findProtocol(context, parameters.optionalInteger(Request.PIN_UV_AUTH_PROTOCOL));
  // Steps 3 and 4.
  if (parameters.has(Request.PERMISSIONS) || parameters.has(Request.RP_ID)) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "getPinToken takes neither permissions nor rpId");
  }
  // Step 5.
  requirePinTries(context);
  return withSecret(protocol, peer, async (secret) => {
    // Steps 8 to 10.
    await verifyPin(context, protocol, secret, pinHashEnc);
    // Step 11.
    if (context.settings.forcePinChange) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_INVALID, "the PIN has to change");
    // Steps 12 to 15.
    const grant = { permissions: DEFAULT_PERMISSIONS, rpId: undefined, userPresent: false, legacy: true };
    return encodeToken(secret, context.token.begin(protocol.version, grant));
  });
}

/** §6.5.5.7.2 */
async function getTokenUsingPin(context: Fido2Context, parameters: Parameters): Promise<CborMap> {
  // Steps 1 to 4.
  const peer = parameters.map(Request.KEY_AGREEMENT);
  const pinHashEnc = parameters.bytes(Request.PIN_HASH_ENC);
  const { permissions, rpId } = parseGrant(parameters);
  const protocol = findProtocol(context, parameters.optionalInteger(Request.PIN_UV_AUTH_PROTOCOL));
  requireGrantable(context, permissions);
  // Step 5.
  requirePinTries(context);
  return withSecret(protocol, peer, async (secret) => {
    // Steps 8 to 10.
    await verifyPin(context, protocol, secret, pinHashEnc);
    // Step 11.
    if (context.settings.forcePinChange) {
      throw new CtapError(CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION, "the PIN has to change");
    }
    // Steps 12 to 17.
    return grantToken(context, protocol, secret, { permissions, rpId, userPresent: false });
  });
}

/** §6.5.5.7.3. There is no step 5: a built-in verification that is on is configured. */
async function getTokenUsingUv(context: Fido2Context, parameters: Parameters, transport: Transport): Promise<CborMap> {
  // Steps 1 to 4.
  const peer = parameters.map(Request.KEY_AGREEMENT);
  const { permissions, rpId } = parseGrant(parameters);
  const protocol = findProtocol(context, parameters.optionalInteger(Request.PIN_UV_AUTH_PROTOCOL));
  requireGrantable(context, permissions);
  // Step 7.
  if (context.pin.uvRetries === 0) throw new CtapError(CtapStatus.CTAP2_ERR_UV_BLOCKED);
  return withSecret(protocol, peer, async (secret) => {
    // Steps 8 to 10: the prompt says what it is for, so that it is the consent, too.
    const prompt = { action: describePermissions(permissions), ...(rpId === undefined ? {} : { subject: rpId }) };
    const outcome = await performBuiltInUv(context, transport, prompt);
    if (outcome === "timeout") throw new CtapError(CtapStatus.CTAP2_ERR_USER_ACTION_TIMEOUT);
    if (outcome === "cancelled") throw new CtapError(CtapStatus.CTAP2_ERR_KEEPALIVE_CANCEL);
    if (outcome === "blocked") throw new CtapError(CtapStatus.CTAP2_ERR_UV_BLOCKED);
    if (outcome === "denied") throw new CtapError(CtapStatus.CTAP2_ERR_UV_INVALID);
    // Steps 11 to 16.
    return grantToken(context, protocol, secret, { permissions, rpId, userPresent: true });
  });
}

/** `permissions` without the undefined ones. Throws as steps 1 and 3 of §6.5.5.7.2 and §6.5.5.7.3 say. */
function parseGrant(parameters: Parameters): { readonly permissions: number; readonly rpId: string | undefined } {
  const requested = parameters.integer(Request.PERMISSIONS);
  const rpId = parameters.optionalText(Request.RP_ID);
  if (requested <= 0) throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "permissions");
  const permissions = requested & DEFINED_PERMISSIONS;
  // §6.5.5.7: mc and ga are for one relying party, which has to be named. Beside a permission that needs no name it may
  // be left out: pico-fido's test suite asks so, and the first use binds the token as it binds one of getPinToken.
  if ((permissions & ~DEFAULT_PERMISSIONS) === 0 && rpId === undefined) {
    throw new CtapError(CtapStatus.CTAP2_ERR_MISSING_PARAMETER, "rpId");
  }
  return { permissions, rpId };
}

/** Step 4: no permission for a command that getInfo does not offer, as bioEnrollment never is, and pcmr comes alone. */
function requireGrantable({ options }: Fido2Context, permissions: number): void {
  const pcmr = Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY;
  const missing = Permission.BIO_ENROLLMENT | (options.largeBlob === "command" ? 0 : Permission.LARGE_BLOB_WRITE);
  if ((permissions & missing) !== 0 || ((permissions & pcmr) !== 0 && permissions !== pcmr)) {
    throw new CtapError(CtapStatus.CTAP2_ERR_UNAUTHORIZED_PERMISSION);
  }
}

async function grantToken(
  context: Fido2Context,
  protocol: PinUvAuthProtocol,
  secret: SharedSecret,
  grant: Grant,
): Promise<CborMap> {
  if (grant.permissions === Permission.PERSISTENT_CREDENTIAL_MANAGEMENT_READ_ONLY) {
    return encodeToken(secret, await context.persistentToken.obtain());
  }
  return encodeToken(secret, context.token.begin(protocol.version, grant));
}

function encodeToken(secret: SharedSecret, token: Uint8Array): CborMap {
  return encode([Response.PIN_UV_AUTH_TOKEN, secret.encrypt(token)]);
}

/** A verb phrase for the prompt. */
function describePermissions(permissions: number): string {
  if ((permissions & Permission.MAKE_CREDENTIAL) !== 0) return "register";
  if ((permissions & Permission.GET_ASSERTION) !== 0) return "sign in";
  if ((permissions & Permission.AUTHENTICATOR_CONFIGURATION) !== 0) return "change the settings of this key";
  if ((permissions & Permission.LARGE_BLOB_WRITE) !== 0) return "write large blobs";
  return "manage the credentials of this key";
}

function requirePinTries({ pin }: Fido2Context): void {
  if (!pin.isSet) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_NOT_SET);
  pin.requireTriesLeft();
}

/** Compares the PIN's hash; after a miss the platform has to agree on a new key. */
async function verifyPin(
  { pin }: Fido2Context,
  protocol: PinUvAuthProtocol,
  secret: SharedSecret,
  pinHashEnc: Uint8Array,
): Promise<void> {
  const guess = secret.decrypt(pinHashEnc);
  try {
    await pin.verify(guess, () => protocol.regenerate());
  } finally {
    if (guess !== undefined) wipe(guess);
  }
}

function requireAuthentic(secret: SharedSecret, message: Uint8Array, pinUvAuthParam: Uint8Array): void {
  if (!secret.isAuthentic(message, pinUvAuthParam)) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID);
}

async function withSecret<T>(
  protocol: PinUvAuthProtocol,
  peer: Parameters,
  use: (secret: SharedSecret) => Promise<T>,
): Promise<T> {
  const secret = protocol.decapsulate(peer);
  try {
    return await use(secret);
  } finally {
    secret.wipe();
  }
}

async function withNewPin(
  secret: SharedSecret,
  newPinEnc: Uint8Array,
  use: (padded: Uint8Array) => Promise<void>,
): Promise<void> {
  const padded = secret.decrypt(newPinEnc);
  if (padded === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "newPinEnc");
  try {
    await use(padded);
  } finally {
    wipe(padded);
  }
}
