// Which extensions this key has, and running those that a request asks for. Unknown ones are ignored, as CTAP 2.3
// §6.1.2 step 15 and §6.2.2 step 10 want it: none is ever half done.
import type { CborMap, CborValue } from "../../../src/cbor.ts";
import type { Fido2Options } from "../context.ts";
import type { Credential, CredentialTraits } from "../credential.ts";
import type { Parameters } from "../parameters.ts";
import { credBlob } from "./cred-blob.ts";
import { credProtect } from "./cred-protect.ts";
import type {
  AssertionEvaluation,
  AssertionRequest,
  AssertionStep,
  Extension,
  Registration,
  RegistrationOutcome,
  RegistrationStep,
} from "./extension.ts";
import { hmacSecret, hmacSecretMc } from "./hmac-secret.ts";
import { largeBlob } from "./large-blob.ts";
import { largeBlobKey } from "./large-blob-key.ts";
import { minPinLength, pinComplexityPolicy } from "./pin-policy.ts";
import { thirdPartyPayment } from "./third-party-payment.ts";
import { uvm } from "./uvm.ts";

type LargeBlobOption = Pick<Fido2Options, "largeBlob">;

function extensionsOf(options: LargeBlobOption): readonly Extension[] {
  return [
    credBlob,
    credProtect,
    hmacSecret,
    hmacSecretMc,
    options.largeBlob === "extension" ? largeBlob : largeBlobKey, // never both: §12.4
    minPinLength,
    pinComplexityPolicy,
    thirdPartyPayment,
    uvm,
  ];
}

/** getInfo's extensions. */
export function listExtensions(options: LargeBlobOption): readonly string[] {
  return extensionsOf(options).map(({ id }) => id);
}

interface Asked<Step> {
  readonly id: string;
  readonly step: Step;
}

export type AskedRegistrationExtensions = readonly Asked<RegistrationStep>[];
export type AskedAssertionExtensions = readonly Asked<AssertionStep>[];

/** The extensions of a registration that were asked for. Throws CtapError for a malformed input. */
export function parseRegistrationExtensions(
  options: LargeBlobOption,
  inputs: Parameters | undefined,
): AskedRegistrationExtensions {
  if (inputs === undefined) return [];
  return extensionsOf(options).flatMap((extension) => {
    const step = extension.parseRegistration?.(inputs);
    return step === undefined ? [] : [{ id: extension.id, step }];
  });
}

/** The extensions of an assertion that were asked for. Throws CtapError for a malformed input. */
export function parseAssertionExtensions(
  options: LargeBlobOption,
  inputs: Parameters | undefined,
): AskedAssertionExtensions {
  if (inputs === undefined) return [];
  return extensionsOf(options).flatMap((extension) => {
    const step = extension.parseAssertion?.(inputs);
    return step === undefined ? [] : [{ id: extension.id, step }];
  });
}

/** Outputs by extension id; undefined when there are none. */
export interface ExtensionOutputs {
  /** In the authenticator data, and so signed. */
  readonly signed: CborMap | undefined;
  /** unsignedExtensionOutputs. */
  readonly unsigned: CborMap | undefined;
}

export interface RegistrationExtensions {
  readonly traits: Partial<CredentialTraits>;
  computeOutputs(credential: Credential): ExtensionOutputs;
}

/** §6.1.2 step 15, up to what needs the credential. Throws CtapError. */
export function processRegistrationExtensions(
  asked: AskedRegistrationExtensions,
  registration: Registration,
): RegistrationExtensions {
  const outcomes = asked.map(({ id, step }): readonly [string, RegistrationOutcome] => [id, step(registration)]);
  return {
    traits: Object.assign({}, ...outcomes.map(([, { traits }]) => traits)) as Partial<CredentialTraits>,
    computeOutputs: (credential) => ({
      signed: mapOf(outcomes.map(([id, { output }]) => [id, output?.(credential)])),
      unsigned: mapOf(outcomes.map(([id, { unsignedOutput }]) => [id, unsignedOutput])),
    }),
  };
}

export interface AssertionOutputs extends ExtensionOutputs {
  /** Members of the response, by their keys. */
  readonly members: readonly (readonly [CborValue, CborValue])[];
}

export interface AssertionExtensions {
  computeOutputs(credential: Credential): Promise<AssertionOutputs>;
}

/** §6.2.2 step 10, up to what needs the credential. Throws CtapError. */
export function processAssertionExtensions(
  asked: AskedAssertionExtensions,
  request: AssertionRequest,
): AssertionExtensions {
  const evaluations = asked.map(({ id, step }): readonly [string, AssertionEvaluation] => [id, step(request)]);
  return {
    async computeOutputs(credential) {
      const signed: [string, CborValue][] = [];
      const unsigned: [string, CborValue][] = [];
      const members: (readonly [CborValue, CborValue])[] = [];
      for (const [id, evaluate] of evaluations) {
        const outcome = await evaluate(credential);
        signed.push([id, outcome.output]);
        unsigned.push([id, outcome.unsignedOutput]);
        members.push(...(outcome.members ?? []));
      }
      return { signed: mapOf(signed), unsigned: mapOf(unsigned), members };
    },
  };
}

function mapOf(entries: readonly (readonly [string, CborValue])[]): CborMap | undefined {
  const present = entries.filter(([, value]) => value !== undefined);
  return present.length === 0 ? undefined : new Map<CborValue, CborValue>(present);
}
