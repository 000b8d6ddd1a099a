// authenticatorConfig (0x0D): what a platform may set of this key. CTAP 2.3 §6.11
import { concat } from "../../src/bytes/concat.ts";
import { sliceCborMember } from "../../src/cbor.ts";
import type { Fido2Context } from "./context.ts";
import { Parameters } from "./parameters.ts";
import { PERSISTENT_TOKEN } from "./persistent-token.ts";
import { MAX_PIN_LENGTH } from "./pin-policy.ts";
import { isProtected, parsePinUvAuth, verifyPinUvAuthParam } from "./pin-uv-auth.ts";
import { Permission } from "./pin-uv-auth-token.ts";
import type { SettingValues } from "./settings.ts";
import { CtapError, CtapStatus } from "./status.ts";

const Request = {
  SUB_COMMAND: 0x01,
  SUB_COMMAND_PARAMS: 0x02,
  PIN_UV_AUTH_PROTOCOL: 0x03,
  PIN_UV_AUTH_PARAM: 0x04,
} as const;

/** vendorPrototype (0xFF) is not implemented, and getInfo has no vendorPrototypeConfigCommands. */
const ConfigSubCommand = {
  ENABLE_ENTERPRISE_ATTESTATION: 0x01,
  TOGGLE_ALWAYS_UV: 0x02,
  SET_MIN_PIN_LENGTH: 0x03,
  ENABLE_LONG_TOUCH_FOR_RESET: 0x04,
} as const;
type ConfigSubCommand = (typeof ConfigSubCommand)[keyof typeof ConfigSubCommand];

/** getInfo's authenticatorConfigCommands. */
export const configSubCommands: readonly ConfigSubCommand[] = Object.values(ConfigSubCommand);

/** Subcommand parameters of setMinPINLength. §6.11.4 */
const MinPinLength = {
  NEW_MIN_PIN_LENGTH: 0x01,
  MIN_PIN_LENGTH_RP_IDS: 0x02,
  FORCE_CHANGE_PIN: 0x03,
  PIN_COMPLEXITY_POLICY: 0x04,
} as const;

/** getInfo's maxRPIDsForSetMinPINLength. */
export const MAX_MIN_PIN_LENGTH_RP_IDS = 32;

const COMMAND = 0x0d;
const PREFIX = new Uint8Array(32).fill(0xff);

function isSubCommand(subCommand: number): subCommand is ConfigSubCommand {
  return (configSubCommands as readonly number[]).includes(subCommand);
}

export async function config(context: Fido2Context, data: Uint8Array): Promise<undefined> {
  const parameters = Parameters.parse(data);
  // Steps 1 to 3.
  const subCommand = parameters.integer(Request.SUB_COMMAND);
  if (!isSubCommand(subCommand)) throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_SUBCOMMAND);
  const subCommandParams = parameters.optionalMap(Request.SUB_COMMAND_PARAMS);
  const auth = parsePinUvAuth(parameters, Request.PIN_UV_AUTH_PARAM, Request.PIN_UV_AUTH_PROTOCOL);

  // Step 4. A key that has neither a PIN nor alwaysUv is open to whoever holds it.
  if (isProtected(context) || context.settings.alwaysUv) {
    if (auth.param === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_PUAT_REQUIRED);
    const encodedParams = sliceCborMember(data, Request.SUB_COMMAND_PARAMS);
    const message = concat(PREFIX, Uint8Array.of(COMMAND, subCommand), encodedParams);
    verifyPinUvAuthParam(context, auth, message, Permission.AUTHENTICATOR_CONFIGURATION);
  }

  // Step 5.
  switch (subCommand) {
    case ConfigSubCommand.ENABLE_ENTERPRISE_ATTESTATION: // §6.11.1
      return context.settings.change({ enterpriseAttestation: true }).then(() => undefined);
    case ConfigSubCommand.TOGGLE_ALWAYS_UV: // §6.11.2
      return context.settings.change({ alwaysUv: !context.settings.alwaysUv }).then(() => undefined);
    case ConfigSubCommand.SET_MIN_PIN_LENGTH:
      return setMinPinLength(context, subCommandParams ?? new Parameters(new Map()));
    case ConfigSubCommand.ENABLE_LONG_TOUCH_FOR_RESET: // §6.11.5
      return context.settings.change({ longTouchForReset: true }).then(() => undefined);
  }
}

/** §6.11.4. The minimum only ever grows; a reset takes it back. */
async function setMinPinLength({ settings, pin, token }: Fido2Context, parameters: Parameters): Promise<undefined> {
  const minPinLength = parameters.optionalInteger(MinPinLength.NEW_MIN_PIN_LENGTH) ?? settings.minPinLength;
  const rpIds = parameters.optionalTexts(MinPinLength.MIN_PIN_LENGTH_RP_IDS);
  const forceChangePin = parameters.optionalBoolean(MinPinLength.FORCE_CHANGE_PIN) ?? false;
  const pinComplexity = parameters.optionalBoolean(MinPinLength.PIN_COMPLEXITY_POLICY) ?? false;

  if (minPinLength < settings.minPinLength || minPinLength > MAX_PIN_LENGTH) {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_POLICY_VIOLATION, "newMinPINLength");
  }
  if (rpIds !== undefined && rpIds.length > MAX_MIN_PIN_LENGTH_RP_IDS) {
    throw new CtapError(CtapStatus.CTAP2_ERR_KEY_STORE_FULL, "minPinLengthRPIDs");
  }
  if (forceChangePin && !pin.isSet) throw new CtapError(CtapStatus.CTAP2_ERR_PIN_NOT_SET);

  // A PIN that the new rules would not let pass has to go.
  const isOutruled = pin.isSet && (pin.codePoints < minPinLength || (pinComplexity && !pin.isComplex));
  const mustChangePin = forceChangePin || isOutruled;
  const changes: Partial<SettingValues> = {
    minPinLength,
    ...(rpIds === undefined ? {} : { minPinLengthRpIds: [...rpIds] }),
    ...(pinComplexity ? { pinComplexity: true } : {}),
    ...(mustChangePin ? { forcePinChange: true } : {}),
  };
  // §6.5.5.6 ends the persistent token only when the PIN is changed; until then nobody should read on by a PIN that has to go.
  await settings.change(changes, mustChangePin ? { [PERSISTENT_TOKEN]: null } : {});
  if (settings.forcePinChange) token.stopUsing();
}
