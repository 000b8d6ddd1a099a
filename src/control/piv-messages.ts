// What the owner of a key may ask of its PIV application.

export interface PivReferenceSummary {
  readonly triesLeft: number;
  readonly maxTries: number;
  /** Still the one that everybody knows. */
  readonly isDefault: boolean;
}

export interface PivKeySummary {
  /** "9a" */
  readonly slot: string;
  /** "RSA 2048", "ECC P-256", …; null when there is only a certificate. */
  readonly algorithm: string | null;
  readonly pinPolicy: "never" | "once" | "always" | null;
  readonly touchPolicy: "never" | "always" | "cached" | null;
  readonly origin: "generated" | "imported" | null;
  /** Whether there is a certificate for the slot, and whose: its common name. */
  readonly hasCertificate: boolean;
  readonly certificateName: string | null;
}

export interface PivInfo {
  readonly pin: PivReferenceSummary;
  readonly puk: PivReferenceSummary;
  readonly managementKey: {
    readonly algorithm: "3DES" | "AES-128" | "AES-192" | "AES-256";
    readonly isDefault: boolean;
    readonly touch: boolean;
  };
  /** Those slots where something is. */
  readonly slots: readonly PivKeySummary[];
  /** How many data objects there are, certificates included. */
  readonly objects: number;
}

export interface PivOwner {
  info(): Promise<PivInfo>;
  /** Erases keys, certificates and objects, and brings PIN, PUK and management key back; the attestation key stays. */
  reset(): Promise<void>;
}
