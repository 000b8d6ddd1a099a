// Who a request comes from: its pinUvAuthParam, its "uv" option, and what the key's own settings ask for. The steps that
// authenticatorMakeCredential and authenticatorGetAssertion have in common. CTAP 2.3 §6.1.2 and §6.2.2
import type { PresencePrompt } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import type { Parameters } from "./parameters.ts";
import type { PinUvAuthProtocol } from "./pin-uv-auth-protocol.ts";
import { Permission } from "./pin-uv-auth-token.ts";
import { CtapError, CtapStatus } from "./status.ts";
import { askForUserPresence, requireUserPresence } from "./user-presence.ts";
import { hasBuiltInUv, performBuiltInUv } from "./user-verification.ts";

/** The parameter pair of a request, by its two keys, which differ from command to command. */
export interface PinUvAuth {
  readonly param: Uint8Array | undefined;
  readonly protocol: number | undefined;
}

type Prompt = Omit<PresencePrompt, "applet">;

export function parsePinUvAuth(parameters: Parameters, paramKey: number, protocolKey: number): PinUvAuth {
  return { param: parameters.optionalBytes(paramKey), protocol: parameters.optionalInteger(protocolKey) };
}

/** The protocol of a number. Throws MISSING_PARAMETER for none and INVALID_PARAMETER for one that is not supported. */
export function findProtocol({ protocols }: Fido2Context, number: number | undefined): PinUvAuthProtocol {
  if (number === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_MISSING_PARAMETER, "pinUvAuthProtocol");
  const protocol = protocols.get(number);
  if (protocol === undefined) throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "pinUvAuthProtocol");
  return protocol;
}

/** "Protected by some form of user verification": a PIN is set, or there is a built-in method. */
export function isProtected(context: Fido2Context): boolean {
  return context.pin.isSet || hasBuiltInUv(context);
}

/**
 * Steps 1 and 2 of both commands. A zero-length pinUvAuthParam means "blink, and say whether a PIN is set": platforms
 * let a person choose among several keys with it, whether or not a key has a PIN.
 */
export async function checkPinUvAuth(context: Fido2Context, transport: Transport, auth: PinUvAuth): Promise<void> {
  if (auth.param === undefined) return;
  if (auth.param.length === 0) {
    await requireUserPresence(context, transport, { action: "select this key" });
    const status = context.pin.isSet ? CtapStatus.CTAP2_ERR_PIN_INVALID : CtapStatus.CTAP2_ERR_PIN_NOT_SET;
    throw new CtapError(status, "the key was selected");
  }
  findProtocol(context, auth.protocol);
}

/**
 * Verifies a pinUvAuthParam over `message` with the token in use. Throws PIN_AUTH_INVALID unless the token has the
 * permission. What a token is bound to is the caller's to check: it differs from command to command.
 */
export function verifyPinUvAuthParam(
  context: Fido2Context,
  auth: PinUvAuth,
  message: Uint8Array,
  permission: number,
): void {
  const protocol = findProtocol(context, auth.protocol);
  const token = context.token.valueFor(protocol.version);
  if (auth.param === undefined || token === undefined || !protocol.isAuthentic(token, message, auth.param)) {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "pinUvAuthParam");
  }
  if (!context.token.hasPermission(permission)) {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "the token has not this permission");
  }
  context.token.markUsed();
}

/** What authenticatorMakeCredential and authenticatorGetAssertion know of a request when they ask for its user. */
export interface UserVerificationRequest {
  readonly command: "makeCredential" | "getAssertion";
  readonly rpId: string;
  readonly clientDataHash: Uint8Array;
  readonly pinUvAuth: PinUvAuth;
  readonly options: { readonly rk: boolean; readonly up: boolean; readonly uv: boolean | undefined };
}

/** How the user of a request is to be verified. */
export type UserVerificationMethod = "token" | "built-in" | "none";

/**
 * §6.1.2 steps 5.1 to 5.3, 6 to 8 and 10, §6.2.2 steps 4.1 to 4.3 and 5: which method the request and the settings ask
 * for. Throws INVALID_OPTION for a "uv" that there is no method for, and PUAT_REQUIRED or OPERATION_DENIED for a request
 * that would have to come with more.
 */
export function chooseUserVerification(
  context: Fido2Context,
  request: UserVerificationRequest,
): UserVerificationMethod {
  const { options, command } = request;
  const { alwaysUv } = context.settings;
  const hasParam = request.pinUvAuth.param !== undefined;
  const builtIn = hasBuiltInUv(context);
  const userProtected = isProtected(context);
  let uv = !hasParam && options.uv === true;
  if (uv && !builtIn) throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_OPTION, "uv");

  // Steps 6 and 5. An assertion without a touch is exempt: platforms look for credentials with it.
  if (alwaysUv && (command === "makeCredential" || options.up)) {
    if (!userProtected) throw new CtapError(CtapStatus.CTAP2_ERR_PUAT_REQUIRED, "alwaysUv, and no PIN is set");
    if (!hasParam) uv ||= builtIn;
    if (!hasParam && !uv) throw new CtapError(CtapStatus.CTAP2_ERR_PUAT_REQUIRED, "alwaysUv");
  }

  // §6.1.2 steps 7 and 8. makeCredUvNotRqd, which alwaysUv turns off, is for credentials that are not discoverable.
  if (command === "makeCredential" && userProtected && !uv && !hasParam && (options.rk || alwaysUv)) {
    const { isSet } = context.pin;
    throw new CtapError(isSet ? CtapStatus.CTAP2_ERR_PUAT_REQUIRED : CtapStatus.CTAP2_ERR_OPERATION_DENIED);
  }

  // Steps 11 and 6 begin with "if the authenticator is protected": otherwise a pinUvAuthParam proves nothing.
  if (hasParam) return userProtected ? "token" : "none";
  return uv ? "built-in" : "none";
}

/** What is known of the person after §6.1.2 step 11, §6.2.2 step 6. */
export interface UserEvidence {
  /** The "uv" bit of the response. */
  readonly userVerified: boolean;
  /** Whether a test of presence is done already: by the verification itself, or when the token was handed out. */
  readonly userPresent: boolean;
}

/**
 * §6.1.2 step 11, §6.2.2 step 6: verifies the user by the chosen method. Throws PIN_AUTH_INVALID for a pinUvAuthParam that
 * does not hold; for a failed built-in verification USER_ACTION_TIMEOUT, PUAT_REQUIRED, PIN_BLOCKED or OPERATION_DENIED.
 * `prompt` is what the person is shown.
 */
export async function verifyUser(
  context: Fido2Context,
  transport: Transport,
  method: UserVerificationMethod,
  request: UserVerificationRequest,
  prompt: Prompt,
): Promise<UserEvidence> {
  switch (method) {
    case "none":
      return { userVerified: false, userPresent: false };
    case "built-in":
      await requireBuiltInUv(context, transport, prompt);
      return { userVerified: true, userPresent: true };
    case "token":
      verifyToken(context, request);
      return { userVerified: true, userPresent: context.token.isUserPresent };
  }
}

function verifyToken(context: Fido2Context, request: UserVerificationRequest): void {
  const { token } = context;
  const permission = request.command === "makeCredential" ? Permission.MAKE_CREDENTIAL : Permission.GET_ASSERTION;
  verifyPinUvAuthParam(context, request.pinUvAuth, request.clientDataHash, permission);
  if (token.rpId !== undefined && token.rpId !== request.rpId) {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "the token is for another relying party");
  }
  if (!token.isUserVerified) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "nobody was verified");
  token.bindTo(request.rpId);
}

async function requireBuiltInUv(context: Fido2Context, transport: Transport, prompt: Prompt): Promise<void> {
  const outcome = await performBuiltInUv(context, transport, prompt);
  switch (outcome) {
    case "verified":
      return;
    case "timeout":
      throw new CtapError(CtapStatus.CTAP2_ERR_USER_ACTION_TIMEOUT);
    case "cancelled":
      throw new CtapError(CtapStatus.CTAP2_ERR_KEEPALIVE_CANCEL);
    case "blocked":
    case "denied":
      // The platform goes on with the PIN where there is one.
      if (context.pin.isSet) throw new CtapError(CtapStatus.CTAP2_ERR_PUAT_REQUIRED, "no verification but the PIN");
      if (outcome === "denied") throw new CtapError(CtapStatus.CTAP2_ERR_OPERATION_DENIED);
      throw new CtapError(CtapStatus.CTAP2_ERR_PIN_BLOCKED, "no uvRetries are left");
  }
}

/**
 * §6.1.2 step 14, §6.2.2 step 9: a test of presence unless there was one, after which the token has done its work for one
 * credential. Throws like requireUserPresence.
 */
export async function collectUserPresence(
  context: Fido2Context,
  transport: Transport,
  evidence: UserEvidence,
  prompt: Prompt,
): Promise<void> {
  if (!evidence.userPresent) await requireUserPresence(context, transport, prompt);
  context.token.spend();
}

/** §6.1.2 step 12: the touch before CREDENTIAL_EXCLUDED; the answer is the same whether or not it is given. */
export async function throwCredentialExcluded(
  context: Fido2Context,
  transport: Transport,
  evidence: UserEvidence,
  prompt: Prompt,
): Promise<never> {
  const outcome = evidence.userPresent ? "granted" : await askForUserPresence(context, transport, prompt);
  const cancelled = outcome === "cancelled";
  throw new CtapError(cancelled ? CtapStatus.CTAP2_ERR_KEEPALIVE_CANCEL : CtapStatus.CTAP2_ERR_CREDENTIAL_EXCLUDED);
}
