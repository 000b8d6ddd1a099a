// What the owner of a key may ask of its OATH accounts. No secret ever goes out.

export interface OathAccountSummary {
  /** As on the card: [period "/"] [issuer ":"] account. */
  readonly name: string;
  readonly issuer: string | null;
  readonly account: string;
  readonly type: "hotp" | "totp" | "reverse-hotp";
  readonly algorithm: "SHA1" | "SHA256" | "SHA512";
  readonly digits: number;
  /** In seconds; null for those that count. */
  readonly period: number | null;
  readonly touch: boolean;
}

export interface OathAddRequest {
  /** otpauth://… */
  readonly uri: string;
  /** Each code is to want a touch. */
  readonly touch?: boolean;
  /** Replace an account of that name. */
  readonly replace?: boolean;
}

export interface OathCode {
  readonly name: string;
  readonly code: string;
  /** ISO 8601, UTC; null for HOTP, whose codes last until the next one. */
  readonly validUntil: string | null;
}

export interface OathOwner {
  /** Oldest first. */
  list(): Promise<readonly OathAccountSummary[]>;
  add(request: OathAddRequest): Promise<OathAccountSummary>;
  /**
   * `name`: whole, or a part that only one account has. Waits for the touch where one is wanted, unless `signal` aborts:
   * the one who asks has gone.
   */
  code(name: string, signal?: AbortSignal): Promise<OathCode>;
  /** `name`: whole. Returns what was deleted. */
  delete(name: string): Promise<OathAccountSummary>;
  /** Erases the accounts and the access code. */
  reset(): Promise<void>;
}
