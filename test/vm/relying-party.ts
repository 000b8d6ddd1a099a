/**
 * A relying party: makes the options, has the page call navigator.credentials, and lets @simplewebauthn/server verify what comes back.
 * The JSON forms of options and answers: Web Authentication Level 3 §5.1.8–§5.1.10.
 */
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
  type WebAuthnCredential,
} from "@simplewebauthn/server";
import { type Browser, origin, rpId } from "./browser.ts";

export interface RegistrationOptions {
  readonly userName: string;
  readonly resident: boolean;
  readonly userVerification: "discouraged" | "required";
  /** Asks whether the credential can do PRF. */
  readonly prf?: boolean;
}

export interface Registration {
  readonly credential: WebAuthnCredential;
  readonly userHandle: string;
  /** Of the attestation statement. */
  readonly format: string;
  readonly aaguid: string;
  readonly userVerified: boolean;
  readonly extensions: ExtensionResults;
}

export interface ExtensionResults {
  readonly credProps?: { readonly rk?: boolean };
  readonly prf?: { readonly enabled?: boolean; readonly results?: { readonly first: string } };
}

type Answer<Response> = Response & { readonly clientExtensionResults: ExtensionResults };
type RegistrationAnswer = Answer<Parameters<typeof verifyRegistrationResponse>[0]["response"]>;
type AuthenticationAnswer = Answer<Parameters<typeof verifyAuthenticationResponse>[0]["response"]>;

/** Registers by ES256, asking for the authenticator's own attestation. @throws when the page or the verification does */
export async function register(browser: Browser, options: RegistrationOptions): Promise<Registration> {
  const { userName, resident, userVerification, prf = false } = options;
  const asked = await generateRegistrationOptions({
    rpName: "Latchkey's tests",
    rpID: rpId,
    userName,
    userDisplayName: `${userName} of the tests`, // without one Chromium does not ask which account
    attestationType: "direct",
    supportedAlgorithmIDs: [-7],
    authenticatorSelection: { residentKey: resident ? "required" : "discouraged", userVerification },
  });
  const answer = await browser.call<RegistrationAnswer>(
    `const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(argument);
    return (await navigator.credentials.create({ publicKey })).toJSON();`,
    { ...asked, extensions: { credProps: true, ...(prf && { prf: {} }) } },
  );
  const { verified, registrationInfo } = await verifyRegistrationResponse({
    response: answer,
    expectedChallenge: asked.challenge,
    expectedOrigin: origin,
    expectedRPID: rpId,
    requireUserVerification: userVerification === "required",
  });
  if (!verified) throw new Error("the attestation does not verify");
  return {
    credential: registrationInfo.credential,
    userHandle: asked.user.id,
    format: registrationInfo.fmt,
    aaguid: registrationInfo.aaguid,
    userVerified: registrationInfo.userVerified,
    extensions: answer.clientExtensionResults,
  };
}

export interface LoginOptions {
  /** Names no credential: the key finds the user. */
  readonly discoverable: boolean;
  readonly userVerification: "discouraged" | "required";
  /** base64url, the input of PRF. */
  readonly prfInput?: string;
}

export interface Login {
  readonly userHandle: string | undefined;
  readonly userVerified: boolean;
  readonly counter: number;
  readonly extensions: ExtensionResults;
}

/** Logs in with a registered credential. @throws when the page or the verification does */
export async function logIn(browser: Browser, registration: Registration, options: LoginOptions): Promise<Login> {
  const { discoverable, userVerification, prfInput } = options;
  const { credential } = registration;
  const asked = await generateAuthenticationOptions({
    rpID: rpId,
    userVerification,
    ...(!discoverable && { allowCredentials: [{ id: credential.id, transports: ["usb"] }] }),
  });
  const answer = await browser.call<AuthenticationAnswer>(
    `const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(argument);
    return (await navigator.credentials.get({ publicKey })).toJSON();`,
    { ...asked, ...(prfInput !== undefined && { extensions: { prf: { eval: { first: prfInput } } } }) },
  );
  const { verified, authenticationInfo } = await verifyAuthenticationResponse({
    response: answer,
    expectedChallenge: asked.challenge,
    expectedOrigin: origin,
    expectedRPID: rpId,
    credential,
    requireUserVerification: userVerification === "required",
  });
  if (!verified) throw new Error("the assertion does not verify");
  return {
    userHandle: answer.response.userHandle,
    userVerified: authenticationInfo.userVerified,
    counter: authenticationInfo.newCounter,
    extensions: answer.clientExtensionResults,
  };
}
