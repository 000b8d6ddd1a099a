// The OTP applet behind a card reader, by transcripts; and what touches do to its counters.
import { createDecipheriv } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { ConfigFlag, ExtendedFlag, TicketFlag } from "../../applets/otp/parameters.ts";
import { parseModhex } from "../../applets/otp/scan-map.ts";
import { isCrc16Intact } from "../../src/bytes/crc16.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";
import { type TranscriptCard, testTranscripts } from "../support/transcript.ts";
import { readVectors } from "../support/vectors.ts";
import { chalrespConfig, hotpConfig, makeOtp, UPDATABLE, yubicoConfig } from "./rig.ts";

const { hotp: rfc4226 } = readVectors<{ hotp: { codes6: string[] } }>("yubico-otp");

describe("Transcripts of the OTP applet", () => {
  testTranscripts("otp", (): TranscriptCard => {
    const { platform, otp, card, exchange, command } = makeOtp(createTestPlatform());
    return {
      exchange,
      actions: {
        "power cycle": () => {
          card.reset();
          otp.powerCycle();
        },
        "the touch is denied": () => platform.presence.answer("denied"),
        "nobody touches": () => platform.presence.answer("timeout"),
        "two of them differ": async () => {
          const challenge = new TextEncoder().encode("123456");
          const answers = [await command(0x20, challenge), await command(0x20, challenge)];
          expect(answers[0]).not.toBe(answers[1]);
          for (const answer of answers) expect(Buffer.from(decrypt(answer)).toString("latin1", 0, 6)).toBe("123456");
        },
      },
    };
  });
});

/** Of what hosts see, in hexadecimal with a status word, or in modhex: the 16 bytes under the key 00…0f. */
function decrypt(text: string): Uint8Array {
  const block = parseModhex(text) ?? fromHex(text.slice(0, 32));
  const decipher = createDecipheriv("aes-128-ecb", fromHex("000102030405060708090a0b0c0d0e0f"), null);
  const clear = decipher.setAutoPadding(false).update(block);
  expect(isCrc16Intact(clear)).toBe(true);
  return clear;
}

/** uid 6 | useCtr 2 | timestamp 3 | sessionCtr | rnd 2 | crc 2 */
function fieldsOf(typed: string) {
  const clear = Buffer.from(decrypt(typed.slice(12, 44)));
  return { useCtr: clear.readUInt16LE(6), timestamp: clear.readUIntLE(8, 3), sessionCtr: clear.readUInt8(11) };
}

describe("A touch", () => {
  test("types Yubico OTPs whose counters go up: the session's at each, the other at each power-up", async () => {
    const { platform, otp, configure, touch } = makeOtp();
    await configure(1, yubicoConfig);
    expect(fieldsOf(await touch(1))).toEqual({ useCtr: 1, sessionCtr: 0, timestamp: 0 });
    platform.clock.advance(10_000);
    expect(fieldsOf(await touch(1))).toEqual({ useCtr: 1, sessionCtr: 1, timestamp: 80 });
    otp.powerCycle();
    expect(fieldsOf(await touch(1))).toEqual({ useCtr: 2, sessionCtr: 0, timestamp: 0 });
    otp.powerCycle();
    otp.powerCycle();
    expect(fieldsOf(await touch(1))).toMatchObject({ useCtr: 3, sessionCtr: 0 });
  });

  test("begins a new use when the session's counter has come round", async () => {
    const { configure, touch } = makeOtp();
    await configure(1, yubicoConfig);
    for (let count = 0; count < 256; count++) await touch(1);
    expect(fieldsOf(await touch(1))).toMatchObject({ useCtr: 2, sessionCtr: 0 });
  });

  test("types no OTP twice, when slots are swapped or updated either", async () => {
    const { command, configure, touch } = makeOtp();
    await configure(1, yubicoConfig);
    await touch(1);
    await command(0x06);
    expect(await touch(1)).toBe("empty");
    expect(fieldsOf(await touch(2))).toMatchObject({ useCtr: 1, sessionCtr: 1 });
  });

  test("types nothing when the counter cannot be stored", async () => {
    const { platform, otp, configure, touch } = makeOtp();
    await configure(1, yubicoConfig);
    platform.store.failNextCommit("no-space");
    const type = vi.fn(async () => "typed" as const);
    await expect(otp.touch(1, { type })).rejects.toMatchObject({ code: "no-space" });
    expect(type).not.toHaveBeenCalled();
    expect(fieldsOf(await touch(1))).toMatchObject({ useCtr: 1, sessionCtr: 0 });
  });

  test("types nothing when the counter has come to its end", async () => {
    const { otp, configure, touch } = makeOtp();
    await configure(1, yubicoConfig);
    const state = otp.slots.get(1);
    if (state === undefined) throw new Error("no slot");
    await otp.slots.advance(1, { ...state, useCtr: 0x7fff });
    expect(await touch(1)).toBe("used-up");
    await configure(2, hotpConfig);
    const second = otp.slots.get(2);
    if (second === undefined) throw new Error("no slot");
    await otp.slots.advance(2, { ...second, movingFactor: 0xffff_ffff_ffff_ffffn });
    expect(await touch(2)).toBe("used-up");
  });

  test("types RFC 4226's codes one after the other, over power cycles", async () => {
    const { otp, configure, touch } = makeOtp();
    await configure(2, hotpConfig);
    for (const code of rfc4226.codes6) {
      expect(await touch(2)).toBe(code);
      otp.powerCycle();
    }
  });

  test("begins HOTP where the configuration says", async () => {
    const { otp, configure, touch } = makeOtp();
    await configure(2, { ...hotpConfig, uid: fromHex("373839300002") });
    expect(otp.slots.get(2)?.movingFactor).toBe(32n);
    await touch(2);
    expect(otp.slots.get(2)?.movingFactor).toBe(33n);
  });

  test("makes no slot type that answers challenges, is dormant or empty", async () => {
    const { configure, touch } = makeOtp();
    expect(await touch(1)).toBe("empty");
    await configure(1, chalrespConfig(new Uint8Array(20)));
    await configure(2, { ...yubicoConfig, extFlags: UPDATABLE | ExtendedFlag.DORMANT });
    expect(await touch(1)).toBe("challenge-response");
    expect(await touch(2)).toBe("dormant");
  });

  test("is too much while the key still types", async () => {
    const { otp, configure } = makeOtp();
    await configure(1, hotpConfig);
    let finish: (outcome: "typed") => void = () => {};
    const slowly = new Promise<"typed">((resolve) => {
      finish = resolve;
    });
    const first = otp.touch(1, { type: () => slowly });
    expect(await otp.touch(1, { type: async () => "typed" })).toBe("busy");
    await expect.poll(() => otp.slots.get(1)?.movingFactor).toBe(1n);
    await new Promise(setImmediate);
    finish("typed");
    expect(await first).toBe("typed");
    expect(otp.slots.get(1)?.movingFactor).toBe(1n);
  });

  test("types through the scan map that a host wrote", async () => {
    const { command, configure, touch } = makeOtp();
    await configure(1, hotpConfig);
    // Digits as a French keyboard has them: with Shift.
    const french = fromHex(
      "06050708090a0b0c0d0e0f111517181986858788898a8b8c8d8e8f9195979899a79e9fa0a1a2a3a4a5a6382b28",
    );
    expect(await command(0x12, french)).toMatch(/9000$/);
    expect(await touch(1)).toBe("&%%@@$");
  });

  test("is slower where the configuration says so", async () => {
    const { otp, configure } = makeOtp();
    await configure(1, { ...yubicoConfig, cfgFlags: ConfigFlag.PACING_20MS });
    const type = vi.fn(async () => "typed" as const);
    await otp.touch(1, { type });
    expect(type).toHaveBeenCalledWith(expect.anything(), 20);
  });
});

test("A challenge that waits for its touch does not keep the other slot from being written", async () => {
  const { platform, otp, configure } = makeOtp();
  await configure(1, chalrespConfig(new Uint8Array(20), ConfigFlag.CHAL_BTN_TRIG));
  platform.presence.answer("pending");
  const transport = createTestTransport();
  const answer = otp.execute(0x30, new Uint8Array(64), transport).catch((error: Error) => error.message);
  await expect.poll(() => transport.keepalives).toEqual(["upneeded"]);
  expect(platform.presence.prompts.at(-1)).toEqual({ applet: "OTP", action: "answer a challenge", subject: "slot 1" });
  expect(await configure(2, yubicoConfig)).toMatch(/9000$/);
  transport.cancel();
  expect(await answer).toBe("6985");
});

test("A reset makes both slots and the scan map as new", async () => {
  const { platform, otp, command, configure } = makeOtp();
  await configure(1, { ...yubicoConfig, accCode: fromHex("112233445566") });
  await configure(2, { ...hotpConfig, tktFlags: TicketFlag.OATH_HOTP });
  await otp.reset();
  expect(platform.store.snapshot()).toEqual({});
  expect(toHex(otp.status())).toBe("050704000000");
  expect(await command(0x10)).toBe("00bc614e9000");
});
