// The certificates with which a key attests, for people who test a relying party's attestation code: made, shown and
// taken away again by the owner of the store.
import { createAuthority, issueAttestation } from "../../applets/fido2/attestation-authority.ts";
import {
  type AttestationKey,
  type AttestationKind,
  encodeAttestationRecord,
  keyOfAttestation,
  loadAttestation,
} from "../../applets/fido2/attestation-store.ts";
import { fromHex } from "../bytes/hex.ts";
import { encodeCertificatePem, subjectAttribute } from "../crypto/certificate-text.ts";
import type { Platform } from "../platform.ts";
import type { AttestationOwner, AttestationRequest, AttestationSummary } from "./attestation-messages.ts";
import { Refusal } from "./refusal.ts";

/** Antarctica: a name has to have a country, and no manufacturer sits there. */
const DEFAULT_COUNTRY = "AQ";
const DEFAULT_ORGANIZATION = "Latchkey test";
/** RFC 5280 Appendix A.1, ub-organization-name. */
const MAX_ORGANIZATION = 64;
const KINDS: readonly AttestationKind[] = ["authority", "batch", "enterprise"];

export class AttestationAdministration implements AttestationOwner {
  readonly #serial: string;
  readonly #platform: Platform;
  readonly #today: () => Date;

  /** `today`: the time of day, for the certificates. */
  constructor(serial: string, platform: Platform, today: () => Date = () => new Date()) {
    this.#serial = serial;
    this.#platform = platform;
    this.#today = today;
  }

  async show(): Promise<AttestationSummary> {
    const pem = (kind: AttestationKind) => {
      const certificate = loadAttestation(this.#platform, kind)?.certificates[0];
      return certificate === undefined ? null : encodeCertificatePem(certificate);
    };
    const enterpriseRpIds = loadAttestation(this.#platform, "enterprise")?.rpIds ?? [];
    return { authority: pem("authority"), batch: pem("batch"), enterprise: pem("enterprise"), enterpriseRpIds };
  }

  /** Makes the authority too when there is none yet; one store has one. All in one commit. */
  async create(request: AttestationRequest): Promise<AttestationSummary> {
    const { kind, rpIds = [], replace = false } = request;
    if (kind === "batch" && rpIds.length > 0) {
      throw new Refusal("bad-request", "Only an enterprise certificate is for some relying parties: add --enterprise.");
    }
    if (!replace && loadAttestation(this.#platform, kind) !== undefined) {
      throw new Refusal("attestation-exists", `There is a ${kind} certificate already: replace it with --replace.`);
    }
    const notBefore = `${this.#today().toISOString().slice(0, 19)}Z`;
    const known = loadAttestation(this.#platform, "authority");
    const names = known === undefined ? checkedNames(request) : namesOf(known, request);
    const authority = known ?? createAuthority(this.#platform, { ...names, notBefore });
    const issued = issueAttestation(this.#platform, authority, {
      ...names,
      notBefore,
      ...(kind === "enterprise" ? { serialNumber: fromHex(this.#serial), rpIds } : {}),
    });
    await this.#platform.store.commit({
      [keyOfAttestation("authority")]: encodeAttestationRecord(authority),
      [keyOfAttestation(kind)]: encodeAttestationRecord(issued),
    });
    this.#platform.log.info(`the owner made a certificate for ${kind} attestation`);
    return this.show();
  }

  async remove(): Promise<void> {
    await this.#platform.store.commit(Object.fromEntries(KINDS.map((kind) => [keyOfAttestation(kind), null])));
    this.#platform.log.info("the owner removed the attestation certificates");
  }
}

/** In DER: what a relying party has to trust; none while registrations attest for themselves. */
export function listAttestationRoots(platform: Platform): readonly Uint8Array[] {
  if (loadAttestation(platform, "batch") === undefined) return [];
  return loadAttestation(platform, "authority")?.certificates.slice(0, 1) ?? [];
}

interface Names {
  readonly country: string;
  readonly organization: string;
}

function checkedNames({ country = DEFAULT_COUNTRY, organization = DEFAULT_ORGANIZATION }: AttestationRequest): Names {
  if (!/^[A-Z]{2}$/.test(country)) {
    throw new Refusal("bad-request", "A country is two capital letters, as ISO 3166 has them.");
  }
  if (organization.length < 1 || organization.length > MAX_ORGANIZATION) {
    throw new Refusal("bad-request", `The name of an organization has 1 to ${MAX_ORGANIZATION} characters.`);
  }
  return { country, organization };
}

/** The names of an authority that exists; throws Refusal when others are asked for. */
function namesOf({ certificates }: AttestationKey, request: AttestationRequest): Names {
  const certificate = certificates[0] ?? new Uint8Array(0);
  const country = subjectAttribute(certificate, "C") ?? "";
  const organization = subjectAttribute(certificate, "O") ?? "";
  const { country: otherCountry = country, organization: otherOrganization = organization } = request;
  if (otherCountry !== country || otherOrganization !== organization) {
    throw new Refusal(
      "attestation-exists",
      `The authority of this key is ${organization}, ${country}: remove it first with "latchkey attestation remove".`,
    );
  }
  return { country, organization };
}
