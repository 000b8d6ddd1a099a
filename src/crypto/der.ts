// The distinguished encoding of ASN.1, as far as certificates and signatures need it. ITU-T X.690 §8, §10
// Each function returns one whole encoded value; they nest.

export const DerTag = {
  BOOLEAN: 0x01,
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OCTET_STRING: 0x04,
  NULL: 0x05,
  OBJECT_IDENTIFIER: 0x06,
  UTF8_STRING: 0x0c,
  PRINTABLE_STRING: 0x13,
  UTC_TIME: 0x17,
  GENERALIZED_TIME: 0x18,
  SEQUENCE: 0x30,
  SET: 0x31,
} as const;

export function derSequence(...elements: readonly Uint8Array[]): Uint8Array {
  return encodeTlv(DerTag.SEQUENCE, ...elements);
}

/** A SET OF one element; more would have to be sorted (X.690 §11.6). */
export function derSetOf(element: Uint8Array): Uint8Array {
  return encodeTlv(DerTag.SET, element);
}

/** An unsigned integer, big-endian, of any length. */
export function derInteger(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const digits = value.subarray(start);
  const isNegative = ((digits[0] ?? 0) & 0x80) !== 0;
  return encodeTlv(DerTag.INTEGER, isNegative || digits.length === 0 ? Uint8Array.of(0) : new Uint8Array(0), digits);
}

export function derBoolean(value: boolean): Uint8Array {
  return encodeTlv(DerTag.BOOLEAN, Uint8Array.of(value ? 0xff : 0));
}

export function derNull(): Uint8Array {
  return encodeTlv(DerTag.NULL);
}

/** A bit string, of which the last byte may have unused low bits. */
export function derBitString(bits: Uint8Array, unusedBits = 0): Uint8Array {
  return encodeTlv(DerTag.BIT_STRING, Uint8Array.of(unusedBits), bits);
}

export function derOctetString(bytes: Uint8Array): Uint8Array {
  return encodeTlv(DerTag.OCTET_STRING, bytes);
}

/** `dotted`: "1.2.840.10045.2.1". */
export function derObjectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const base128 = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      base128.unshift((left % 128) | 0x80);
    return base128;
  });
  return encodeTlv(DerTag.OBJECT_IDENTIFIER, Uint8Array.from(bytes));
}

export function derUtf8String(text: string): Uint8Array {
  return encodeTlv(DerTag.UTF8_STRING, Buffer.from(text, "utf8"));
}

/** Two upper-case letters of a countryName, and other text of that small alphabet. X.520 §6.3.1 */
export function derPrintableString(text: string): Uint8Array {
  return encodeTlv(DerTag.PRINTABLE_STRING, Buffer.from(text, "latin1"));
}

/** `moment`: "2020-01-01T00:00:00Z". UTCTime until 2049, GeneralizedTime from 2050 on. RFC 5280 §4.1.2.5 */
export function derTime(moment: string): Uint8Array {
  const digits = moment.replace(/\D/g, "").slice(0, 14);
  return digits < "2050"
    ? encodeTlv(DerTag.UTC_TIME, Buffer.from(`${digits.slice(2)}Z`, "latin1"))
    : encodeTlv(DerTag.GENERALIZED_TIME, Buffer.from(`${digits}Z`, "latin1"));
}

/** [n] EXPLICIT: the value keeps its own tag inside. */
export function derExplicit(tag: number, element: Uint8Array): Uint8Array {
  return encodeTlv(0xa0 | tag, element);
}

/** [n] IMPLICIT of a primitive type: the tag stands in place of the value's own. */
export function derImplicit(tag: number, contents: Uint8Array): Uint8Array {
  return encodeTlv(0x80 | tag, contents);
}

function encodeTlv(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([Uint8Array.of(tag), encodeLength(length), ...contents]);
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return Uint8Array.of(0x80 | bytes.length, ...bytes);
}
