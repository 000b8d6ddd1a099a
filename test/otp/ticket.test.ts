// What slots type, by published vectors and by the words of ykpersonalize(1).
import { describe, expect, test } from "vitest";
import { ConfigFlag, ExtendedFlag, TicketFlag } from "../../applets/otp/parameters.ts";
import { encodeModhex, parseModhex } from "../../applets/otp/scan-map.ts";
import { encodeSlotConfig, parseSlotConfig, type SlotConfig } from "../../applets/otp/slot-config.ts";
import {
  computeHotp,
  encryptTicket,
  hotp,
  pacingOf,
  scanCodeTicket,
  staticTicket,
  yubicoOtp,
} from "../../applets/otp/ticket.ts";
import { usScanCodes } from "../../applets/otp/us-layout.ts";
import { crc16, isCrc16Intact } from "../../src/bytes/crc16.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { readVectors } from "../support/vectors.ts";
import { hotpConfig, typedText, yubicoConfig } from "./rig.ts";

interface Vectors {
  readonly crc16: readonly { readonly hex: string; readonly crc: number }[];
  readonly yubicoOtp: readonly {
    readonly key: string;
    readonly uid: string;
    readonly useCtr: number;
    readonly sessionCtr: number;
    readonly timestamp: number;
    readonly rnd: number;
    readonly otp: string;
  }[];
  readonly hotp: { readonly key: string; readonly codes6: readonly string[]; readonly codes8: readonly string[] };
}

const vectors = readVectors<Vectors>("yubico-otp");

function configOf(config: Partial<SlotConfig>): SlotConfig {
  const parsed = parseSlotConfig(encodeSlotConfig(config));
  if (parsed === undefined) throw new Error("no configuration");
  return parsed;
}

test.each(vectors.crc16)("The CRC of $hex is $crc", ({ hex, crc }) => {
  expect(crc16(fromHex(hex))).toBe(crc);
});

test("A configuration with one bit changed is none", () => {
  const whole = encodeSlotConfig(yubicoConfig);
  expect(whole).toHaveLength(52);
  expect(isCrc16Intact(whole)).toBe(true);
  for (let bit = 0; bit < 52 * 8; bit += 7) {
    const changed = Uint8Array.from(whole);
    changed[bit >>> 3] = (changed[bit >>> 3] as number) ^ (1 << (bit & 7));
    expect(parseSlotConfig(changed)).toBeUndefined();
  }
  expect(parseSlotConfig(encodeSlotConfig({ ...yubicoConfig, fixedSize: 17 }))).toBeUndefined();
  expect(parseSlotConfig(encodeSlotConfig({ ...yubicoConfig, rfu: 1 }))).toBeUndefined();
});

describe("Modhex", () => {
  test("is hexadecimal in other letters", () => {
    expect(encodeModhex(new TextEncoder().encode("test"))).toBe("ifhgieif");
    expect(parseModhex("hknhfjbrjnlnldnhcujvddbikngjrtgh")).toEqual(fromHex("69b6481c8baba2b60e8f22179b58cd56"));
    expect(parseModhex("ccc")).toBeUndefined();
    expect(parseModhex("ca")).toBeUndefined();
  });
});

describe("A Yubico OTP", () => {
  test.each(vectors.yubicoOtp)("is $otp", ({ key, uid, otp, ...fields }) => {
    expect(encodeModhex(encryptTicket({ key: fromHex(key), uid: fromHex(uid) }, fields))).toBe(otp);
  });

  const [vector] = vectors.yubicoOtp;
  const fields = { useCtr: 1, sessionCtr: 1, timestamp: 65537, rnd: 0 };
  const otp = vector?.otp ?? "";

  test("has the public id before it, and Enter behind it", () => {
    expect(typedText(yubicoOtp(configOf(yubicoConfig), fields))).toBe(`vvcccbcdcecf${otp}\n`);
  });

  test("has tabs where the flags ask for them, and the alphabet before all", () => {
    const { TAB_FIRST, APPEND_TAB1, APPEND_TAB2 } = TicketFlag;
    const config = configOf({
      ...yubicoConfig,
      tktFlags: TAB_FIRST | APPEND_TAB1 | APPEND_TAB2,
      cfgFlags: ConfigFlag.SEND_REF,
    });
    expect(typedText(yubicoOtp(config, fields))).toBe(`\tcbdefghijklnrtuvvvcccbcdcecf\t${otp}\t`);
  });

  test("is typed through the scan map", () => {
    const map = fromHex(
      `0c110b071c180d0a0619130f120e0937 8c918b879c988d8a8699938f928e89b7
       271e1f2021222324252 69e2b28`,
    );
    // On a simplified US Dvorak keyboard, as ykpersonalize(1) has the map: c stands where a US keyboard has i.
    expect(typedText(yubicoOtp(configOf(yubicoConfig), fields, map)).slice(0, 12)).toBe("..iiinihidiy");
  });

  test("is as slow as the slot says", () => {
    const pacing = (cfgFlags: number) => pacingOf(configOf({ ...yubicoConfig, cfgFlags }));
    expect([0, ConfigFlag.PACING_10MS, ConfigFlag.PACING_20MS, 0x0c].map(pacing)).toEqual([0, 10, 20, 30]);
  });
});

describe("HOTP", () => {
  const key = fromHex(vectors.hotp.key);

  test("gives RFC 4226's codes", () => {
    expect(vectors.hotp.codes6.map((_, index) => computeHotp(key, BigInt(index), 6))).toEqual(vectors.hotp.codes6);
    expect(vectors.hotp.codes8.map((_, index) => computeHotp(key, BigInt(index), 8))).toEqual(vectors.hotp.codes8);
  });

  test("counts with 64 bits", () => {
    expect(computeHotp(key, 1n << 32n, 6)).not.toBe(computeHotp(key, 0n, 6));
  });

  test("types six digits or eight", () => {
    expect(typedText(hotp(configOf(hotpConfig), 0n))).toBe("755224");
    expect(typedText(hotp(configOf({ ...hotpConfig, cfgFlags: ConfigFlag.OATH_HOTP8 }), 0n))).toBe("84755224");
  });

  test.each([
    [0, "e1e2a345"],
    [ConfigFlag.OATH_FIXED_MODHEX1, "ub" + "e2a345"],
    [ConfigFlag.OATH_FIXED_MODHEX2, "ubud" + "a345"],
    [ConfigFlag.OATH_FIXED_MODHEX, "ubudlefg"],
  ])("types its token identifier with flags %i as %s", (cfgFlags, identifier) => {
    const config = configOf({ ...hotpConfig, fixed: fromHex("e1e2a345"), fixedSize: 4, cfgFlags });
    expect(typedText(hotp(config, 0n))).toBe(`${identifier}755224`);
  });

  test("types digits on the numeric keypad where the slot says so", () => {
    const config = configOf({ ...hotpConfig, extFlags: ExtendedFlag.USE_NUMERIC_KEYPAD });
    const codes = hotp(config, 0n);
    expect(codes).toEqual([0x5f, 0x5d, 0x5d, 0x5a, 0x5a, 0x5c]);
    expect(typedText(codes)).toBe("755224");
  });
});

describe("A static ticket", () => {
  const text = (cfgFlags: number) =>
    typedText(staticTicket(configOf({ ...yubicoConfig, tktFlags: 0, cfgFlags: ConfigFlag.STATIC_TICKET | cfgFlags })));

  test("is the same each time, and as long as a Yubico OTP", () => {
    expect(text(0)).toMatch(/^vvcccbcdcecf[cbdefghijklnrtuv]{32}$/);
    expect(text(0)).toBe(text(0));
  });

  test("is 16 letters when it is short", () => {
    expect(text(ConfigFlag.SHORT_TICKET)).toBe(text(0).slice(0, 16));
  });

  test("has two capitals, digits and an exclamation mark where rules want them", () => {
    expect(text(ConfigFlag.STRONG_PW1)).toBe(`VV${text(0).slice(2)}`);
    const digits = text(0).replace(/[cbdefghi]/g, (letter) => String("cbdefghi".indexOf(letter)));
    expect(text(ConfigFlag.STRONG_PW2)).toBe(digits);
    expect(text(ConfigFlag.STRONG_PW2 | ConfigFlag.SEND_REF)).toBe(`!${digits}`);
  });
});

describe("A static password", () => {
  test("is typed scan code by scan code", () => {
    // ykpersonalize(1): "-oshort-ticket fixed=h:8b080f0f122c9a12150f079e will send Hello World!"
    const config = configOf({ fixed: fromHex("8b080f0f122c9a12150f079e"), fixedSize: 12, cfgFlags: 0x02 });
    expect(typedText(scanCodeTicket(config))).toBe("Hello World!");
  });

  test("may fill all three fields, and has Enter behind it", () => {
    const password = "AbcdefghijklmnopqrstuvwxyZ0123456789!?";
    const codes = usScanCodes(password) ?? new Uint8Array(0);
    const config = configOf({
      fixed: codes.subarray(0, 16),
      uid: codes.subarray(16, 22),
      key: codes.subarray(22),
      tktFlags: TicketFlag.APPEND_CR,
      cfgFlags: ConfigFlag.SHORT_TICKET,
    });
    expect(typedText(scanCodeTicket(config))).toBe(`${password}\n`);
  });

  test("consists of what a US keyboard has", () => {
    const all = Array.from({ length: 95 }, (_, index) => String.fromCharCode(0x20 + index)).join("");
    expect(typedText([...(usScanCodes(all) ?? [])])).toBe(all);
    expect(usScanCodes("ö")).toBeUndefined();
  });
});
