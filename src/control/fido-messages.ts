// What the owner of a key may ask of its FIDO2. No PIN and no credential's key ever goes out.

/** PIN retries and rules, and what authenticatorGetInfo says. */
export interface FidoInfo {
  readonly serial: string;
  readonly aaguid: string;
  readonly versions: readonly string[];
  readonly extensions: readonly string[];
  readonly options: Readonly<Record<string, boolean>>;
  /** COSE numbers, those that getInfo lists. */
  readonly algorithms: readonly number[];
  readonly attestationFormats: readonly string[];
  readonly pin: {
    readonly set: boolean;
    readonly retries: number;
    /** More guesses need a power cycle first. */
    readonly needsPowerCycle: boolean;
    readonly mustChange: boolean;
    readonly minLength: number;
  };
  readonly credentials: { readonly discoverable: number; readonly remaining: number };
}

/** A discoverable credential. */
export interface CredentialSummary {
  /** In hexadecimal. */
  readonly id: string;
  readonly rpId: string;
  /** `id` in hexadecimal. */
  readonly user: { readonly id: string; readonly name: string | null; readonly displayName: string | null };
  /** COSE number. */
  readonly algorithm: number;
  readonly credProtect: number;
}

export interface FidoOwner {
  info(): Promise<FidoInfo>;
  /** `pin`: needed when one is set. */
  listCredentials(pin: string | undefined): Promise<readonly CredentialSummary[]>;
  /** `id`: in hexadecimal, or its beginning, if that says which. Returns what was deleted. */
  deleteCredential(id: string, pin: string | undefined): Promise<CredentialSummary>;
  setPin(newPin: string): Promise<void>;
  changePin(pin: string, newPin: string): Promise<void>;
  reset(): Promise<void>;
  /** A FIDO Metadata Statement. */
  metadata(): Promise<unknown>;
}
