// From what an owner asks for to the configuration of an OTP slot: the one that ykman would write. yubikit/yubiotp.py
import {
  ConfigFlag,
  ExtendedFlag,
  FIXED_SIZE,
  HMAC_KEY_SIZE,
  KEY_SIZE,
  TicketFlag,
  UID_SIZE,
} from "../../applets/otp/parameters.ts";
import { encodeModhex, parseModhex } from "../../applets/otp/scan-map.ts";
import { encodeSlotConfig, parseSlotConfig, type SlotConfig } from "../../applets/otp/slot-config.ts";
import { usScanCodes } from "../../applets/otp/us-layout.ts";
import { concat } from "../bytes/concat.ts";
import { fromHex, toHex } from "../bytes/hex.ts";
import { encodeU16be, encodeU32be } from "../bytes/integer.ts";
import type { Platform } from "../platform.ts";
import type { OtpSlotAnswer, OtpSlotKind, OtpSlotRequest } from "./otp-messages.ts";
import { Refusal } from "./refusal.ts";

export interface BuiltSlot {
  readonly config: SlotConfig;
  readonly generated: OtpSlotAnswer["generated"];
}

type Part = Partial<SlotConfig>;
type Build = (request: OtpSlotRequest, platform: Platform) => { part: Part; generated: OtpSlotAnswer["generated"] };

const MAX_PASSWORD = FIXED_SIZE + UID_SIZE + KEY_SIZE;
/** Of a password drawn by chance: 32 letters of modhex are 128 bits. */
const PASSWORD_LENGTH = 32;
const COUNTER_STEP = 16;
/** The public ids that ykman makes of serial numbers begin so, in modhex "vvcc". ykman/cli/otp.py */
const SERIAL_PUBLIC_ID = fromHex("ff00");

/** The members that each kind takes, besides `slot`, `kind`, `replace`. */
const MEMBERS: Readonly<Record<OtpSlotKind, readonly string[]>> = {
  yubico: ["key", "publicId", "privateId", "enter"],
  hotp: ["key", "digits", "counter", "enter"],
  static: ["password", "length", "enter"],
  chalresp: ["key", "touch"],
};

const BUILDERS: Readonly<Record<OtpSlotKind, Build>> = { yubico, hotp, static: staticPassword, chalresp };

/** Throws Refusal. */
export function buildSlot(request: OtpSlotRequest, platform: Platform): BuiltSlot {
  const known = ["slot", "kind", "replace", ...MEMBERS[request.kind]];
  const stray = Object.keys(request).find((name) => !known.includes(name));
  if (stray !== undefined) throw refused(`A slot of kind ${request.kind} has no "${stray}".`);
  const { part, generated } = BUILDERS[request.kind](request, platform);
  const types = request.kind !== "chalresp";
  const config = parseSlotConfig(
    encodeSlotConfig({
      ...part,
      extFlags: ExtendedFlag.SERIAL_API_VISIBLE | ExtendedFlag.ALLOW_UPDATE | (types ? ExtendedFlag.FAST_TRIG : 0),
      tktFlags: (part.tktFlags ?? 0) | (types && request.enter !== false ? TicketFlag.APPEND_CR : 0),
    }),
  );
  if (config === undefined) throw new TypeError("a configuration that is none");
  return { config, generated };
}

function yubico(request: OtpSlotRequest, platform: Platform): ReturnType<Build> {
  const fixed = publicId(request.publicId, platform);
  const uid = secret(request.privateId, "private id", platform, UID_SIZE, UID_SIZE);
  const key = secret(request.key, "key", platform, KEY_SIZE, KEY_SIZE);
  return {
    part: { fixed, fixedSize: fixed.length, uid: uid.bytes, key: key.bytes },
    generated: { ...named("privateId", uid), ...named("key", key) },
  };
}

function publicId(given: string | undefined, { device }: Platform): Uint8Array {
  if (given === undefined) return concat(SERIAL_PUBLIC_ID, encodeU32be(device.serialNumber));
  const bytes = parseModhex(given);
  if (bytes === undefined || bytes.length > FIXED_SIZE) {
    const example = encodeModhex(concat(SERIAL_PUBLIC_ID, encodeU32be(device.serialNumber)));
    throw refused(`A public id is an even number of up to ${2 * FIXED_SIZE} letters of modhex, such as ${example}.`);
  }
  return bytes;
}

function hotp(request: OtpSlotRequest, platform: Platform): ReturnType<Build> {
  const { digits = 6, counter = 0 } = request;
  if (counter % COUNTER_STEP !== 0) throw refused(`A counter begins at a multiple of ${COUNTER_STEP}.`);
  const key = secret(request.key, "key", platform, 1, HMAC_KEY_SIZE);
  const { key: first, uid } = splitHmacKey(key.bytes);
  return {
    part: {
      key: first,
      uid: concat(uid, new Uint8Array(UID_SIZE - 2 - uid.length), encodeU16be(counter / COUNTER_STEP)),
      tktFlags: TicketFlag.OATH_HOTP,
      cfgFlags: digits === 8 ? ConfigFlag.OATH_HOTP8 : 0,
    },
    generated: named("key", key),
  };
}

function chalresp(request: OtpSlotRequest, platform: Platform): ReturnType<Build> {
  const key = secret(request.key, "key", platform, 1, HMAC_KEY_SIZE);
  const touch = request.touch === true ? ConfigFlag.CHAL_BTN_TRIG : 0;
  return {
    part: {
      ...splitHmacKey(key.bytes),
      tktFlags: TicketFlag.CHAL_RESP,
      cfgFlags: ConfigFlag.CHAL_HMAC | ConfigFlag.HMAC_LT64 | touch,
    },
    generated: named("key", key),
  };
}

function staticPassword(request: OtpSlotRequest, platform: Platform): ReturnType<Build> {
  const { password: given, length = PASSWORD_LENGTH } = request;
  if (given !== undefined && request.length !== undefined) {
    throw refused("A password that is given has its length already.");
  }
  if (length < 1 || length > MAX_PASSWORD) throw refused(`A password has 1 to ${MAX_PASSWORD} characters.`);
  const password = given ?? encodeModhex(platform.randomBytes(Math.ceil(length / 2))).slice(0, length);
  const codes = usScanCodes(password);
  if (codes === undefined) throw refused("A password consists of characters that a US keyboard has.");
  if (codes.length < 1 || codes.length > MAX_PASSWORD) {
    throw refused(`A password has 1 to ${MAX_PASSWORD} characters.`);
  }
  return {
    part: {
      fixed: codes.subarray(0, FIXED_SIZE),
      // As yubikit has it: a static password always has all of the fixed part.
      fixedSize: FIXED_SIZE,
      uid: codes.subarray(FIXED_SIZE, FIXED_SIZE + UID_SIZE),
      key: codes.subarray(FIXED_SIZE + UID_SIZE),
      cfgFlags: ConfigFlag.SHORT_TICKET,
    },
    generated: given === undefined ? { password } : {},
  };
}

interface Secret {
  readonly bytes: Uint8Array;
  readonly isGenerated: boolean;
}

/** Given in hexadecimal, or drawn by chance as long as it may be. */
function secret(given: string | undefined, noun: string, platform: Platform, min: number, max: number): Secret {
  if (given === undefined) return { bytes: platform.randomBytes(max), isGenerated: true };
  const bytes = /^(?:[0-9a-fA-F]{2})*$/.test(given) ? fromHex(given) : undefined;
  if (bytes === undefined || bytes.length < min || bytes.length > max) {
    const size = min === max ? `${max} bytes` : `${min} to ${max} bytes`;
    throw refused(`A ${noun} of this kind has ${size}, in hexadecimal.`);
  }
  return { bytes, isGenerated: false };
}

function named(name: "key" | "privateId", { bytes, isGenerated }: Secret): OtpSlotAnswer["generated"] {
  return isGenerated ? { [name]: toHex(bytes) } : {};
}

function splitHmacKey(key: Uint8Array): Pick<SlotConfig, "key" | "uid"> {
  return { key: key.subarray(0, KEY_SIZE), uid: key.subarray(KEY_SIZE) };
}

function refused(message: string): Refusal {
  return new Refusal("bad-request", message);
}
