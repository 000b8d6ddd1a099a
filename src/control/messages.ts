// What is said over the control socket, as JSON: the state of a key, what happens to it, and what its owner may ask.
import type { PresenceOutcome, PresencePrompt } from "../platform.ts";
import type { TouchMode } from "../presence/mode.ts";

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

export interface TouchAnswer {
  readonly touch: WaitingTouch;
  readonly granted: boolean;
}

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

/** What the owner of a key may do with it, be it running (through the socket) or not (with its store). Rejects with Refusal. */
export interface Administration {
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
  /** A FIDO Metadata Statement. */
  metadata(): Promise<unknown>;
}
