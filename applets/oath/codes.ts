// From an account and a challenge to a code. RFC 4226 §5.3; the answers of CALCULATE and CALCULATE ALL.
import { concat } from "../../src/bytes/concat.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { hmac } from "../../src/crypto/hash.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { AccountFields } from "./account.ts";
import { hashOf, Tag } from "./parameters.ts";

/** RFC 4226 §5.3: dynamic truncation, reduced to the account's digits, as a YubiKey 5.7 sends it. */
export function computeCode(account: AccountFields, challenge: Uint8Array): number {
  return truncate(computeHmac(account, challenge)) % 10 ** account.digits;
}

/** The code as people type it. */
export function formatCode(code: number, { digits }: Pick<AccountFields, "digits">): string {
  return code.toString().padStart(digits, "0");
}

/**
 *   76 05   digits, code (4)             truncated
 *   75 n    digits, HMAC (20, 32, 64)    whole
 */
export function encodeCode(account: AccountFields, challenge: Uint8Array, truncated: boolean): Uint8Array {
  const digits = Uint8Array.of(account.digits);
  if (!truncated) return encodeTlv(Tag.RESPONSE, digits, computeHmac(account, challenge));
  return concat(Uint8Array.of(Tag.TRUNCATED, 5, account.digits), encodeU32be(computeCode(account, challenge)));
}

function computeHmac({ algorithm, secret }: AccountFields, challenge: Uint8Array): Uint8Array {
  return hmac(hashOf[algorithm], secret, challenge);
}

function truncate(digest: Uint8Array): number {
  const offset = (digest.at(-1) ?? 0) & 0x0f;
  return new Reader(digest.subarray(offset)).u32be() % 0x8000_0000;
}
