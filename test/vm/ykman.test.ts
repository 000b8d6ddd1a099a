/**
 * Debian's ykman with a key that has a YubiKey 5's identity: pcscd from its stock driver list, the keyboard's and the FIDO interface's hidraw.
 * Applications are turned off and on over each connection; the key is plugged in anew for each change to take effect.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import type { KeyIdentity } from "../../src/control/messages.ts";
import { type Attachment, attach, detach, kernelComplaints } from "./attach.ts";
import { repository } from "./image.ts";
import { type KeyProcess, startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const slow = { timeoutMs: 60_000 };
/** A lock code, and another. */
const LOCK = "000102030405060708090a0b0c0d0e0f";
const OTHER = "ffffffffffffffffffffffffffffffff";

describeInGuest("ykman", { packages: ["yubikey-manager", "pcscd", "libccid", "opensc", "usbutils"] }, (vm) => {
  let directory: string | undefined;
  let control: string;
  let key: KeyProcess;
  let attachment: Attachment;
  let serialNumber: number;

  afterAll(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });

  const ykman = (command: string) => vm.guest.ok(`ykman ${command}`, slow);
  const tryYkman = (command: string) => vm.guest.run(`ykman ${command}`, slow);

  /** What the owner sees, outside. */
  async function identity(...args: readonly string[]): Promise<KeyIdentity> {
    return JSON.parse(await latchkey("identity", "--json", ...args)) as KeyIdentity;
  }

  /** A command for the key that is served, outside. */
  async function latchkey(...args: readonly string[]): Promise<string> {
    const command = [join(repository, "dist/src/cli.js"), ...args, "--control", control];
    return (await promisify(execFile)(process.execPath, command, { timeout: 30_000 })).stdout;
  }

  async function plugIn(): Promise<void> {
    attachment = await attach(vm.guest, key.port);
    if ((await identity()).readerName === null) return;
    // pcscd hears of it from udev.
    const script =
      "for i in $(seq 100); do opensc-tool --list-readers | grep -q Yubico && exit 0; sleep 0.1; done; exit 1";
    await vm.guest.ok(script, slow);
  }

  async function replug(): Promise<void> {
    await detach(vm.guest, attachment);
    await plugIn();
  }

  test("lists it, by its serial number too, and shows what is on", async () => {
    directory = await mkdtemp(join(tmpdir(), "latchkey-ykman-"));
    control = join(directory, "control");
    key = await startKey([
      "--ephemeral",
      "--touch",
      "auto",
      "--identity",
      "yubikey5",
      "--keyboard",
      "--control",
      control,
    ]);
    vm.keys.push(key);
    await vm.guest.ok("mkdir -p /run/pcscd && (setsid pcscd --foreground >/tmp/pcscd.log 2>&1 </dev/null &)");
    await plugIn();
    const { cardSerialNumber, applications } = await identity();
    serialNumber = cardSerialNumber;

    expect(await vm.guest.ok("lsusb -d 1050:")).toMatch(/ID 1050:0407 /);
    expect(await vm.guest.ok("opensc-tool --list-readers")).toContain("Yubico YubiKey OTP+FIDO+CCID");
    expect(await ykman("list")).toBe(`YubiKey 5A (5.7.4) [OTP+FIDO+CCID] Serial: ${serialNumber}\n`);
    expect(await ykman("list --serials")).toBe(`${serialNumber}\n`);
    const info = await ykman("info");
    expect(info).toContain("Device type: YubiKey 5A");
    expect(info).toContain(`Serial number: ${serialNumber}`);
    expect(info).toContain("Firmware version: 5.7.4");
    expect(info).toContain("Form factor: Keychain (USB-A)");
    expect(info).toContain("Enabled USB interfaces: OTP, FIDO, CCID");
    expect(info.match(/\tEnabled/g)).toHaveLength(applications.length);
    expect(info).not.toContain("lock code");
    // Now, and not later: a kernel that detaches what pcscd polls complains of the socket that it has shut down itself.
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });

  test("turns an application off and on", async () => {
    await ykman("config usb --disable OATH --force");
    await replug();
    expect(await ykman("config usb --list")).not.toContain("OATH");
    expect(await ykman("info")).toMatch(/^OATH\s+Disabled/m);
    expect((await tryYkman("oath info")).code).not.toBe(0);
    expect(await ykman(`--device ${serialNumber} config usb --enable OATH --force`)).toBe("");
    await replug();
    expect(await ykman("config usb --list")).toContain("OATH");
    expect(await ykman("oath info")).toContain("OATH version: 5.7.4");
  });

  test("is kept from it by a lock code, which it sets and clears", async () => {
    await ykman(`config set-lock-code --new-lock-code ${LOCK}`);
    expect(await ykman("info")).toContain("protected by a lock code");
    const wrong = await tryYkman(`config usb --disable OATH --lock-code ${OTHER} --force`);
    expect(wrong.code).not.toBe(0);
    expect(wrong.output).toContain("Failed to configure USB applications");
    await ykman(`config usb --chalresp-timeout 20 --lock-code ${LOCK} --force`);
    await ykman(`config set-lock-code --lock-code ${LOCK} --clear`);
    expect(await ykman("info")).not.toContain("lock code");
    expect((await identity()).locked).toBe(false);
  });

  test("turns FIDO off over the card, and finds a key without that interface", async () => {
    await ykman("config usb --disable FIDO2 --disable U2F --force");
    await replug();
    expect(await vm.guest.ok("lsusb -d 1050:")).toMatch(/ID 1050:0405 /);
    expect(await ykman("list")).toBe(`YubiKey 5A (5.7.4) [OTP+CCID] Serial: ${serialNumber}\n`);
    await identity("--enable", "fido2", "u2f");
    await replug();
    expect(await ykman("list")).toContain("[OTP+FIDO+CCID]");
  });

  test("finds a key without a reader through its other interfaces, and turns everything on again", async () => {
    const { applications } = await identity();
    const cards = applications.map(({ name }) => name).filter((name) => ["oath", "piv", "openpgp"].includes(name));
    await ykman(`config usb ${cards.map((name) => `--disable ${name.toUpperCase()}`).join(" ")} --force`);
    await replug();
    expect(await vm.guest.ok("lsusb -d 1050:")).toMatch(/ID 1050:0403 /);
    expect(await ykman("list")).toBe(`YubiKey 5A (5.7.4) [OTP+FIDO] Serial: ${serialNumber}\n`);
    await ykman("config usb --disable OTP --force");
    await replug();
    expect(await ykman("list")).toBe(`YubiKey 5A (5.7.4) [FIDO] Serial: ${serialNumber}\n`);
    await ykman("config usb --enable-all --force");
    await replug();
    expect(await ykman("list")).toContain("[OTP+FIDO+CCID]");
  });

  test("sees to FIDO: information, PIN, credentials", async () => {
    await latchkey("fido", "reset", "--yes");
    expect(await ykman("fido info")).toContain("PIN is not set");
    await ykman("fido access change-pin --new-pin 24681357");
    expect(await ykman("fido info")).toContain("PIN is set, with 8");
    await ykman("fido access verify-pin --pin 24681357");
    expect((await tryYkman("fido access verify-pin --pin 00000000")).code).not.toBe(0);
    expect((await tryYkman("fido credentials list --pin 24681357")).code).toBe(0);
  });
});
