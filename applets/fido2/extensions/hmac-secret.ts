// hmac-secret: HMACs under a secret of the credential, of one or two salts that only the platform knows; WebAuthn's prf
// is built on it. hmac-secret-mc gives the same already when the credential is made. CTAP 2.3 §12.7, §12.8
//
//   input    { 1: keyAgreement, 2: saltEnc, 3: saltAuth, 4: pinUvAuthProtocol, by default 1 }
//   output   encrypt(shared secret, HMAC(CredRandom, salt1) | HMAC(CredRandom, salt2)), CredRandom by the UV bit
import { concat } from "../../../src/bytes/concat.ts";
import { wipe } from "../../../src/bytes/wipe.ts";
import { hmacSha256 } from "../../../src/crypto/hash.ts";
import type { Fido2Context } from "../context.ts";
import type { Credential } from "../credential.ts";
import type { Parameters } from "../parameters.ts";
import { findProtocol } from "../pin-uv-auth.ts";
import { checkPeerTypes, type SharedSecret } from "../pin-uv-auth-protocol.ts";
import { CtapError, CtapStatus } from "../status.ts";
import type { Extension } from "./extension.ts";

const Input = { KEY_AGREEMENT: 1, SALT_ENC: 2, SALT_AUTH: 3, PIN_UV_AUTH_PROTOCOL: 4 } as const;

const SALT_LENGTH = 32;
const DEFAULT_PROTOCOL = 1;

export const hmacSecret: Extension = {
  id: "hmac-secret",
  /** Every credential has the secret: the answer says no more than that. */
  parseRegistration(inputs) {
    return inputs.optionalBoolean(this.id) === true ? () => ({ output: () => true }) : undefined;
  },
  parseAssertion(inputs) {
    const input = parseSaltInput(inputs, this.id);
    if (input === undefined) return undefined;
    return ({ context, userPresent, userVerified }) => {
      if (!userPresent) throw new CtapError(CtapStatus.CTAP2_ERR_UNSUPPORTED_OPTION, "hmac-secret without a touch");
      const salts = openSalts(context, input);
      return (credential) => ({ output: computeOutputs(salts, credential, userVerified) });
    };
  },
};

export const hmacSecretMc: Extension = {
  id: "hmac-secret-mc",
  parseRegistration(inputs) {
    const input = parseSaltInput(inputs, this.id);
    if (input === undefined) return undefined;
    if (inputs.optionalBoolean(hmacSecret.id) !== true) {
      throw new CtapError(CtapStatus.CTAP2_ERR_MISSING_PARAMETER, "hmac-secret-mc without hmac-secret");
    }
    return ({ context, userVerified }) => {
      const salts = openSalts(context, input);
      return {
        output: (credential) => {
          const output = computeOutputs(salts, credential, userVerified);
          salts.sharedSecret.wipe(); // a registration has one answer; that of an assertion may be asked for again
          return output;
        },
      };
    };
  },
};

interface SaltInput {
  readonly keyAgreement: Parameters;
  readonly saltEnc: Uint8Array;
  readonly saltAuth: Uint8Array;
  readonly protocol: number;
}

interface Salts {
  readonly sharedSecret: SharedSecret;
  readonly salts: readonly Uint8Array[];
}

function parseSaltInput(inputs: Parameters, id: string): SaltInput | undefined {
  const input = inputs.optionalMap(id);
  if (input === undefined) return undefined;
  const keyAgreement = input.map(Input.KEY_AGREEMENT);
  checkPeerTypes(keyAgreement);
  return {
    keyAgreement,
    saltEnc: Uint8Array.from(input.bytes(Input.SALT_ENC)),
    saltAuth: Uint8Array.from(input.bytes(Input.SALT_AUTH)),
    protocol: input.optionalInteger(Input.PIN_UV_AUTH_PROTOCOL) ?? DEFAULT_PROTOCOL,
  };
}

/** Throws INVALID_PARAMETER for a protocol, key or salt that is none, PIN_AUTH_INVALID for salts that someone changed. */
function openSalts(context: Fido2Context, { keyAgreement, saltEnc, saltAuth, protocol }: SaltInput): Salts {
  const sharedSecret = findProtocol(context, protocol).decapsulate(keyAgreement);
  if (!sharedSecret.isAuthentic(saltEnc, saltAuth)) {
    throw new CtapError(CtapStatus.CTAP2_ERR_PIN_AUTH_INVALID, "saltAuth");
  }
  const plaintext = sharedSecret.decrypt(saltEnc);
  if (plaintext?.length !== SALT_LENGTH && plaintext?.length !== 2 * SALT_LENGTH) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "a salt has 32 bytes, and there are one or two");
  }
  const salts = [plaintext.subarray(0, SALT_LENGTH), plaintext.subarray(SALT_LENGTH)];
  return { sharedSecret, salts: salts.filter((salt) => salt.length > 0) };
}

function computeOutputs({ sharedSecret, salts }: Salts, credential: Credential, userVerified: boolean): Uint8Array {
  const credRandom = credential.deriveCredRandom(userVerified);
  const outputs = concat(...salts.map((salt) => hmacSha256(credRandom, salt)));
  const encrypted = sharedSecret.encrypt(outputs);
  wipe(credRandom, outputs);
  return encrypted;
}
