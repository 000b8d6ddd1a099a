import { expect, test } from "vitest";
import { type IdentityOptions, identity } from "../../src/cli/identity.ts";
import { listLocal } from "../../src/cli/list.ts";
import { formatRemote } from "../../src/cli/options.ts";
import { powerCycle } from "../../src/cli/power-cycle.ts";
import { init } from "../../src/cli/store.ts";
import type { KeyIdentity } from "../../src/control/identity-messages.ts";
import { Refusal } from "../../src/control/refusal.ts";
import { attachDevice, openChannel } from "../support/attached-key.ts";
import { commandRig } from "./rig.ts";

const { env, around, printed, print, printedJson, usualStore, banner, start } = commandRig({ touch: "auto" });
const plain = { json: false };

async function identityJson(options: Partial<IdentityOptions> = {}): Promise<KeyIdentity> {
  await identity({ json: true, ...options }, around, print);
  return printedJson() as KeyIdentity;
}

const namesOf = (applications: KeyIdentity["applications"], which: "enabled" | "active") =>
  applications.filter((application) => application[which]).map(({ name }) => name);

test("A key shows what it is", async () => {
  await start();
  const shown = await identityJson();
  expect(shown).toMatchObject({
    identity: "latchkey",
    usbId: "1209:0001",
    manufacturer: "Latchkey",
    product: "Security Key",
    firmwareVersion: "5.7.4",
    fidoVersion: "0.1.0",
    locked: false,
  });
  expect(shown.serial).toMatch(/^[0-9a-f]{16}$/);
  expect(String(shown.cardSerialNumber)).toMatch(/^\d{8}$/);
  expect(shown.interfaces).toContain("FIDO");
  expect(namesOf(shown.applications, "active")).toEqual(expect.arrayContaining(["u2f", "fido2"]));

  await identity(plain, around, print);
  expect(printed[0]).toBe(`Key ${shown.serial}, identity latchkey, USB id 1209:0001`);
  expect(printed.join("\n")).toContain("u2f");
});

test("A key with a YubiKey 5's identity shows that", async () => {
  await start({ identity: "yubikey5" });
  const shown = await identityJson();
  expect(shown).toMatchObject({ identity: "yubikey5", manufacturer: "Yubico", fidoVersion: "5.7.4" });
  expect(shown.usbId).toMatch(/^1050:040[1-7]$/);
  expect(shown.product).toBe(`YubiKey ${shown.interfaces.join("+")}`);
});

test("--usb-id wins over the identity's", async () => {
  await start({ identity: "yubikey5", usbId: { vendor: 0xabcd, product: 0x0042 } });
  expect(await identityJson()).toMatchObject({ identity: "yubikey5", usbId: "abcd:0042" });
});

test("Applications of a running key go off and on when it is next plugged in", async () => {
  const serving = await start();
  const changed = await identityJson({ disable: ["u2f"] });
  expect(namesOf(changed.applications, "enabled")).not.toContain("u2f");
  expect(namesOf(changed.applications, "active")).toContain("u2f");
  await identity(plain, around, print);
  expect(printed.splice(0).at(-1)).toBe("  What was changed takes effect when the key is next plugged in.");

  await powerCycle({ json: false }, env, print);
  printed.length = 0;
  expect(namesOf((await identityJson()).applications, "active")).not.toContain("u2f");
  const device = await attachDevice(serving.address);
  expect((await openChannel(device)).initReply.capabilities & 0x08).toBe(0x08);
  await device.detach();

  const back = await identityJson({ enable: ["u2f"] });
  expect(namesOf(back.applications, "enabled")).toContain("u2f");
});

test("Applications of a key that does not run are off from the start", async () => {
  const store = usualStore();
  await init({ store }, around, () => {});
  await identityJson({ store, disable: ["fido2"] });
  await start({ ephemeral: false, store });
  expect(namesOf((await identityJson()).applications, "active")).not.toContain("fido2");
});

test("The owner needs no lock code, and can forget it", async () => {
  const serving = await start();
  const device = await attachDevice(serving.address);
  const client = await openChannel(device);
  await client.request(0x43, Buffer.from("160a10000102030405060708090a0b0c0d0e0f03020002", "hex"));
  const locked = await identityJson();
  expect(locked).toMatchObject({ locked: true });
  expect(namesOf(locked.applications, "enabled")).toEqual(["u2f"]);
  expect(await identityJson({ enable: ["fido2"] })).toMatchObject({ locked: true });
  const reset = await identityJson({ reset: true });
  expect(reset).toMatchObject({ locked: false });
  expect(namesOf(reset.applications, "enabled")).toEqual(reset.applications.map(({ name }) => name));
});

test("What makes no sense is refused, and changes nothing", async () => {
  await start();
  const before = await identityJson();
  const everything = before.applications.map(({ name }) => name);
  const refusal = (options: Partial<IdentityOptions>) =>
    identity({ json: true, ...options }, around, print).then(
      () => undefined,
      (error: unknown) => (error instanceof Refusal ? error : undefined),
    );
  expect((await refusal({ disable: everything }))?.code).toBe("refused");
  expect((await refusal({ reset: true, disable: everything }))?.code).toBe("refused");
  expect((await refusal({ enable: ["u2f"], disable: ["u2f"] }))?.code).toBe("bad-request");
  expect((await refusal({ enable: ["hsmauth"] }))?.message).toContain('no application "hsmauth"');
  expect((await refusal({ enable: ["constructor"] }))?.code).toBe("bad-request");
  expect(await identityJson()).toEqual(before);
});

test("list --local shows the keys that run, with their applications and where they are", async () => {
  await listLocal(plain, env, print);
  expect(printed.splice(0)).toEqual(["No key is running."]);
  const first = await start();
  const second = await start({ identity: "yubikey5" });
  await listLocal(plain, env, print);
  const lines = printed.splice(0).sort();
  expect(lines).toHaveLength(2);
  for (const { address } of [first, second]) {
    expect(lines.some((line) => line.includes(`  ${formatRemote(address)}  1-1  `) && line.includes("fido2"))).toBe(
      true,
    );
  }
  await listLocal({ json: true }, env, print);
  const { keys } = JSON.parse(printed[0] ?? "");
  expect(keys.map((key: { identity: string }) => key.identity).sort()).toEqual(["latchkey", "yubikey5"]);
  expect(keys[0]).toMatchObject({ busid: "1-1", attachedTo: null, control: expect.stringContaining("latchkey") });
});

test("A key under another name says so when it starts", async () => {
  const said = "Identity: a YubiKey 5's names and numbers, for development.";
  await start({ identity: "yubikey5" });
  expect(banner().includes(said)).toBe(true);
  await start();
  expect(banner().includes(said)).toBe(false);
});
