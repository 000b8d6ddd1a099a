// What the card forgets when another applet is selected, or when the power goes; a part of it when it is selected again.
import type { KeySlot } from "./key-slots.ts";
import type { PasswordName, PasswordVerifier } from "./passwords.ts";

export class Volatile {
  /** PW1 under reference 81: for PSO:COMPUTE DIGITAL SIGNATURE alone, and perhaps for one of them only. §7.2.2 */
  pw1ForSignature = false;
  /** PW1 under reference 82: for everything else that the user may do. */
  pw1 = false;
  pw3 = false;
  /** Which cardholder certificate GET DATA, GET NEXT DATA and PUT DATA mean. §7.2.5 */
  occurrence = 0;
  /** Which key PSO:DECIPHER and INTERNAL AUTHENTICATE use. §7.2.18 */
  decipherKey: KeySlot = "dec";
  authenticationKey: KeySlot = "aut";
  /**
   * The passwords that a KDF-DO has just replaced, each until its successor is used. Hosts that know ZeitControl's cards,
   * which do not replace them, change them now from what they were: CHANGE REFERENCE DATA takes both.
   */
  readonly superseded = new Map<PasswordName, PasswordVerifier>();
  /** When a key with a cached touch was last touched, on the platform's clock. */
  readonly touchedAt = new Map<KeySlot, number>();

  forget(): void {
    this.forgetPw1();
    this.pw3 = false;
    this.superseded.clear();
    this.forgetSelections();
  }

  forgetSelections(): void {
    this.occurrence = 0;
    this.decipherKey = "dec";
    this.authenticationKey = "aut";
    this.touchedAt.clear();
  }

  forgetPw1(): void {
    this.pw1ForSignature = false;
    this.pw1 = false;
  }
}
