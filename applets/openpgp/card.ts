// What the card says of itself and never changes. OpenPGP 3.4.1 §4.2.1 (AID), §4.4.3.7 (extended capabilities), §4.1.3.1
// (extended length information), §4.1.3.2 (general feature management), §6 (historical bytes)
import { concat } from "../../src/bytes/concat.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { encodeU16be } from "../../src/bytes/integer.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { DeviceInfo } from "../../src/platform.ts";

/** RID of the FSFE, and 01 for the application. The version, the manufacturer and the serial number follow. */
export const APPLICATION = fromHex("d27600012401");
const SPECIFICATION_VERSION = Uint8Array.of(0x03, 0x04);

/** PW1, RC and PW3, in bytes. What C4 shows as the most that they may have. */
export const MAX_PASSWORD_LENGTH = 127;
/** Login data, URL and the private data objects. */
export const MAX_SPECIAL_LENGTH = 0x0400;
export const MAX_CERTIFICATE_LENGTH = 0x0bf0;
export const MAX_CHALLENGE_LENGTH = 0x0bfe;
/** Of a command's data, and of a response: chaining does not end there, but a client that reads this stays below. */
const MAX_EXTENDED_LENGTH = 0x0bfe;

/** GET CHALLENGE, key import, PW status changeable, private DOs, algorithm attributes changeable, AES, KDF-DO. */
const CAPABILITIES = 0x7f;
const NO_SECURE_MESSAGING = 0x00;
const NO_PIN_BLOCK_2 = 0x00;
const MANAGE_SECURITY_ENVIRONMENT = 0x01;

/** C0. */
export const EXTENDED_CAPABILITIES = concat(
  Uint8Array.of(CAPABILITIES, NO_SECURE_MESSAGING),
  encodeU16be(MAX_CHALLENGE_LENGTH),
  encodeU16be(MAX_CERTIFICATE_LENGTH),
  encodeU16be(MAX_SPECIAL_LENGTH),
  Uint8Array.of(NO_PIN_BLOCK_2, MANAGE_SECURITY_ENVIRONMENT),
);

/** 7F66: commands, then responses. */
export const EXTENDED_LENGTH_INFORMATION = concat(
  encodeTlv(0x02, encodeU16be(MAX_EXTENDED_LENGTH)),
  encodeTlv(0x02, encodeU16be(MAX_EXTENDED_LENGTH)),
);

/** Bit 6: a button. The second byte of every UIF data object says the same. */
export const BUTTON = 0x20;
/** 7F74. */
export const GENERAL_FEATURE_MANAGEMENT = encodeTlv(0x81, Uint8Array.of(BUTTON));

/**
 * 5F52, in the operational state: in the other one nothing is shown. §6
 *
 *   00  31 C5        card service data: selection by full and partial AID, data objects by GET DATA, no MF
 *       73 C0 01 40  card capabilities: selection by full and partial AID, data units of a byte, extended Lc and Le
 *       05 9000      life cycle: operational
 *
 * A YubiKey's have no card service data, and name command chaining and the extended length information as well (E0).
 * Chaining works here, too; nobody chains who may send extended commands.
 */
export function historicalBytes(isYubiKey: boolean): Uint8Array {
  return isYubiKey ? YUBIKEY_HISTORICAL_BYTES : HISTORICAL_BYTES;
}
const HISTORICAL_BYTES = fromHex("00 31c5 73c00140 05 9000");
const YUBIKEY_HISTORICAL_BYTES = fromHex("00 730000e0 05 9000");

/** 4F: 16 bytes. The serial number is in BCD, as Yubico's is. */
export function applicationIdentifier(manufacturer: number, { serialNumber }: DeviceInfo): Uint8Array {
  const serial = fromHex(serialNumber.toString().padStart(8, "0"));
  return concat(APPLICATION, SPECIFICATION_VERSION, encodeU16be(manufacturer), serial, Uint8Array.of(0, 0));
}
