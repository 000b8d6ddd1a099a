// What every command of the applet is given.
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import type { ReferenceData } from "./reference-data.ts";
import type { Session } from "./session.ts";

export interface PivOptions {
  /** PINs and PUKs that are easy to guess are refused. */
  readonly pinComplexity: boolean;
  /** What attestations say the key looks like; 1 is a keychain key with a USB-A plug. yubikit/management.py, FORM_FACTOR */
  readonly formFactor: number;
}

export const DEFAULT_OPTIONS: PivOptions = { pinComplexity: false, formFactor: 1 };

export interface PivContext {
  readonly platform: Platform;
  readonly options: PivOptions;
  readonly session: Session;
  readonly pin: ReferenceData;
  readonly puk: ReferenceData;
}

/** Throws 6982 unless the client has shown that it has the management key. */
export function requireManagementKey({ session }: PivContext): void {
  if (!session.isManagementAuthenticated) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
}

/** Throws 6982 unless the PIN has been given. */
export function requirePin({ session }: PivContext): void {
  if (!session.isPinVerified) throw new StatusError(StatusWord.SECURITY_STATUS_NOT_SATISFIED);
}
