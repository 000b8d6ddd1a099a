/** USB/IP against the kernel's own client: its `usbip` program, our `latchkey attach`, and what the kernel makes of the device. */
import { readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeAll, expect, test } from "vitest";
import {
  attach,
  attachHid,
  detach,
  hidrawNodes,
  kernelComplaints,
  latchkey,
  usedPorts,
  waitForEnumeration,
  waitForFreePort,
  waitForHidraw,
} from "./attach.ts";
import { hostAddress } from "./guest.ts";
import { type KeyProcess, startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const serve = ["--ephemeral", "--touch", "auto"];

describeInGuest("a Linux kernel as the USB/IP client", { packages: ["usbutils"] }, (vm) => {
  let key: KeyProcess;

  beforeAll(async () => {
    key = await startKey(serve);
    vm.keys.push(key);
  });

  afterEach(async () => {
    for (const port of await usedPorts(vm.guest)) await detach(vm.guest, { port });
  });

  test("usbip list shows the exported device and its interfaces", async () => {
    const list = await vm.guest.ok(`usbip --tcp-port ${key.port} list -r ${hostAddress}`);
    expect(list).toMatch(/^\s+1-1: .*\(1209:0001\)$/m);
    expect(list).toMatch(/0 - .*\(03\/00\/00\)/);
    expect(list).toMatch(/1 - .*\(0b\/00\/00\)/);
  });

  test("usbip attach makes a hidraw node, usbip port names the remote side, usbip detach takes both away", async () => {
    const attachment = await attachHid(vm.guest, key.port);
    expect(await vm.guest.ok("usbip port")).toMatch(
      new RegExp(
        `Port ${attachment.port}: <Port in Use> at High Speed[\\s\\S]*usbip://${hostAddress}:${key.port}/1-1`,
        "m",
      ),
    );
    await detach(vm.guest, attachment);
    expect(await vm.guest.ok("usbip port")).not.toMatch(/in Use/);
    expect(await hidrawNodes(vm.guest)).toEqual([]);
  });

  test("udev tags the node as a FIDO token, for the user at the seat", async () => {
    const { hidraw } = await attachHid(vm.guest, key.port);
    const properties = await vm.guest.ok(`udevadm info -q property -n ${hidraw}`);
    expect(properties).toMatch(/^ID_FIDO_TOKEN=1$/m);
    expect(properties).toMatch(/^TAGS=.*:uaccess:/m);
  });

  test("lsusb -v reads every descriptor without complaint", async () => {
    await attachHid(vm.guest, key.port);
    // lsusb asks for the report descriptor itself if it may claim the interface, so the driver lets go of it.
    const interfaces = "cd /sys/bus/usb/drivers/usbhid && for name in [0-9]*:*; do echo $name > unbind; done";
    const { code, output } = await vm.guest.run(`(${interfaces}) && lsusb -v -d 1209:0001`);
    expect(code).toBe(0);
    // Of a bcdCCID that is not 1.00, and no fault of the descriptor: test/vm/ccid.test.ts looks at it.
    const rest = output.replace("(Warning: Only accurate for version 1.0)", "");
    expect(rest).not.toMatch(/can't|couldn't|cannot|unable|unavailable|error|warning|invalid|unrecognized/i);
    expect(output).toMatch(/iManufacturer +\d+ \S/);
    expect(output).toMatch(/iProduct +\d+ \S/);
    expect(output).toMatch(/iSerial +\d+ \S/);
    expect(output).toMatch(/bInterfaceClass +3 Human Interface Device/);
    expect(output).toMatch(/Usage Page, data= \[ 0xd0 0xf1 \]/);
    expect(output).toMatch(/Device Qualifier/);
    expect(output).toMatch(/Device Status: +0x0000/);
  });

  test("a device in use is refused to a second client, and an unknown busid to anyone", async () => {
    await attach(vm.guest, key.port);
    const second = await vm.guest.run(`usbip --tcp-port ${key.port} attach -r ${hostAddress} -b 1-1`);
    expect(second.code).not.toBe(0);
    expect(second.output).toMatch(/busy/i);
    const unknown = await vm.guest.run(`usbip --tcp-port ${key.port} attach -r ${hostAddress} -b 7-7`);
    expect(unknown.code).not.toBe(0);
    expect(unknown.output).toMatch(/not found|no such device/i);
    expect((await usedPorts(vm.guest)).length).toBe(1);
  });

  test("latchkey list, attach and detach do the same without the usbip program", async () => {
    const remote = `${hostAddress}:${key.port}`;
    expect(await vm.guest.ok(`${latchkey} list --remote ${remote}`)).toMatch(/1-1.*1209:0001/);
    await vm.guest.ok(`${latchkey} attach --remote ${remote}`, { timeoutMs: 40_000 });
    const hidraw = await waitForHidraw(vm.guest);
    expect(await vm.guest.ok(`udevadm info -q property -n ${hidraw}`)).toMatch(/^ID_FIDO_TOKEN=1$/m);
    const [port = ""] = await usedPorts(vm.guest);
    expect(await vm.guest.ok("usbip port")).toContain(`usbip://${hostAddress}:${key.port}/1-1`);
    await vm.guest.ok(`${latchkey} detach --port ${Number(port)}`, { timeoutMs: 40_000 });
    await waitForFreePort(vm.guest, port);
    expect(await hidrawNodes(vm.guest)).toEqual([]);
  });

  test("latchkey detach takes away what usbip attached, and usbip detach what latchkey attached", async () => {
    const first = await attach(vm.guest, key.port);
    await vm.guest.ok(`${latchkey} detach --port ${Number(first.port)}`, { timeoutMs: 40_000 });
    await waitForFreePort(vm.guest, first.port);
    await vm.guest.ok(`${latchkey} attach --remote ${hostAddress}:${key.port}`, { timeoutMs: 40_000 });
    await waitForEnumeration(vm.guest);
    const [port = ""] = await usedPorts(vm.guest);
    await detach(vm.guest, { port });
  });

  test("latchkey attach says in one sentence what is missing", async () => {
    const remote = `${hostAddress}:${key.port}`;
    const user = await vm.guest.run(`setpriv --reuid 65534 --clear-groups ${latchkey} attach --remote ${remote}`, {
      timeoutMs: 40_000,
    });
    expect(user.code).not.toBe(0);
    expect(user.output.trim()).toMatch(/^[^\n]*needs root[^\n]*$/);
    const nobody = await vm.guest.run(`${latchkey} attach --remote ${hostAddress}:1`, { timeoutMs: 40_000 });
    expect(nobody.code).not.toBe(0);
    expect(nobody.output.trim()).toMatch(/^[^\n]+$/);
    await vm.guest.ok("rmmod vhci_hcd");
    const hidden = await vm.guest.run(
      `unshare -m sh -c 'mount -t tmpfs tmpfs /lib/modules && ${latchkey} attach --remote ${remote}'`,
      { timeoutMs: 40_000 },
    );
    expect(hidden.code).not.toBe(0);
    expect(hidden.output.trim()).toMatch(/^[^\n]*vhci-hcd[^\n]*$/);
    // With the module at hand it is loaded without a word.
    await vm.guest.ok(`${latchkey} attach --remote ${remote}`, { timeoutMs: 40_000 });
    await waitForHidraw(vm.guest);
  });

  test("a second server's key is there at the same time", async () => {
    const second = await startKey([...serve, "--usb-id", "1209:0002"]);
    vm.keys.push(second);
    await attachHid(vm.guest, key.port);
    await attachHid(vm.guest, second.port);
    expect((await vm.guest.ok("lsusb")).match(/1209:000[12]/g)?.sort()).toEqual(["1209:0001", "1209:0002"]);
  });

  test("100 cycles of attach and detach in a row leave the server as it was", async () => {
    const cycle = (count: number) =>
      vm.guest.ok(`/usr/bin/python3 /latchkey/test/vm/guest/cycle.py ${hostAddress} ${key.port} ${count}`, {
        timeoutMs: 500_000,
      });
    // Without udev, whose rules take longer than the kernel and the key together.
    await vm.guest.ok("udevadm control --exit");
    try {
      await cycle(10); // what is loaded on first use is loaded now
      const before = { handles: openHandles(key.pid), resident: residentKiB(key.pid) };
      await cycle(100);
      await expect.poll(() => openHandles(key.pid), { timeout: 5_000 }).toEqual(before.handles);
      expect(residentKiB(key.pid) - before.resident).toBeLessThan(16 * 1024);
    } finally {
      await vm.guest.ok("/lib/systemd/systemd-udevd --daemon");
    }
    await attachHid(vm.guest, key.port);
  }, 600_000);

  test("a server that ends takes its devices along, and the guest is ready for the next", async () => {
    for (const end of ["stop", "kill9"] as const) {
      const brief = await startKey(serve);
      vm.keys.push(brief);
      const { port } = await attachHid(vm.guest, brief.port);
      await brief[end]();
      await waitForFreePort(vm.guest, port);
      expect(await hidrawNodes(vm.guest)).toEqual([]);
    }
    await attachHid(vm.guest, key.port);
  });

  test("SIGTERM ends the server with status 0", async () => {
    const brief = await startKey(serve);
    vm.keys.push(brief);
    await attachHid(vm.guest, brief.port);
    expect(await brief.stop()).toBe(0);
  });

  test("leaves no complaint in the kernel's log", async () => {
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});

function openHandles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function residentKiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
