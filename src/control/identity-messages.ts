// What the owner of a key may ask of its identity, and of the applications that it has.

/** What a key shows of itself, and which of its applications are on. */
export interface KeyIdentity {
  readonly serial: string;
  /** "latchkey" or "yubikey5": an option of serve, so that a key that does not run is shown as it is without. */
  readonly identity: string;
  /** "1209:0001" */
  readonly usbId: string;
  readonly manufacturer: string;
  readonly product: string;
  /** What PC/SC calls its reader, without the numbers; null while it has none. */
  readonly readerName: string | null;
  /** What the smart cards tell. */
  readonly cardSerialNumber: number;
  readonly firmwareVersion: string;
  /** What CTAPHID_INIT tells. */
  readonly fidoVersion: string;
  /** "FIDO", "CCID", …: what a host sees. */
  readonly interfaces: readonly string[];
  readonly applications: readonly {
    readonly name: string;
    /** Chosen, for the next power-up. */
    readonly enabled: boolean;
    /** Answers since the last power-up. */
    readonly active: boolean;
  }[];
  /** Whether programs need a lock code to change which applications are on. */
  readonly locked: boolean;
}

/** Which applications to turn on and off, by name; both at once, or a reset of the whole configuration. */
export interface ConfigureRequest {
  readonly enable?: readonly string[];
  readonly disable?: readonly string[];
  /** Everything on, no lock code, the rest as it was at first; before the others. */
  readonly reset?: boolean;
}

export interface IdentityOwner {
  show(): Promise<KeyIdentity>;
  /** Needs no lock code. It takes effect when the key is next plugged in. */
  configure(request: ConfigureRequest): Promise<KeyIdentity>;
}
