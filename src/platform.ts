// Everything an applet may reach outside itself. One Platform is made in security-key.ts and injected once; tests
// inject a twin with a clock they turn by hand and a presence they script.
import type { Store } from "../keystore/index.ts";
import type { Logger } from "./log.ts";

export interface Clock {
  /** Milliseconds on a clock that never goes back (not the time of day). */
  now(): number;
}

/** What the person is asked to approve. Shown in prompts and in the live log, so nothing in it is secret. */
export interface PresencePrompt {
  readonly applet: string;
  /** What will happen, as a verb phrase: "register", "sign in", "sign", "reset". */
  readonly action: string;
  /** For whom: an rpId, a host, a key name. */
  readonly subject?: string;
  /** For which account: a user name. */
  readonly account?: string;
  /** The person is asked to say who they are, not merely that they are there: never granted unseen. */
  readonly verification?: boolean;
  /** The touch has to be a long one, because it cannot be undone. */
  readonly long?: boolean;
}

export type PresenceOutcome = "granted" | "denied" | "timeout" | "cancelled";

/** A touch, however it is given: a terminal, a socket, or always. */
export interface UserPresence {
  /** Asks, and waits for the answer: 30 s at most. Never rejects; an aborted signal gives "cancelled". */
  request(prompt: PresencePrompt, signal: AbortSignal): Promise<PresenceOutcome>;
  /**
   * Asks without waiting, for protocols whose client polls (U2F). The first call opens the prompt; later calls with
   * an equal prompt and the same `client` find it. Any outcome but "pending" is handed out once.
   */
  poll(prompt: PresencePrompt, client: string): PresenceOutcome | "pending";
  /** Forgets what is open and withdraws what is asked: a power cycle. */
  reset(): void;
}

/** What smart card applets tell of the device that they are on. */
export interface DeviceInfo {
  /** Eight decimal digits, the same for as long as the store lives. */
  readonly serialNumber: number;
  /**
   * The firmware version of the YubiKey whose commands and answers the applets have: clients (yubikit, ykman) decide by
   * it what they may ask for.
   */
  readonly firmwareVersion: readonly [major: number, minor: number, patch: number];
}

export interface Platform {
  readonly device: DeviceInfo;
  readonly store: Store;
  readonly presence: UserPresence;
  readonly clock: Clock;
  readonly log: Logger;
  randomBytes(length: number): Uint8Array;
}
