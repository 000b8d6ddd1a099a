// What the commands of the card work on.
import type { Platform } from "../../src/platform.ts";
import type { Keys } from "./keys.ts";
import type { Passwords } from "./passwords.ts";
import type { Persistent } from "./persistent.ts";
import type { Volatile } from "./volatile.ts";

export interface OpenPgpOptions {
  /**
   * Manufacturer's number in the AID. FF00–FFFE are for cards whose serial numbers nobody manages; 0006 is Yubico's.
   * OpenPGP 3.4.1 §4.2.1
   */
  readonly manufacturer: number;
  /**
   * Whether the application related data are a YubiKey's: its historical bytes, and lists with a fourth place for the
   * attestation key. yubikit then shows that key; others must not mind that the lists are longer than the specification
   * says.
   */
  readonly isYubiKey: boolean;
}

export const DEFAULT_OPTIONS: OpenPgpOptions = { manufacturer: 0xfffe, isYubiKey: false };

export interface OpenPgpContext {
  readonly platform: Platform;
  readonly options: OpenPgpOptions;
  /** The whole application identifier. */
  readonly aid: Uint8Array;
  readonly persistent: Persistent;
  readonly volatile: Volatile;
  readonly passwords: Passwords;
  readonly keys: Keys;
}
