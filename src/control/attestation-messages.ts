// What the owner of a key may ask of the certificates with which it attests. No private key ever goes out.

export interface AttestationRequest {
  readonly kind: "batch" | "enterprise";
  /** Enterprise: the relying parties that get it by their own word. */
  readonly rpIds?: readonly string[];
  /** Of the authority, when it is made; two letters. */
  readonly country?: string;
  readonly organization?: string;
  /** Replace a certificate of that kind. */
  readonly replace?: boolean;
}

/** Certificates in PEM; null where there is none. */
export interface AttestationSummary {
  readonly authority: string | null;
  readonly batch: string | null;
  readonly enterprise: string | null;
  readonly enterpriseRpIds: readonly string[];
}

export interface AttestationOwner {
  show(): Promise<AttestationSummary>;
  create(request: AttestationRequest): Promise<AttestationSummary>;
  /** From then on registrations attest for themselves again. */
  remove(): Promise<void>;
}
