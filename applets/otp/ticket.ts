// What a slot types: Yubico OTP, OATH HOTP, and the two kinds of static password; and the counters that stand behind it.
// YubiKey manual §2.3, §5; ykdef.h, struct ticket_st; RFC 4226 §5.3
import { concat } from "../../src/bytes/concat.ts";
import { appendCrc16 } from "../../src/bytes/crc16.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { bytes, struct, u8, u16be, u16le } from "../../src/bytes/struct.ts";
import { encryptAesEcb } from "../../src/crypto/aes.ts";
import { hmacSha1, truncateMac } from "../../src/crypto/hash.ts";
import { ConfigFlag, ExtendedFlag, HMAC_KEY_SIZE, KEY_SIZE, TicketFlag, UID_SIZE } from "./parameters.ts";
import { encodeModhex, type ScanCode, scanCodesOf } from "./scan-map.ts";
import { kindOf, type SlotConfig } from "./slot-config.ts";

/** struct ticket_st without its CRC. */
const Ticket = struct({
  uid: bytes(UID_SIZE),
  useCtr: u16le,
  tstpl: u16le,
  tstph: u8,
  sessionCtr: u8,
  rnd: u16be,
});

/** What is different in each Yubico OTP. `timestamp`: 24 bits, at 8 Hz. */
export interface TicketFields {
  readonly useCtr: number;
  readonly sessionCtr: number;
  readonly timestamp: number;
  readonly rnd: number;
}

/** 16 bytes under the slot's AES key. */
export function encryptTicket({ uid, key }: Pick<SlotConfig, "uid" | "key">, fields: TicketFields): Uint8Array {
  const { useCtr, sessionCtr, timestamp, rnd } = fields;
  const tstpl = timestamp & 0xffff;
  const tstph = (timestamp >>> 16) & 0xff;
  return encryptAesEcb(key, appendCrc16(Ticket.encode({ uid, useCtr, tstpl, tstph, sessionCtr, rnd })));
}

/** The key of HOTP and of HMAC challenges: a longer one has its end where other kinds have their uid. */
export function hmacKeyOf({ key, uid }: Pick<SlotConfig, "key" | "uid">): Uint8Array {
  return concat(key, uid.subarray(0, HMAC_KEY_SIZE - KEY_SIZE));
}

/** RFC 4226 §5.3: the value, in decimal digits. */
export function computeHotp(key: Uint8Array, movingFactor: bigint, digits: 6 | 8): string {
  const counter = concat(encodeU32be(Number(movingFactor >> 32n)), encodeU32be(Number(movingFactor & 0xffff_ffffn)));
  const code = truncateMac(hmacSha1(key, counter)) % 10 ** digits;
  return String(code).padStart(digits, "0");
}

const TAB = "\t";
const ENTER = "\r";
/** All of modhex in order: what SEND_REF puts before a ticket. */
const REFERENCE = encodeModhex(Uint8Array.of(0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef));
/** Of a static ticket that is short. */
const SHORT_TICKET_LENGTH = 16;

/** A ticket's parts, before tabs and Enter go between and around them. */
interface Parts {
  readonly fixed: string;
  readonly dynamic: string;
}

/** The keys that a ticket of text consists of. */
function layOut(config: SlotConfig, { fixed, dynamic }: Parts, map: Uint8Array | undefined): ScanCode[] {
  const has = (flag: number) => (config.tktFlags & flag) !== 0;
  const text = [
    has(TicketFlag.TAB_FIRST) ? TAB : "",
    fixed,
    has(TicketFlag.APPEND_TAB1) ? TAB : "",
    dynamic,
    has(TicketFlag.APPEND_TAB2) ? TAB : "",
    has(TicketFlag.APPEND_CR) ? ENTER : "",
  ].join("");
  return scanCodesOf(text, map, (config.extFlags & ExtendedFlag.USE_NUMERIC_KEYPAD) !== 0);
}

function fixedPart({ fixed, fixedSize }: SlotConfig): Uint8Array {
  return fixed.subarray(0, fixedSize);
}

/** The public id in clear, and the ticket. */
export function yubicoOtp(config: SlotConfig, fields: TicketFields, map?: Uint8Array): ScanCode[] {
  const reference = (config.cfgFlags & ConfigFlag.SEND_REF) !== 0 ? REFERENCE : "";
  const parts = {
    fixed: reference + encodeModhex(fixedPart(config)),
    dynamic: encodeModhex(encryptTicket(config, fields)),
  };
  return layOut(config, parts, map);
}

/** The token identifier, of which the flags say how much is modhex and how much hexadecimal, and the code. */
export function hotp(config: SlotConfig, movingFactor: bigint, map?: Uint8Array): ScanCode[] {
  const { cfgFlags } = config;
  const identifier = fixedPart(config);
  const modhexBytes = modhexLength(cfgFlags, identifier.length);
  const digits = (cfgFlags & ConfigFlag.OATH_HOTP8) !== 0 ? 8 : 6;
  const parts = {
    fixed: encodeModhex(identifier.subarray(0, modhexBytes)) + toHex(identifier.subarray(modhexBytes)),
    dynamic: computeHotp(hmacKeyOf(config), movingFactor, digits),
  };
  return layOut(config, parts, map);
}

function modhexLength(cfgFlags: number, all: number): number {
  switch (cfgFlags & ConfigFlag.OATH_FIXED_MODHEX) {
    case ConfigFlag.OATH_FIXED_MODHEX:
      return all;
    case ConfigFlag.OATH_FIXED_MODHEX2:
      return 2;
    case ConfigFlag.OATH_FIXED_MODHEX1:
      return 1;
    default:
      return 0;
  }
}

/** A ticket whose counters stand still, made fit for rules about passwords where the flags ask for it. ykpersonalize(1) */
export function staticTicket(config: SlotConfig, map?: Uint8Array): ScanCode[] {
  const has = (flag: number) => (config.cfgFlags & flag) !== 0;
  const still = { useCtr: 0, sessionCtr: 0, timestamp: 0, rnd: 0 };
  let password = encodeModhex(concat(fixedPart(config), encryptTicket(config, still)));
  if (has(ConfigFlag.SHORT_TICKET)) password = password.slice(0, SHORT_TICKET_LENGTH);
  // "Replace the first eight characters of the modhex alphabet with the numbers 0 to 7."
  if (has(ConfigFlag.STRONG_PW2)) {
    password = password.replace(/[cbdefghi]/g, (letter) => String(REFERENCE.indexOf(letter)));
  }
  if (has(ConfigFlag.STRONG_PW1)) {
    let left = 2;
    password = password.replace(/[a-z]/g, (letter) => (left-- > 0 ? letter.toUpperCase() : letter));
  }
  // "When combined with strong-pw2 this sends a ! before the rest of the string."
  const reference = has(ConfigFlag.SEND_REF) ? (has(ConfigFlag.STRONG_PW2) ? "!" : REFERENCE) : "";
  return layOut(config, { fixed: reference, dynamic: password }, map);
}

/** A password as scan codes, in the three fields one after the other; a zero is no key. */
export function scanCodeTicket(config: SlotConfig, map?: Uint8Array): ScanCode[] {
  const codes = [...config.fixed, ...config.uid, ...config.key].filter((code) => code !== 0);
  const { TAB_FIRST, APPEND_TAB1, APPEND_TAB2, APPEND_CR } = TicketFlag;
  const has = (flag: number) => (config.tktFlags & flag) !== 0;
  return [
    ...(has(TAB_FIRST) ? scanCodesOf(TAB, map) : []),
    ...codes,
    ...(has(APPEND_TAB1) || has(APPEND_TAB2) ? scanCodesOf(TAB, map) : []),
    ...(has(APPEND_CR) ? scanCodesOf(ENTER, map) : []),
  ];
}

/** The milliseconds that a host which cannot keep up asked for between two keys, on top of the usual. */
export function pacingOf(config: SlotConfig): number {
  if (kindOf(config) === "chal-hmac") return 0;
  const { PACING_10MS, PACING_20MS } = ConfigFlag;
  return ((config.cfgFlags & PACING_10MS) !== 0 ? 10 : 0) + ((config.cfgFlags & PACING_20MS) !== 0 ? 20 : 0);
}
