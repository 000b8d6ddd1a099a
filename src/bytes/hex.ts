// Bytes as lower-case hexadecimal text, and back.

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

/** Parses hexadecimal digits; white space between them is ignored. Throws RangeError on anything else. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) throw new RangeError("not hexadecimal");
  return new Uint8Array(Buffer.from(digits, "hex"));
}
