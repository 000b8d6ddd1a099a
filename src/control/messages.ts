// What is said over the control socket, as JSON: the state of a key, what happens to it, and what its owner may ask.
import type { PresenceOutcome, PresencePrompt } from "../platform.ts";
import type { TouchMode } from "../presence/mode.ts";
import type { OathOwner } from "./oath-messages.ts";
import type { OpenPgpOwner } from "./openpgp-messages.ts";
import type { PivOwner } from "./piv-messages.ts";

/** A touch that waits, with the number that answers it. */
export interface WaitingTouch extends PresencePrompt {
  readonly id: number;
}

export interface KeyStatus {
  readonly version: string;
  readonly pid: number;
  readonly serial: string;
  /** "1209:0001" */
  readonly usbId: string;
  /** What it shows of itself: "latchkey", or "yubikey5". */
  readonly identity: string;
  /** The applications that are on: "fido2", "piv", … */
  readonly applications: readonly string[];
  readonly busid: string;
  /** Where its USB/IP server listens. */
  readonly address: { readonly host: string; readonly port: number };
  /** The store's file with all links resolved; null for an ephemeral key. */
  readonly store: string | null;
  readonly touch: TouchMode;
  readonly uv: "off" | "ask" | "auto";
  /** The address of the host that has it, or null. */
  readonly attachedTo: string | null;
  /** Whether the card is in its reader. */
  readonly card: "in" | "out";
  /** Oldest first. */
  readonly waiting: readonly WaitingTouch[];
}

export type KeyEvent =
  | { readonly event: "asked"; readonly touch: WaitingTouch }
  | { readonly event: "settled"; readonly touch: WaitingTouch; readonly outcome: PresenceOutcome }
  | { readonly event: "attached"; readonly busid: string; readonly peer: string }
  | { readonly event: "detached"; readonly busid: string; readonly peer: string };

/** One line of `watch`: first the state of the key, then what happens. `time`: ISO 8601, UTC. */
export type WatchLine = { readonly time: string } & (
  | { readonly event: "watching"; readonly status: KeyStatus }
  | KeyEvent
);

export interface TouchRequest {
  /** Which one; the oldest unless given. */
  readonly id?: number;
  readonly granted: boolean;
  /** The person looked at what is asked: `long` for a prompt that wants a long touch, `verified` for one that asks who they are. */
  readonly long?: boolean;
  readonly verified?: boolean;
  /** How many milliseconds to wait for one to be asked for; 0 unless given. */
  readonly waitMs?: number;
}

export interface PromptAnswer {
  readonly touch: WaitingTouch;
  readonly granted: boolean;
}

/** Nothing waited for a touch, and it typed what an OTP slot types. */
export interface TypedAnswer {
  readonly typed: 1 | 2;
}

export type TouchAnswer = PromptAnswer | TypedAnswer;

export interface PowerCycleAnswer {
  /** The host that it was unplugged from, or null. */
  readonly detachedFrom: string | null;
}

export interface CardAnswer {
  readonly card: "in" | "out";
  /** False when it was there already. */
  readonly moved: boolean;
}

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

/** What the owner of a key may do with it, be it running (through the socket) or not (with its store). Rejects with Refusal. */
export interface Administration extends OathOwner, OpenPgpOwner, PivOwner {
  fidoInfo(): Promise<FidoInfo>;
  /** `pin`: needed when one is set. */
  listCredentials(pin: string | undefined): Promise<readonly CredentialSummary[]>;
  /** `id`: in hexadecimal, or its beginning, if that says which. Returns what was deleted. */
  deleteCredential(id: string, pin: string | undefined): Promise<CredentialSummary>;
  setPin(newPin: string): Promise<void>;
  changePin(pin: string, newPin: string): Promise<void>;
  resetFido(): Promise<void>;
  showAttestation(): Promise<AttestationSummary>;
  createAttestation(request: AttestationRequest): Promise<AttestationSummary>;
  removeAttestation(): Promise<void>;
  showIdentity(): Promise<KeyIdentity>;
  /** Needs no lock code. It takes effect when the key is next plugged in. */
  configure(request: ConfigureRequest): Promise<KeyIdentity>;
  /** A FIDO Metadata Statement. */
  metadata(): Promise<unknown>;
  otpInfo(): Promise<OtpInfo>;
  setOtpSlot(request: OtpSlotRequest): Promise<OtpSlotAnswer>;
  deleteOtpSlot(slot: 1 | 2): Promise<void>;
  swapOtpSlots(): Promise<OtpInfo>;
}
