// An OTP applet with its card's dispatcher, and configurations as hosts write them.

import { OtpApplet } from "../../applets/otp/applet.ts";
import { ConfigFlag, ExtendedFlag, TicketFlag } from "../../applets/otp/parameters.ts";
import { encodeSlotConfig, type SlotConfig } from "../../applets/otp/slot-config.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { encodeCommandApdu } from "../../src/iso7816/apdu.ts";
import { ApduDispatcher } from "../../src/iso7816/dispatcher.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";

export const UPDATABLE = ExtendedFlag.SERIAL_API_VISIBLE | ExtendedFlag.ALLOW_UPDATE;

export const yubicoConfig: Partial<SlotConfig> = {
  fixed: fromHex("ff0001020304"),
  fixedSize: 6,
  uid: fromHex("010203040506"),
  key: fromHex("000102030405060708090a0b0c0d0e0f"),
  extFlags: UPDATABLE,
  tktFlags: TicketFlag.APPEND_CR,
};

/** The key of RFC 4226 appendix D. */
export const hotpConfig: Partial<SlotConfig> = {
  key: fromHex("31323334353637383930313233343536"),
  uid: fromHex("373839300000"),
  extFlags: UPDATABLE,
  tktFlags: TicketFlag.OATH_HOTP,
};

export function chalrespConfig(key: Uint8Array, cfgFlags = 0): Partial<SlotConfig> {
  return {
    key: key.subarray(0, 16),
    uid: key.subarray(16),
    extFlags: UPDATABLE,
    tktFlags: TicketFlag.CHAL_RESP,
    cfgFlags: ConfigFlag.CHAL_HMAC | ConfigFlag.HMAC_LT64 | cfgFlags,
  };
}

export function makeOtp(platform = createTestPlatform({ seed: "otp" })) {
  const otp = new OtpApplet(platform);
  const card = new ApduDispatcher(() => [otp], platform.log);
  const exchange = (command: Uint8Array) => card.exchange(command, createTestTransport());
  /** Selects, and sends one slot command: the answer in hexadecimal, the status word last. */
  const command = async (p1: number, data: Uint8Array = new Uint8Array(0)): Promise<string> => {
    await exchange(fromHex("00a4040007a0000005272001"));
    return toHex(await exchange(encodeCommandApdu({ ins: 0x01, p1, data })));
  };
  const configure = (slot: 1 | 2, config: Partial<SlotConfig>, code = new Uint8Array(6)) =>
    command(slot === 1 ? 0x01 : 0x03, Buffer.concat([encodeSlotConfig(config), code]));
  /** What a touch types, as text of a US keyboard; or why it does not. */
  const touch = async (slot: 1 | 2): Promise<string> => {
    let typed = "";
    const outcome = await otp.touch(slot, {
      type: async (codes) => {
        typed = typedText(codes);
        return "typed";
      },
    });
    return outcome === "typed" ? typed : outcome;
  };
  return { platform, otp, card, exchange, command, configure, touch };
}

const ROWS: readonly (readonly [number, string])[] = [
  [0x04, "abcdefghijklmnopqrstuvwxyz1234567890"],
  [0x28, "\n"],
  [0x2b, "\t -=[]\\"],
  [0x33, ";'`,./"],
  [0x59, "1234567890"],
];
const SHIFTED = new Map(
  [..."1234567890-=[]\\;'`,./"].map((key, index) => [key, [...'!@#$%^&*()_+{}|:"~<>?'][index] ?? ""] as const),
);

/** What a US keyboard's driver makes of the keys. */
export function typedText(codes: readonly number[]): string {
  return codes
    .map((code) => {
      const usage = code & 0x7f;
      const [first, keys] = ROWS.findLast(([start]) => start <= usage) ?? [0, ""];
      const key = keys[usage - first];
      if (key === undefined) throw new Error(`no key ${usage}`);
      return (code & 0x80) === 0 ? key : (SHIFTED.get(key) ?? key.toUpperCase());
    })
    .join("");
}
