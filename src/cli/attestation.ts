// `latchkey attestation …` and `latchkey metadata`: for people who test a relying party's attestation code.
import { existsSync, writeFileSync } from "node:fs";
import type { AttestationRequest, AttestationSummary } from "../control/attestation-messages.ts";
import { findRunningKeys } from "../control/running-keys.ts";
import { type KeyOptions, withKey, withNewKey } from "./choose-key.ts";
import { Failure, systemCode } from "./failure.ts";
import type { Surroundings } from "./open-store.ts";
import type { Print } from "./output.ts";
import { defaultStorePath } from "./store-location.ts";

export interface AttestationOutput {
  /** Where the authority's certificate goes; it is printed unless given. */
  readonly caFile?: string;
  readonly json: boolean;
}

export interface AttestationCreateOptions extends KeyOptions, AttestationOutput {
  readonly enterprise: boolean;
  readonly rpId?: readonly string[];
  readonly country?: string;
  readonly organization?: string;
  readonly replace: boolean;
}

export function attestationCreate(
  options: AttestationCreateOptions,
  around: Surroundings,
  print: Print,
): Promise<void> {
  const { rpId, country, organization, replace } = options;
  const request: AttestationRequest = {
    kind: options.enterprise ? "enterprise" : "batch",
    replace,
    ...(rpId === undefined ? {} : { rpIds: rpId }),
    ...(country === undefined ? {} : { country }),
    ...(organization === undefined ? {} : { organization }),
  };
  return withKey(options, around, async (key) => {
    const summary = await key.attestation.create(request);
    if (!options.json) print(`This key has ${article(request.kind)} attestation certificate from now on.`);
    output(summary, options, print);
  });
}

export function attestationShow(
  options: KeyOptions & AttestationOutput,
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => output(await key.attestation.show(), options, print));
}

export function attestationRemove(
  options: KeyOptions & Pick<AttestationOutput, "json">,
  around: Surroundings,
  print: Print,
): Promise<void> {
  return withKey(options, around, async (key) => {
    await key.attestation.remove();
    output(await key.attestation.show(), options, print);
  });
}

/** Of the key that the options name; where there is none at all, of one as `latchkey serve` would make it. */
export async function metadata(options: KeyOptions, around: Surroundings, print: Print): Promise<void> {
  const { control, store } = options;
  const isNamed = control !== undefined || store !== undefined;
  const isThere = isNamed || existsSync(defaultStorePath(around.env)) || (await findRunningKeys(around.env)).length > 0;
  const statement = isThere
    ? await withKey(options, around, (key) => key.fido.metadata())
    : await withNewKey(options, (key) => key.fido.metadata());
  print(JSON.stringify(statement, undefined, 2));
}

function output(summary: AttestationSummary, { caFile, json }: AttestationOutput, print: Print): void {
  const { authority } = summary;
  if (caFile !== undefined && authority !== null) writeCertificate(caFile, authority);
  if (json) print(JSON.stringify(summary));
  else if (authority === null) print("This key has no attestation certificates; registrations attest for themselves.");
  else {
    print(`Certificates: ${kindsOf(summary).join(" and ")}.`);
    if (summary.enterpriseRpIds.length > 0) print(`By their own word to: ${summary.enterpriseRpIds.join(", ")}.`);
    print(
      caFile === undefined
        ? "The authority that a relying party has to trust:"
        : `The authority's certificate is in ${caFile}.`,
    );
    if (caFile === undefined) print(authority.trimEnd());
  }
}

function kindsOf({ batch, enterprise }: AttestationSummary): string[] {
  return [...(batch === null ? [] : ["batch"]), ...(enterprise === null ? [] : ["enterprise"])];
}

function article(kind: AttestationRequest["kind"]): string {
  return kind === "batch" ? "a batch" : "an enterprise";
}

function writeCertificate(path: string, pem: string): void {
  try {
    writeFileSync(path, pem);
  } catch (error) {
    throw new Failure(`The certificate cannot be written to ${path} (${systemCode(error)}).`, { cause: error });
  }
}
