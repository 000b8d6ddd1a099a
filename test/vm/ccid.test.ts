/** The smart card reader in the kernel: pcscd with libccid, and scdaemon with its own driver. */
import { afterEach, beforeAll, expect, test } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import { attach, detach, kernelComplaints, usedPorts } from "./attach.ts";
import { guestRepository } from "./guest.ts";
import { type KeyProcess, startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";
import {
  leaveGnupg,
  pcscdLog,
  smartCardPackages,
  startPcscd,
  stopPcscd,
  useGnupg,
  waitForReader,
} from "./smart-card.ts";

const SELECT_FIDO = "00A4040008A0000006472F0001";
/** authenticatorSelection, which waits for a touch. */
const SELECTION = "80100000010B00";
const ATR = "3b:8e:81:31:fe:15:80:73:c0:21:c0:58:4c:61:74:63:68:6b:65:79:7a";

describeInGuest("a smart card reader in the kernel", { packages: smartCardPackages }, (vm) => {
  let key: KeyProcess;
  let control: ControlClient;

  beforeAll(async () => {
    key = await startKey(["--ephemeral", "--touch", "ask", "--log-level", "traffic"]);
    vm.keys.push(key);
    const [, path = ""] = await key.waitFor(/^Control: (\S+)/m);
    control = new ControlClient(path);
  });
  /** Gives the touch that is asked for, after longer than any driver waits without being asked for more time. */
  async function touchLate(): Promise<void> {
    await expect.poll(async () => (await control.status()).waiting.length, { timeout: 30_000 }).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    await control.touch({ granted: true });
  }

  afterEach(async ({ task }) => {
    if (task.result?.state === "fail") process.stderr.write(`--- pcscd ---\n${await pcscdLog(vm.guest)}\n`);
  });

  test("udev knows it for a reader, of the user at the seat", async () => {
    await attach(vm.guest, key.port);
    // The kernel asks for the descriptors after attach has returned.
    const find = "grep -l 1209 /sys/bus/usb/devices/*/idVendor | head -n 1";
    await expect.poll(() => vm.guest.run(find).then(({ output }) => output), { timeout: 15_000 }).toMatch(/idVendor/);
    await vm.guest.ok("udevadm settle --timeout=15");
    const properties = await vm.guest.ok(`udevadm info -q property -p $(readlink -f $(dirname $(${find})))`);
    expect(properties).toMatch(/^ID_SMARTCARD_READER=1$/m);
    expect(properties).toMatch(/^TAGS=.*:uaccess:/m);
  });

  test("lsusb -v reads its class descriptor without complaint", async () => {
    const { code, output } = await vm.guest.run("lsusb -v -d 1209:0001");
    expect(code).toBe(0);
    expect(output).toMatch(/ChipCard Interface Descriptor:/);
    expect(output).toMatch(/bcdCCID +1\.10/);
    expect(output).toMatch(/Short and extended APDU level exchange/);
    expect(output).toMatch(/dwMaxCCIDMsgLen +4106/);
    // lsusb says so of every reader whose bcdCCID is not 1.00, and knows no more of 1.10 than that.
    const rest = output.replace("(Warning: Only accurate for version 1.0)", "");
    expect(rest).not.toMatch(/couldn't|cannot|unable|error|warning|invalid|unrecognized|junk/i);
  });

  test("scdaemon's own driver reads the ATR and gets answers to its APDUs", async () => {
    const gnupg = await useGnupg(vm.guest, "own");
    const { output } = await vm.guest.run(
      `${gnupg} gpg-connect-agent 'SCD GETINFO reader_list' 'SCD SERIALNO' 'SCD GETINFO card_list' /bye`,
      {
        timeoutMs: 60_000,
      },
    );
    expect(output).toMatch(/1209:0001:/i);
    expect(key.output()).toMatch(/CCID > DATA_BLOCK done, 21 bytes/);
    expect(key.output()).toMatch(/00a40400/);
    await leaveGnupg(vm.guest, gnupg);
  });

  test("scdaemon's own driver waits for a touch that takes longer than its time-out", async () => {
    const gnupg = await useGnupg(vm.guest, "own");
    const commands = ["SCD SERIALNO undefined", `SCD APDU ${SELECT_FIDO}`, `SCD APDU ${SELECTION}`];
    const waiting = vm.guest.ok(`${gnupg} gpg-connect-agent '${commands.join("' '")}' /bye | od -An -tx1`, {
      timeoutMs: 60_000,
    });
    await touchLate();
    expect((await waiting).replace(/\s+/g, " ")).toMatch(/44 20 00 90 00 0a/);
    await leaveGnupg(vm.guest, gnupg);
  });

  test("pcscd finds it, and OpenSC its ATR and the FIDO applet", async () => {
    await startPcscd(vm.guest);
    const reader = await waitForReader(vm.guest);
    expect(reader).toMatch(/^Latchkey Security Key \([0-9a-f]{16}\) 00 00$/);
    expect(await vm.guest.ok(`opensc-tool --reader '${reader}' --atr`)).toContain(ATR);
    expect(await vm.guest.ok("opensc-tool --send-apdu 00A4040008A0000006472F0001")).toMatch(/U2F_V2/);
  });

  test("libccid waits for a touch that takes longer than its time-out", async () => {
    // Its drivers for PIV and OpenPGP would select those applications in between.
    const waiting = vm.guest.ok(`OPENSC_DRIVER=default opensc-tool -s ${SELECT_FIDO} -s ${SELECTION}`, {
      timeoutMs: 60_000,
    });
    await touchLate();
    expect(await waiting).toMatch(/Sending: 80 10 [0-9A-F ]+\s+Received \(SW1=0x90, SW2=0x00\):\s+00/);
  });

  test("libccid chains what is longer than one message, in both directions", async () => {
    const script = `${guestRepository}/test/vm/guest/long_apdu.py`;
    expect(await vm.guest.ok(`/usr/bin/python3 ${script} 7500`)).toBe("same 7500\n");
    expect(key.output()).toMatch(/CCID > DATA_BLOCK done, 4096 bytes/);
  });

  test("pcsc_scan sees the card leave and come back, live, and FIDO goes on meanwhile", async () => {
    await vm.guest.ok("stdbuf -oL pcsc_scan -n > /tmp/scan 2>&1 < /dev/null & echo $! > /tmp/scan.pid");
    const scan = () => vm.guest.ok("cat /tmp/scan");
    await expect.poll(scan, { timeout: 15_000, interval: 200 }).toMatch(/Card inserted/);
    expect(await control.moveCard("out")).toEqual({ card: "out", moved: true });
    await expect.poll(scan, { timeout: 5_000, interval: 200 }).toMatch(/Card inserted[\s\S]*Card removed/);
    expect(await vm.guest.ok("fido2-token -L")).toMatch(/hidraw/);
    expect(await control.moveCard("in")).toEqual({ card: "in", moved: true });
    await expect.poll(scan, { timeout: 5_000, interval: 200 }).toMatch(/Card removed[\s\S]*Card inserted/);
    await vm.guest.ok("kill $(cat /tmp/scan.pid)");
    expect(await vm.guest.ok("opensc-tool --atr")).toContain(ATR);
  });

  test("a reader that is unplugged leaves pcscd's list, and is found again", async () => {
    const [port = ""] = await usedPorts(vm.guest);
    await detach(vm.guest, { port });
    const readers = async () => (await vm.guest.run("opensc-tool --list-readers")).output;
    await expect.poll(readers, { timeout: 10_000, interval: 200 }).toMatch(/No smart card readers/);
    await attach(vm.guest, key.port);
    await waitForReader(vm.guest);
  });

  test("scdaemon works through pcscd, too", async () => {
    const gnupg = await useGnupg(vm.guest, "pcscd");
    const before = key.output().length;
    await vm.guest.run(`${gnupg} gpg --card-status`, { timeoutMs: 60_000 });
    expect(key.output().slice(before)).toMatch(/00a40400/);
    await leaveGnupg(vm.guest, gnupg);
    await stopPcscd(vm.guest);
  });

  test("leaves no complaint in the kernel's log", async () => {
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
