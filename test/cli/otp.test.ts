// latchkey otp and latchkey touch, on keys that run in this process and on the stores of keys that do not.
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { type OtpSetOptions, otpDelete, otpInfo, otpSet, otpSwap } from "../../src/cli/otp.ts";
import { touch } from "../../src/cli/touch.ts";
import type { OtpSlotKind } from "../../src/control/otp-messages.ts";
import { attachDevice } from "../support/attached-key.ts";
import { commandRig } from "./rig.ts";

const { env, around, printed, print, banner, makeStore, secretFile, start } = commandRig();
const plain = { json: false };

const setOptions = { generate: false, button: false, enter: true, replace: false, ...plain };
const set = (slot: 1 | 2, kind: OtpSlotKind, options: Partial<OtpSetOptions & { json: boolean }>, there = around) =>
  otpSet(slot, kind, { ...setOptions, ...options }, there, print);

const lines = () => printed.splice(0);
const touchOptions = { deny: false, long: false, verify: false, ...plain };

describe("latchkey otp", () => {
  it("looks after the store of a key that does not run", async () => {
    await makeStore();
    await set(1, "hotp", { secretFile: secretFile("GEZD GNBV gy3t qojq GEZD GNBV GY3T QOJQ\n"), digits: "8" });
    expect(lines()).toEqual(["Slot 1: HOTP, 8 digits, next counter 0"]);
    await set(2, "chalresp", { secretFile: secretFile("3031 3233"), button: true });
    await otpSwap(plain, around, print);
    expect(lines().slice(-3)).toEqual([
      "  Slot 1: HMAC-SHA1 challenge-response, after a touch",
      "  Slot 2: HOTP, 8 digits, next counter 0",
      "  keyboard: on",
    ]);
    await otpDelete(1, { ...plain, yes: true }, around, print);
    expect(lines()).toEqual(["Slot 1 is empty."]);
    await otpInfo({ json: true }, around, print);
    expect(JSON.parse(lines()[0] ?? "")).toMatchObject({ slots: [{ configured: false }, { kind: "hotp" }] });
  });

  it("prints what it drew by chance, and nothing that was given", async () => {
    await start();
    await set(1, "yubico", { generate: true });
    expect(lines()).toEqual([
      expect.stringMatching(/^Slot 1: Yubico OTP, public id vvcc[cbdefghijklnrtuv]{8}$/),
      expect.stringMatching(/^ {2}private id: [0-9a-f]{12}$/),
      expect.stringMatching(/^ {2}key: [0-9a-f]{32}$/),
    ]);
    await set(2, "static", { secretFile: secretFile("correct horse\n") });
    expect(lines()).toEqual(["Slot 2: static password"]);
    const secret = secretFile("a1a2a3a4a5a6 000102030405060708090a0b0c0d0e0f");
    await set(1, "yubico", { secretFile: secret, publicId: "vvccccfiluij", replace: true });
    expect(lines()).toEqual(["Slot 1: Yubico OTP, public id vvccccfiluij"]);
    await set(2, "static", { generate: true, length: 10, replace: true, json: true });
    expect(JSON.parse(lines()[0] ?? "")).toMatchObject({ generated: { password: expect.stringMatching(/^.{10}$/) } });
  });

  it("belongs to a key that is said to have a keyboard at the start only when it has", async () => {
    await start();
    expect(banner()).toMatch(/^Listening on/m);
    expect(banner()).not.toMatch(/keyboard/i);
  });

  it("asks for a secret at the terminal, and wants one from somewhere", async () => {
    await start();
    await expect(set(1, "static", {})).rejects.toThrow("give --secret-file or --generate");
    await expect(set(1, "static", { generate: true, secretFile: "x" })).rejects.toThrow("not both");
    await expect(set(1, "hotp", { secretFile: secretFile("0189") })).rejects.toThrow("not base32");
    await expect(set(1, "hotp", { secretFile: secretFile(" ") })).rejects.toThrow("not base32");
    await expect(set(1, "yubico", { secretFile: secretFile("0102") })).rejects.toThrow("two secrets");
    const input = new PassThrough();
    const output = new PassThrough();
    output.on("data", (data: Buffer) => /: $/.test(data.toString()) && input.write("swordfish\n"));
    await set(1, "static", {}, { ...around, terminal: { input, output } });
    expect(lines()).toEqual(["Slot 1: static password"]);
  });

  it("deletes nothing that nobody confirms", async () => {
    await start();
    await set(1, "static", { generate: true });
    await expect(otpDelete(1, { ...plain, yes: false }, around, print)).rejects.toThrow("--yes");
  });
});

describe("latchkey touch", () => {
  it("types a slot, and says so", async () => {
    const serving = await start({ keyboard: true });
    expect(banner()).toMatch(/^Keyboard: the key is one/m);
    await set(1, "static", { secretFile: secretFile("ab") });
    await set(2, "static", { secretFile: secretFile("cd") });
    lines();
    await expect(touch(touchOptions, env, print)).rejects.toThrow("attached to no host");
    const device = await attachDevice(serving.address);
    const read = Promise.all(Array.from({ length: 6 }, () => device.transferIn(1, 8)));
    await touch(touchOptions, env, print);
    expect((await read).map((report) => report[2])).toEqual([0x04, 0, 0x05, 0, 0x28, 0]);
    const more = Promise.all(Array.from({ length: 6 }, () => device.transferIn(1, 8)));
    await touch({ ...touchOptions, long: true, json: true }, env, print);
    expect((await more).map((report) => report[2])).toEqual([0x06, 0, 0x07, 0, 0x28, 0]);
    expect(lines()).toEqual(["Typed OTP slot 1.", '{"typed":2}']);
  });
});
