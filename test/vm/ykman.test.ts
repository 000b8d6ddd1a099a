/**
 * Debian's ykman with a key that has a YubiKey 5's identity: pcscd from its stock driver list, the keyboard's and the FIDO interface's hidraw.
 * Applications are turned off and on over each connection; the key is plugged in anew for each change to take effect. (Lock codes: test/native.)
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KeyIdentity } from "../../src/control/identity-messages.ts";
import { type Attachment, attach, detach, kernelComplaints } from "./attach.ts";
import { makeCredential } from "./fido2-tools.ts";
import { repository } from "./image.ts";
import { type KeyProcess, startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";
import { runYkman } from "./ykman.ts";

const packages = ["yubikey-manager", "pcscd", "libccid", "opensc", "usbutils", "fido2-tools", "openssl"];

describeInGuest("ykman", { packages }, (vm) => {
  const directory = mkdtempSync(join(tmpdir(), "latchkey-ykman-"));
  const control = join(directory, "control");
  let key: KeyProcess;
  let attachment: Attachment;
  let serialNumber: number;

  beforeAll(async () => {
    const identity = ["--identity", "yubikey5", "--keyboard"];
    key = await startKey(["--ephemeral", "--touch", "auto", ...identity, "--control", control]);
    vm.keys.push(key);
    await vm.guest.ok("mkdir -p /run/pcscd && (setsid pcscd --foreground >/tmp/pcscd.log 2>&1 </dev/null &)");
    await plugIn();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const ykman = (...commands: readonly string[]) => runYkman(vm.guest, ...commands);
  const listed = (interfaces: string) => `YubiKey 5A (5.7.4) [${interfaces}] Serial: ${serialNumber}\n`;
  const productId = async () => /ID 1050:(\S+)/.exec(await vm.guest.ok("lsusb -d 1050:"))?.[1];

  /** What the owner sees, outside. */
  async function identity(): Promise<KeyIdentity> {
    const command = [join(repository, "dist/src/cli.js"), "identity", "--json", "--control", control];
    return JSON.parse(
      (await promisify(execFile)(process.execPath, command, { timeout: 30_000 })).stdout,
    ) as KeyIdentity;
  }

  async function plugIn(): Promise<void> {
    attachment = await attach(vm.guest, key.port);
    if ((await identity()).readerName === null) return;
    // pcscd hears of it from udev.
    const script =
      "for i in $(seq 100); do opensc-tool --list-readers | grep -q Yubico && exit 0; sleep 0.1; done; exit 1";
    await vm.guest.ok(script, { timeoutMs: 60_000 });
  }

  async function replug(): Promise<void> {
    await detach(vm.guest, attachment);
    await plugIn();
  }

  test("lists it, by its serial number too, and shows what is on", async () => {
    const { cardSerialNumber, applications } = await identity();
    serialNumber = cardSerialNumber;
    expect(await productId()).toBe("0407");
    expect(await vm.guest.ok("opensc-tool --list-readers")).toContain("Yubico YubiKey OTP+FIDO+CCID");
    // Now, and not later: a kernel that detaches what pcscd polls complains of the socket that it has shut down itself.
    expect(await kernelComplaints(vm.guest)).toEqual([]);

    const [list, serials, info = ""] = await ykman(
      "list",
      "list --serials",
      "info",
      "config usb --disable OATH --disable FIDO2 --disable U2F --force",
    );
    expect(list).toBe(listed("OTP+FIDO+CCID"));
    expect(serials).toBe(`${serialNumber}\n`);
    expect(info).toContain("Device type: YubiKey 5A");
    expect(info).toContain(`Serial number: ${serialNumber}`);
    expect(info).toContain("Firmware version: 5.7.4");
    expect(info).toContain("Form factor: Keychain (USB-A)");
    expect(info).toContain("Enabled USB interfaces: OTP, FIDO, CCID");
    expect(info.match(/\tEnabled/g)).toHaveLength(applications.length);
  });

  test("has turned applications off over the card, FIDO's interface with them, and turns everything on", async () => {
    await replug();
    expect(await productId()).toBe("0405");
    const [list, info] = await ykman("list", "info", "! oath info", `--device ${serialNumber} config usb -a --force`);
    expect(list).toBe(listed("OTP+CCID"));
    expect(info).toMatch(/^OATH\s+Disabled/m);
    expect(info).toMatch(/^FIDO2\s+Disabled/m);
  });

  test("finds a key without a reader through its other interfaces, and turns everything on again", async () => {
    await replug();
    const [, oath] = await ykman("list", "oath info", "config usb --disable OATH --disable PIV --disable OPENPGP -f");
    expect(oath).toContain("OATH version: 5.7.4");
    await replug();
    expect(await productId()).toBe("0403");
    expect((await ykman("list", "config usb --disable OTP --force"))[0]).toBe(listed("OTP+FIDO"));
    await replug();
    expect((await ykman("list", "config usb --enable-all --force"))[0]).toBe(listed("FIDO"));
    await replug();
    expect(await productId()).toBe("0407");
  });

  test("sees to FIDO: information, PIN, credentials", async () => {
    const hidraw = (await vm.guest.ok("fido2-token -L | cut -d: -f1")).trim();
    await makeCredential(vm.guest, hidraw, { resident: true, rpId: "example.com", userName: "alice" });
    const said = await ykman(
      "fido info",
      "fido access change-pin --new-pin 24681357",
      "fido access change-pin --pin 24681357 --new-pin 13572468",
      "fido info",
      "! fido access verify-pin --pin 00000000",
      "fido access verify-pin --pin 13572468",
      "fido credentials list --pin 13572468",
      "fido credentials delete --pin 13572468 --force alice",
      "fido credentials list --pin 13572468",
    );
    expect(said[0]).toContain("PIN is not set");
    expect(said[3]).toContain("PIN is set, with 8");
    expect(said[6]).toMatch(/example\.com.*alice/);
    expect(said[8]).toBe("");
  });

  test("sees to OpenPGP: information, tries, touch, certificates, reset", async () => {
    await vm.guest.ok(
      "cd /tmp && openssl req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -subj /CN=own 2>/dev/null",
      { timeoutMs: 60_000 },
    );
    const said = await ykman(
      "openpgp info",
      "openpgp access set-retries 5 6 7 --admin-pin 12345678 --force",
      "openpgp keys set-touch sig on --admin-pin 12345678 --force",
      "openpgp keys import att own.key --admin-pin 12345678",
      "openpgp certificates import att own.pem --admin-pin 12345678",
      "openpgp certificates export att exported.pem",
      "openpgp info",
      "openpgp reset --force",
      "openpgp info",
    );
    expect(said[0]).toMatch(/^OpenPGP version: 3\.4$/m);
    expect(said[6]).toMatch(/^PIN tries remaining: 5$/m);
    expect(said[6]).toMatch(/^Signature key +On$/m);
    expect(said[8]).toMatch(/^PIN tries remaining: 3$/m);
    expect(said[8]).toMatch(/^Signature key +Off$/m);
    await vm.guest.ok("cmp /tmp/own.pem /tmp/exported.pem");
  });
});
