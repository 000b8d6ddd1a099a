// The CRC of Yubico's OTP protocol: ISO/IEC 13239's 16-bit frame check sequence, sent least significant byte first, as
// its complement where a receiver checks data and CRC together. ISO/IEC 13239 §4.2.5.2, ykdef.h
import { concat } from "./concat.ts";
import { encodeU16le } from "./integer.ts";

const POLYNOMIAL = 0x8408;
const INITIAL = 0xffff;

/** What the CRC over data and its complemented CRC comes to when nothing was changed. */
const RESIDUE = 0xf0b8;

export function crc16(bytes: Uint8Array): number {
  let crc = INITIAL;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
  }
  return crc;
}

/** The data, and two bytes behind it with which `isCrc16Intact` is true. */
export function appendCrc16(bytes: Uint8Array): Uint8Array {
  return concat(bytes, encodeU16le(~crc16(bytes) & 0xffff));
}

/** Whether the last two bytes are the complemented CRC of what stands before them. */
export function isCrc16Intact(bytes: Uint8Array): boolean {
  return crc16(bytes) === RESIDUE;
}
