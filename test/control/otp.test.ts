// The OTP slots of a key, for its owner over the control socket; and touches that nothing waits for.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OtpSlotRequest } from "../../src/control/otp-messages.ts";
import { answerTouch, type PressOutcome } from "../../src/control/touch.ts";
import type { TouchMode } from "../../src/presence/mode.ts";
import { PendingPresence } from "../../src/presence/pending.ts";
import { refusal, startKey } from "./running-key.ts";

const directory = mkdtempSync(join(tmpdir(), "latchkey-otp-"));
const never = new AbortController().signal;
let running: Awaited<ReturnType<typeof startKey>>;

beforeEach(async () => {
  running = await startKey(directory);
});
afterEach(async () => {
  await running.server.close();
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const owner = () => running.client.administration;
const set = (request: OtpSlotRequest) => owner().otp.set(request);

describe("The owner", () => {
  it("sees two empty slots, and no keyboard", async () => {
    expect(await owner().otp.info()).toEqual({
      serial: running.key.serialNumber,
      cardSerial: running.key.platform.device.serialNumber,
      keyboard: false,
      slots: [
        { slot: 1, configured: false },
        { slot: 2, configured: false },
      ],
    });
  });

  it("configures each kind, with secrets that are given, and never sees them again", async () => {
    const secrets = [
      "0102030405060708090a0b0c0d0e0f10",
      "a1a2a3a4a5a6",
      "3132333435363738393031323334353637383930",
      "Pass word!",
    ] as const;
    expect(
      await set({ slot: 1, kind: "yubico", publicId: "vvccccfiluij", key: secrets[0], privateId: secrets[1] }),
    ).toEqual({
      slot: {
        slot: 1,
        configured: true,
        kind: "yubico",
        touch: true,
        dormant: false,
        accessCode: false,
        publicId: "vvccccfiluij",
      },
      generated: {},
    });
    expect(await set({ slot: 2, kind: "hotp", key: secrets[2], digits: 8, counter: 32 })).toMatchObject({
      slot: { kind: "hotp", digits: 8, counter: "32" },
      generated: {},
    });
    await set({ slot: 1, kind: "static", password: secrets[3], replace: true });
    expect(await set({ slot: 2, kind: "chalresp", key: secrets[2], touch: true, replace: true })).toMatchObject({
      slot: { kind: "chalresp", touch: true },
    });
    const told = JSON.stringify([await owner().otp.info(), running.logged]);
    for (const secret of secrets) expect(told).not.toContain(secret);
  });

  it("has secrets drawn by chance, and sees them once", async () => {
    const yubico = await set({ slot: 1, kind: "yubico" });
    expect(yubico.generated).toEqual({
      key: expect.stringMatching(/^[0-9a-f]{32}$/),
      privateId: expect.stringMatching(/^[0-9a-f]{12}$/),
    });
    expect(yubico.slot).toMatchObject({ publicId: expect.stringMatching(/^vvcc[cbdefghijklnrtuv]{8}$/) });
    expect((await set({ slot: 2, kind: "static", length: 38 })).generated).toEqual({
      password: expect.stringMatching(/^[cbdefghijklnrtuv]{38}$/),
    });
    expect((await set({ slot: 2, kind: "chalresp", replace: true })).generated).toEqual({
      key: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
  });

  it("replaces nothing unless told to, deletes and swaps what there is", async () => {
    await set({ slot: 1, kind: "static", password: "a" });
    expect((await refusal(set({ slot: 1, kind: "static", password: "b" }))).code).toBe("otp-slot-configured");
    expect((await owner().otp.swap()).slots).toMatchObject([{ configured: false }, { kind: "static" }]);
    expect((await refusal(owner().otp.delete(1))).code).toBe("otp-slot-empty");
    await owner().otp.delete(2);
    expect((await refusal(owner().otp.swap())).code).toBe("otp-slot-empty");
  });

  it.each<[string, OtpSlotRequest]>([
    ["a key that is too long", { slot: 1, kind: "chalresp", key: "00".repeat(21) }],
    ["a key that is not hexadecimal", { slot: 1, kind: "hotp", key: "xy" }],
    ["a key that is too short", { slot: 1, kind: "yubico", key: "00".repeat(15) }],
    ["a public id that is not modhex", { slot: 1, kind: "yubico", publicId: "abc" }],
    ["a password that a US keyboard has not", { slot: 1, kind: "static", password: "ö" }],
    ["a password of 39 characters", { slot: 1, kind: "static", password: "a".repeat(39) }],
    ["no password", { slot: 1, kind: "static", password: "" }],
    ["a password and its length", { slot: 1, kind: "static", password: "a", length: 1 }],
    ["a counter that is no multiple of 16", { slot: 1, kind: "hotp", counter: 17 }],
    ["what another kind has", { slot: 1, kind: "static", touch: true }],
  ])("is refused %s", async (_, request) => {
    expect((await refusal(set(request))).code).toBe("bad-request");
    expect((await owner().otp.info()).slots[0]?.configured).toBe(false);
  });

  it.each([
    { slot: 3, kind: "static" },
    { slot: 1, kind: "totp" },
    { slot: 1, kind: "hotp", digits: 7 },
  ])("is refused %j", async (request) => {
    expect((await refusal(set(request as unknown as OtpSlotRequest))).code).toBe("bad-request");
  });
});

describe("A touch that nothing waits for", () => {
  const press = (options: {
    outcome?: PressOutcome;
    touch?: TouchMode;
    attachedTo?: string | null;
    hasKeyboard?: boolean;
  }) => {
    const { outcome = "typed", touch = "ask", attachedTo = "host:1", hasKeyboard = true } = options;
    const pressed: boolean[] = [];
    const pending = new PendingPresence();
    const key = {
      status: () => ({ ...statusOf(), touch, attachedTo }),
      pending: touch === "ask" ? pending : undefined,
      hasKeyboard,
      pressTouch: async (long: boolean) => {
        pressed.push(long);
        return outcome;
      },
    };
    return { key, pressed, pending };
  };
  let statusOf: () => Awaited<ReturnType<typeof running.client.status>>;
  beforeEach(async () => {
    const status = await running.client.status();
    statusOf = () => status;
  });

  it("types slot 1, a long one slot 2, with --touch ask and auto", async () => {
    for (const touch of ["ask", "auto"] as const) {
      const { key, pressed } = press({ touch });
      expect(await answerTouch(key, { granted: true }, never)).toEqual({ typed: 1 });
      expect(await answerTouch(key, { granted: true, long: true }, never)).toEqual({ typed: 2 });
      expect(pressed).toEqual([false, true]);
    }
  });

  it("is given to what waits, and then types nothing", async () => {
    const { key, pressed, pending } = press({});
    const waiting = pending.request({ applet: "FIDO2", action: "sign in" }, never);
    expect(await answerTouch(key, { granted: true }, never)).toMatchObject({ granted: true });
    expect(await waiting).toBe("granted");
    expect(pressed).toEqual([]);
  });

  it.each([
    ["a denial", { granted: false }],
    ["the answer to one question", { granted: true, id: 1 }],
    ["a verification", { granted: true, verified: true }],
    ["one that waits", { granted: true, waitMs: 1 }],
  ])("types nothing when it is %s", async (_, request) => {
    const { key, pressed } = press({});
    expect((await refusal(answerTouch(key, request, never))).code).toBe("nothing-waits");
    expect(pressed).toEqual([]);
  });

  it("types nothing with --touch deny, nor uses anything up for a host that is not there", async () => {
    const denied = press({ touch: "deny" });
    expect((await refusal(answerTouch(denied.key, { granted: true }, never))).code).toBe("not-asking");
    const unattached = press({ attachedTo: null });
    expect((await refusal(answerTouch(unattached.key, { granted: true }, never))).message).toMatch(
      /attached to no host/,
    );
    expect([...denied.pressed, ...unattached.pressed]).toEqual([]);
  });

  it.each<[PressOutcome, RegExp]>([
    ["empty", /OTP slot 1 has nothing to type: it is not configured/],
    ["dormant", /OTP slot 1 is dormant/],
    ["challenge-response", /OTP slot 1 types nothing: it answers challenges/],
    ["used-up", /has come to its end/],
    ["busy", /is typing already/],
    ["unread", /did not read all that the key typed/],
    ["no-keyboard", /has no keyboard/],
  ])("says why it types nothing: %s", async (outcome, message) => {
    const { key } = press({ outcome });
    const refused = await refusal(answerTouch(key, { granted: true }, never));
    expect(refused).toMatchObject({ code: "nothing-waits", message: expect.stringMatching(message) });
  });
});
