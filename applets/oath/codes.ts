// From an account and a challenge to a code. RFC 4226 §5.3; the answers of CALCULATE and CALCULATE ALL.
import { u32be } from "../../src/bytes/struct.ts";
import { hmac, truncateMac } from "../../src/crypto/hash.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { AccountFields } from "./account.ts";
import { hashOf, Tag } from "./parameters.ts";

/** The code as a number, reduced to the account's digits. RFC 4226 §5.3 */
export function computeCode(account: AccountFields, challenge: Uint8Array): number {
  return truncateMac(computeHmac(account, challenge)) % 10 ** account.digits;
}

/** The code as people type it. */
export function formatCode(code: number, { digits }: Pick<AccountFields, "digits">): string {
  return code.toString().padStart(digits, "0");
}

/**
 *   76 05   digits, code (4)             truncated
 *   75 n    digits, HMAC (20, 32, 64)    whole
 *
 * The code has all 31 bits of the truncation, as YubiKeys before 5.7 and CanoKeys send it; a YubiKey 5.7 sends what is
 * left of it for that many digits. Clients reduce what they get, so that they show the same for both.
 */
export function encodeCode(account: AccountFields, challenge: Uint8Array, truncated: boolean): Uint8Array {
  const digest = computeHmac(account, challenge);
  if (!truncated) return encodeTlv(Tag.RESPONSE, Uint8Array.of(account.digits), digest);
  const answer = Uint8Array.of(Tag.TRUNCATED, 5, account.digits, 0, 0, 0, 0);
  u32be.put(answer, 3, truncateMac(digest));
  return answer;
}

function computeHmac({ algorithm, secret }: AccountFields, challenge: Uint8Array): Uint8Array {
  return hmac(hashOf[algorithm], secret, challenge);
}
