/** Firefox's navigator.credentials with the key; what it hands to the page is verified by @simplewebauthn/server. */
import { afterEach, beforeAll, expect, test } from "vitest";
import { attachHid, detach, kernelComplaints, usedPorts } from "./attach.ts";
import { servePage } from "./browser.ts";
import { type Firefox, launchFirefox } from "./firefox.ts";
import { startKey } from "./key-process.ts";
import { logIn, register } from "./relying-party.ts";
import { describeInGuest } from "./requirements.ts";

const aaguid = "6ef40769-a9a4-4bde-bf39-8ff256953245";
const prfInput = Buffer.from("what the page keeps its data under").toString("base64url");

describeInGuest("Firefox", { packages: ["firefox-esr"], memoryMiB: 3072 }, (vm) => {
  let browser: Firefox;

  async function plugIn(args: readonly string[]): Promise<string> {
    const key = await startKey(["--ephemeral", "--touch", "auto", ...args]);
    vm.keys.push(key);
    return (await attachHid(vm.guest, key.port)).hidraw;
  }

  beforeAll(async () => {
    await servePage(vm.guest);
    browser = await launchFirefox(vm.guest);
  }, 400_000);

  afterEach(async () => {
    for (const port of await usedPorts(vm.guest)) await detach(vm.guest, { port });
  });

  test("registers and logs in", async () => {
    await plugIn([]);
    const asked = { userName: "ann", resident: false, userVerification: "discouraged" } as const;
    const registration = await register(browser, asked);
    expect(registration).toMatchObject({ format: "packed", aaguid, userVerified: false });
    const login = await logIn(browser, registration, { discoverable: false, userVerification: "discouraged" });
    expect(login).toMatchObject({ userVerified: false });
  });

  test("registers a passkey with a key that verifies its user, logs in by it alone, and gets PRF's secret", async () => {
    await plugIn(["--uv", "auto"]);
    const asked = { userName: "ben", resident: true, userVerification: "required", prf: true } as const;
    const registration = await register(browser, asked);
    expect(registration).toMatchObject({ format: "packed", aaguid, userVerified: true });
    expect(registration.extensions).toMatchObject({ credProps: { rk: true }, prf: { enabled: true } });
    const options = { discoverable: true, userVerification: "required", prfInput } as const;
    const login = await logIn(browser, registration, options);
    expect(login).toMatchObject({ userHandle: registration.userHandle, userVerified: true });
    expect(Buffer.from(login.extensions.prf?.results?.first ?? "", "base64url")).toHaveLength(32);
  });

  test("registers a passkey with the PIN typed, and logs in by it with the PIN typed", async () => {
    const pin = "2468";
    const hidraw = await plugIn([]);
    await vm.guest.ok(`fido2-token -S ${hidraw}`, { input: `${pin}\n${pin}\n` });
    const asked = { userName: "dee", resident: true, userVerification: "required", prf: true } as const;
    await browser.typePinWhenAsked(pin);
    const registration = await register(browser, asked);
    expect(registration).toMatchObject({ format: "packed", userVerified: true });
    const options = { discoverable: true, userVerification: "required", prfInput } as const;
    await browser.typePinWhenAsked(pin);
    const login = await logIn(browser, registration, options);
    expect(login).toMatchObject({ userHandle: registration.userHandle, userVerified: true });
    expect(Buffer.from(login.extensions.prf?.results?.first ?? "", "base64url")).toHaveLength(32);
  });

  test("leaves no complaint in the kernel's log", async () => {
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
