// What is said over the control socket, as JSON: the state of a key, what happens to it, and what its owner may ask. What
// concerns one application is in a file of its own: …-messages.ts.
import type { PresenceOutcome, PresencePrompt } from "../platform.ts";
import type { TouchMode } from "../presence/mode.ts";
import type { AttestationOwner } from "./attestation-messages.ts";
import type { FidoOwner } from "./fido-messages.ts";
import type { IdentityOwner } from "./identity-messages.ts";
import type { OathOwner } from "./oath-messages.ts";
import type { OpenPgpOwner } from "./openpgp-messages.ts";
import type { OtpOwner } from "./otp-messages.ts";
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

/** What the owner of a key may do with it, be it running (through the socket) or not (with its store). Rejects with Refusal. */
export interface Administration {
  readonly fido: FidoOwner;
  readonly attestation: AttestationOwner;
  readonly identity: IdentityOwner;
  readonly oath: OathOwner;
  readonly openpgp: OpenPgpOwner;
  readonly otp: OtpOwner;
  readonly piv: PivOwner;
}
