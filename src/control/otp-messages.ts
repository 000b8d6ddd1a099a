// What the owner of a key may ask of its OTP slots. No secret goes out but one that was drawn for the answer.

/** What an OTP slot does; its secrets are in none of these. */
export type OtpSlotSummary = { readonly slot: 1 | 2 } & (
  | { readonly configured: false }
  | {
      readonly configured: true;
      readonly kind: "yubico" | "hotp" | "static" | "chalresp" | "chalresp-yubico";
      /** Whether it does that only after a touch. */
      readonly touch: boolean;
      readonly dormant: boolean;
      /** Whether programs need an access code to change it. */
      readonly accessCode: boolean;
      /** Yubico OTP: what it types in clear, in modhex. */
      readonly publicId?: string;
      /** HOTP. */
      readonly digits?: 6 | 8;
      /** HOTP: of the next code. In decimal, since it has 64 bits. */
      readonly counter?: string;
    }
);

export interface OtpInfo {
  readonly serial: string;
  /** What programs are told. */
  readonly cardSerial: number;
  /** Whether the key has its keyboard since it was plugged in. */
  readonly keyboard: boolean;
  readonly slots: readonly OtpSlotSummary[];
}

export const OTP_SLOT_KINDS = ["yubico", "hotp", "static", "chalresp"] as const;
export type OtpSlotKind = (typeof OTP_SLOT_KINDS)[number];

/** A configuration for a slot. A secret that is not given is drawn by chance, and is then in the answer. */
export interface OtpSlotRequest {
  readonly slot: 1 | 2;
  readonly kind: OtpSlotKind;
  /** In hexadecimal; yubico: 16 bytes; hotp, chalresp: up to 20. */
  readonly key?: string;
  /** Yubico: modhex, up to 16 bytes; made of the serial number unless given. */
  readonly publicId?: string;
  /** Yubico: 6 bytes in hexadecimal. */
  readonly privateId?: string;
  /** Static: what is typed, in characters of a US keyboard. */
  readonly password?: string;
  /** Static: of a password drawn by chance. */
  readonly length?: number;
  /** HOTP: 6 unless given. */
  readonly digits?: 6 | 8;
  /** HOTP: a multiple of 16; 0 unless given. */
  readonly counter?: number;
  /** Chalresp: answer only after a touch. */
  readonly touch?: boolean;
  /** Whether Enter follows what is typed; it does unless told otherwise. */
  readonly enter?: boolean;
  /** Replace what the slot has. */
  readonly replace?: boolean;
}

export interface OtpSlotAnswer {
  readonly slot: OtpSlotSummary;
  /** What was drawn by chance: shown this once. */
  readonly generated: { readonly key?: string; readonly privateId?: string; readonly password?: string };
}

export interface OtpOwner {
  info(): Promise<OtpInfo>;
  set(request: OtpSlotRequest): Promise<OtpSlotAnswer>;
  delete(slot: 1 | 2): Promise<void>;
  swap(): Promise<OtpInfo>;
}
