// What an extension is made of. CTAP 2.3 §12; WebAuthn §9
//
// Its input is read with the rest of the request, so that a malformed one costs nobody a touch; what it does comes at
// §6.1.2 step 15 or §6.2.2 step 10, when it is known who is there. An extension that was not asked for says undefined.
import type { CborMap, CborValue } from "../../../src/cbor.ts";
import type { Fido2Context } from "../context.ts";
import type { Credential, CredentialTraits } from "../credential.ts";
import type { Parameters } from "../parameters.ts";

export interface Extension {
  readonly id: string;
  /** Reads the input of authenticatorMakeCredential. Throws CtapError when it is malformed. */
  parseRegistration?(inputs: Parameters): RegistrationStep | undefined;
  /** Reads the input of authenticatorGetAssertion. Throws CtapError when it is malformed. */
  parseAssertion?(inputs: Parameters): AssertionStep | undefined;
}

/** What is known at §6.1.2 step 15. */
export interface Registration {
  readonly context: Fido2Context;
  readonly rpId: string;
  readonly discoverable: boolean;
  readonly userVerified: boolean;
}

/** Runs before the credential is made. Throws CtapError. */
export type RegistrationStep = (registration: Registration) => RegistrationOutcome;

export interface RegistrationOutcome {
  /** What the credential is to remember. */
  readonly traits?: Partial<CredentialTraits>;
  /** The output in the authenticator data; undefined for none. */
  readonly output?: (credential: Credential) => CborValue;
  /** The output in unsignedExtensionOutputs. */
  readonly unsignedOutput?: CborValue;
}

/** What is known at §6.2.2 step 10. */
export interface AssertionRequest {
  readonly context: Fido2Context;
  /** Whether the "up" option was true: a touch was asked for. */
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  /** Whether the client named the credentials, or left it to us which there are. */
  readonly hasAllowList: boolean;
}

/** Runs once for a request, before any credential is chosen. Throws CtapError. */
export type AssertionStep = (request: AssertionRequest) => AssertionEvaluation;

/** Runs for each credential that is answered with: at getNextAssertion, again. */
export type AssertionEvaluation = (credential: Credential) => AssertionOutcome | Promise<AssertionOutcome>;

export interface AssertionOutcome {
  readonly output?: CborValue;
  readonly unsignedOutput?: CborValue;
  /** Members of the response itself, by their keys. */
  readonly members?: CborMap;
}
