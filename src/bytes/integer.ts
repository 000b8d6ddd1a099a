// Big-endian and little-endian integers as bytes, for layouts that are built piece by piece.

export function encodeU16be(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

export function encodeU32be(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export function encodeU16le(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8);
}

export function encodeU32le(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}
