// What the owner of a key may ask of its OpenPGP card. No key and no password ever goes out.

export const OPENPGP_KEYS = ["sig", "dec", "aut", "att"] as const;
export type OpenPgpKeyName = (typeof OPENPGP_KEYS)[number];

/** In the order of their values in a UIF data object. */
export const OPENPGP_TOUCH_POLICIES = ["off", "on", "fixed", "cached", "cached-fixed"] as const;
export type OpenPgpTouchPolicy = (typeof OPENPGP_TOUCH_POLICIES)[number];

export interface OpenPgpKeySummary {
  readonly key: OpenPgpKeyName;
  readonly status: "none" | "generated" | "imported";
  /** "RSA 2048", "Ed25519", "brainpoolP256r1", …: of the key, or what the next one will be. */
  readonly algorithm: string;
  /** 40 hexadecimal digits, or null while the host has put none. */
  readonly fingerprint: string | null;
  /** ISO 8601, UTC, or null. */
  readonly generated: string | null;
  readonly touch: OpenPgpTouchPolicy;
}

export interface OpenPgpInfo {
  readonly serial: string;
  /** The 16 bytes of the AID in hexadecimal: GnuPG's "Application ID". */
  readonly aid: string;
  /** "3.4": of the specification. */
  readonly version: string;
  /** Terminated, it is not to be used until it is activated. */
  readonly terminated: boolean;
  readonly cardholder: string;
  readonly login: string;
  readonly url: string;
  /** How many tries are left; no resetting code has none. */
  readonly tries: { readonly pw1: number; readonly resettingCode: number; readonly pw3: number };
  /** Whether PW1 is asked for before each signature. */
  readonly signaturePinForced: boolean;
  /** Whether passwords are hashed by the host. */
  readonly kdf: boolean;
  readonly signatures: number;
  readonly keys: readonly OpenPgpKeySummary[];
}

export interface OpenPgpTouchRequest {
  readonly key: OpenPgpKeyName;
  readonly policy: OpenPgpTouchPolicy;
}

export interface OpenPgpOwner {
  info(): Promise<OpenPgpInfo>;
  /** Fixed policies can be changed by nobody but a reset. */
  setTouch(request: OpenPgpTouchRequest): Promise<OpenPgpInfo>;
  /** Erases keys, data objects and passwords. */
  reset(): Promise<void>;
}
