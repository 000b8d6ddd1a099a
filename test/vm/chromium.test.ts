/** Chromium's navigator.credentials with the key; what it hands to the page is verified by @simplewebauthn/server. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attachHid, detach, kernelComplaints, usedPorts } from "./attach.ts";
import { servePage } from "./browser.ts";
import { type Chromium, launchChromium } from "./chromium.ts";
import { type KeyProcess, startKey } from "./key-process.ts";
import { logIn, register } from "./relying-party.ts";
import { describeInGuest } from "./requirements.ts";

const aaguid = "6ef40769-a9a4-4bde-bf39-8ff256953245";
const prfInput = Buffer.from("what the page keeps its data under").toString("base64url");

describeInGuest("Chromium", { packages: ["chromium", "xvfb", "xdotool", "fido2-tools"], memoryMiB: 3072 }, (vm) => {
  let browser: Chromium;
  let key: KeyProcess;

  beforeAll(async () => {
    await servePage(vm.guest);
    browser = await launchChromium(vm.guest);
  }, 400_000);

  async function plugIn(args: readonly string[]): Promise<string> {
    key = await startKey(["--ephemeral", "--touch", "auto", ...args]);
    vm.keys.push(key);
    return (await attachHid(vm.guest, key.port)).hidraw;
  }

  async function plugOut(): Promise<void> {
    for (const port of await usedPorts(vm.guest)) await detach(vm.guest, { port });
  }

  /** Confirms the account that Chromium offers, once the key has signed for it. */
  async function chooseAccount(from: number): Promise<void> {
    await key.waitFor(/sign in for "localhost"/, from, 60_000);
    await browser.answerDialog();
  }

  describe("with a key that verifies its user", () => {
    beforeAll(async () => void (await plugIn(["--uv", "auto"])));
    afterAll(plugOut);

    test("registers and logs in, and PRF gives the same secret for the same input", async () => {
      const asked = { userName: "ann", resident: false, userVerification: "required", prf: true } as const;
      const registration = await register(browser, asked);
      expect(registration).toMatchObject({ format: "packed", aaguid, userVerified: true });
      expect(registration.extensions).toMatchObject({ credProps: { rk: false }, prf: { enabled: true } });
      const options = { discoverable: false, userVerification: "required", prfInput } as const;
      const first = await logIn(browser, registration, options);
      const second = await logIn(browser, registration, options);
      expect(second.counter).toBeGreaterThan(first.counter);
      const secret = Buffer.from(first.extensions.prf?.results?.first ?? "", "base64url");
      expect(secret).toHaveLength(32);
      expect(second.extensions.prf?.results?.first).toBe(secret.toString("base64url"));
      const other = await logIn(browser, registration, { ...options, prfInput: `${prfInput}AA` });
      expect(other.extensions.prf?.results?.first).not.toBe(secret.toString("base64url"));
    });

    test("registers a passkey and logs in by it alone", async () => {
      const asked = { userName: "ben", resident: true, userVerification: "required" } as const;
      const registration = await register(browser, asked);
      expect(registration).toMatchObject({ format: "packed", aaguid, userVerified: true });
      expect(registration.extensions).toMatchObject({ credProps: { rk: true } });
      const from = key.output().length;
      const options = { discoverable: true, userVerification: "required" } as const;
      const [login] = await Promise.all([logIn(browser, registration, options), chooseAccount(from)]);
      expect(login).toMatchObject({ userHandle: registration.userHandle, userVerified: true });
    });
  });

  describe("with a key that has a PIN", () => {
    const pin = "2468";

    beforeAll(async () => {
      const hidraw = await plugIn([]);
      await vm.guest.ok(`fido2-token -S ${hidraw}`, { input: `${pin}\n${pin}\n` });
    });
    afterAll(plugOut);

    test("registers and logs in without it where the page discourages verification", async () => {
      const asked = { userName: "cem", resident: false, userVerification: "discouraged" } as const;
      const registration = await register(browser, asked);
      expect(registration).toMatchObject({ format: "packed", aaguid, userVerified: false });
      const login = await logIn(browser, registration, { discoverable: false, userVerification: "discouraged" });
      expect(login).toMatchObject({ userVerified: false });
    });

    test("registers a passkey with the PIN typed, and logs in by it with the PIN typed", async () => {
      const asked = { userName: "dee", resident: true, userVerification: "required", prf: true } as const;
      const [registration] = await Promise.all([register(browser, asked), browser.answerDialog(pin)]);
      expect(registration).toMatchObject({ format: "packed", userVerified: true });
      expect(registration.extensions).toMatchObject({ credProps: { rk: true }, prf: { enabled: true } });
      const from = key.output().length;
      const options = { discoverable: true, userVerification: "required", prfInput } as const;
      const typed = browser.answerDialog(pin).then(() => chooseAccount(from));
      const [login] = await Promise.all([logIn(browser, registration, options), typed]);
      expect(login).toMatchObject({ userHandle: registration.userHandle, userVerified: true });
      expect(Buffer.from(login.extensions.prf?.results?.first ?? "", "base64url")).toHaveLength(32);
    });
  });

  test("leaves no complaint in the kernel's log", async () => {
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
