// The numbers of an RSA key as the vectors have them.
import { fromHex } from "../../src/bytes/hex.ts";
import type { RsaPrivateKeyParts } from "../../src/crypto/rsa.ts";

export type HexParts = Record<keyof RsaPrivateKeyParts, string>;

export function toParts({ n, e, d, p, q, dp, dq, qi }: HexParts): RsaPrivateKeyParts {
  return {
    n: fromHex(n),
    e: fromHex(e),
    d: fromHex(d),
    p: fromHex(p),
    q: fromHex(q),
    dp: fromHex(dp),
    dq: fromHex(dq),
    qi: fromHex(qi),
  };
}
