// What the applet knows only until another applet is selected or the power goes: its security status. All of it is
// volatile. SP 800-73-4 pt 2 §2.4.2
import { wipe } from "../../src/bytes/wipe.ts";

/** A challenge of the management key that waits for its answer. */
export interface ManagementChallenge {
  /** "witness": sent encrypted, comes back decrypted. "challenge": sent in clear, comes back encrypted. */
  readonly kind: "witness" | "challenge";
  readonly algorithm: number;
  readonly bytes: Uint8Array;
}

export class Session {
  #isPinVerified = false;
  #isPinFresh = false;
  #challenge: ManagementChallenge | undefined;
  #timesForgotten = 0;
  /** By slot: when its last touch was given, on the platform's clock. */
  readonly touchedAt = new Map<number, number>();
  isManagementAuthenticated = false;

  get isPinVerified(): boolean {
    return this.#isPinVerified;
  }

  /** Whether no private key was used since the PIN was given. */
  get isPinFresh(): boolean {
    return this.#isPinFresh;
  }

  setPinVerified(isVerified: boolean): void {
    this.#isPinVerified = isVerified;
    this.#isPinFresh = isVerified;
  }

  /**
   * A private key that asks for the PIN has been used. For a key that wants the PIN immediately before each use it must
   * now be given again; for the others it still counts (measured on a YubiKey 5.7.4 by RS-Key's authors).
   */
  spendPinFreshness(): void {
    this.#isPinFresh = false;
  }

  get challenge(): ManagementChallenge | undefined {
    return this.#challenge;
  }

  /** The status that was there goes with it: whoever starts to authenticate is not authenticated. */
  beginAuthentication(challenge: ManagementChallenge): void {
    this.forgetChallenge();
    this.#challenge = challenge;
    this.isManagementAuthenticated = false;
  }

  forgetChallenge(): void {
    if (this.#challenge !== undefined) wipe(this.#challenge.bytes);
    this.#challenge = undefined;
  }

  /** By it requestTouch sees whether the card still is the one that the touch was asked for. */
  get timesForgotten(): number {
    return this.#timesForgotten;
  }

  forget(): void {
    this.#timesForgotten += 1;
    this.setPinVerified(false);
    this.isManagementAuthenticated = false;
    this.forgetChallenge();
    this.touchedAt.clear();
  }
}
