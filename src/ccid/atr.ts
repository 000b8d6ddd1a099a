// The answer to reset: what the card says of itself when it gets power. ISO/IEC 7816-3 §8.2, ISO/IEC 7816-4 §12.1.1
//
//   TS 3B · T0 8K · TD1 81 · TD2 31 · TA3 FE · TB3 15 · historical bytes · TCK
//
// T=1 with 254-byte blocks, and no interface bytes for a speed: none is negotiated, and ykman 5 takes a T0 of FX for a
// YubiKey's own USB interface, which `ykman --reader` then fails to find under another name.
import { concat } from "../bytes/concat.ts";
import { fromHex } from "../bytes/hex.ts";

const TS = 0x3b;
/** Y1: TD1 follows. K is the number of historical bytes. */
const TD1_FOLLOWS = 0x80;
/** TD1: T=1, TD2 follows. TD2: T=1, TA3 and TB3 follow. TA3: IFSC 254. TB3: BWI 1, CWI 5. §11.4 */
const INTERFACE_BYTES = fromHex("81 31 fe 15");
const MAX_HISTORICAL_BYTES = 15;

/** Throws RangeError for more than 15 historical bytes. */
export function encodeAtr(historicalBytes: Uint8Array): Uint8Array {
  const { length } = historicalBytes;
  if (length > MAX_HISTORICAL_BYTES) throw new RangeError(`${length} historical bytes`);
  const checked = concat(Uint8Array.of(TD1_FOLLOWS | length), INTERFACE_BYTES, historicalBytes);
  const tck = checked.reduce((sum, byte) => sum ^ byte, 0);
  return concat(Uint8Array.of(TS), checked, Uint8Array.of(tck));
}

/** Another ATR's historical bytes with Latchkey's own interface bytes: for a reader that is not the key's own. See above. */
export function withoutSpeed(atr: Uint8Array): Uint8Array {
  const count = (atr[1] ?? 0) % 16;
  return encodeAtr(atr.subarray(-1 - count, -1));
}

/**
 * Category 80; 73: selection by full and partial DF name, data units of one byte, command chaining, extended Lc and Le;
 * 58: the issuer's data. ISO/IEC 7816-4 §12.1.1, tables 117 to 119
 */
export const DEFAULT_ATR = encodeAtr(concat(fromHex("80 73 c0 21 c0 58"), new TextEncoder().encode("Latchkey")));
