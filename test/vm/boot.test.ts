/** The harness itself: what the other suites take for granted about a guest. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { kernelComplaints } from "./attach.ts";
import { Guest, GuestTimeoutError } from "./guest.ts";
import { describeInGuest } from "./requirements.ts";

describeInGuest("a guest", {}, (vm) => {
  test("runs Debian's own kernel on two processors", async () => {
    expect(await vm.guest.ok("uname -sr; nproc")).toMatch(/^Linux \d+\.\d+\.\S+-amd64\n2\n$/);
  });

  test("has the kernel's USB/IP client, HID, serial and input drivers loaded", async () => {
    const loaded = await vm.guest.ok("lsmod");
    for (const module of ["vhci_hcd", "usbip_core", "usbhid", "hid_generic", "cdc_acm", "evdev", "usbmon"]) {
      expect(loaded).toMatch(new RegExp(`^${module}\\b`, "m"));
    }
  });

  test("has a running device manager with a hardware database", async () => {
    await vm.guest.ok("udevadm control --ping --timeout=5");
    expect(await vm.guest.ok("systemd-hwdb query 'usb:v1050p0407*'")).toMatch(/Yubico/);
  });

  test("sees this repository, and may change its files without changing them outside", async () => {
    await vm.guest.ok("cmp /latchkey/test/vm/guest/agent.py /proc/1/cwd/latchkey/test/vm/guest/agent.py");
    expect((await vm.guest.run("touch /latchkey/written-in-the-guest")).code).not.toBe(0);
    await vm.guest.ok("echo changed > /etc/latchkey-guest");
    expect(existsSync("/etc/latchkey-guest")).toBe(false);
  });

  test("reaches the host's loopback and nothing else", async () => {
    expect(await vm.guest.ok("busybox ip -4 -o addr")).toMatch(/10\.0\.2\.15/);
    expect(await vm.guest.ok("busybox ip route")).not.toMatch(/default/);
  });

  test("gives exit statuses back exactly", async () => {
    for (const status of [0, 1, 2, 42, 127, 255]) {
      expect(await vm.guest.run(`exit ${status}`)).toEqual({ code: status, output: "" });
    }
    expect((await vm.guest.run("kill -SEGV $$")).code).toBe(128 + 11);
    await expect(vm.guest.ok("echo why; exit 3")).rejects.toThrow(/status 3(.|\n)*why/);
  });

  test("carries output and input as they are", async () => {
    const input = Array.from({ length: 20_000 }, (_, index) => `line ${index} äöü\n`).join("");
    expect(await vm.guest.run("cat; echo 'quotes \" and $signs' >&2", { input })).toEqual({
      code: 0,
      output: `${input}quotes " and $signs\n`,
    });
  });

  test("runs scripts that were sent together at the same time", async () => {
    await vm.guest.ok("mkfifo /tmp/meeting");
    const answers = await Promise.all([vm.guest.ok("cat /tmp/meeting"), vm.guest.ok("echo met > /tmp/meeting")]);
    expect(answers).toEqual(["met\n", ""]);
  });

  test("kills a hanging command and its children at the limit, and goes on", async () => {
    const start = Date.now();
    const hanging = vm.guest.run("echo before; sleep 987 & sleep 987", { timeoutMs: 700 });
    await expect(hanging).rejects.toThrow(GuestTimeoutError);
    await expect(hanging).rejects.toThrow(/before/);
    expect(Date.now() - start).toBeLessThan(10_000);
    expect((await vm.guest.run("cat /proc/[0-9]*/comm 2>/dev/null | grep -cx sleep")).output).toBe("0\n");
    expect(await vm.guest.ok("echo alive")).toBe("alive\n");
  });

  test("has a kernel log without complaints about USB", async () => {
    expect((await vm.guest.dmesg()).some((line) => line.includes("vhci_hcd"))).toBe(true);
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });

  test("has its kernel's complaints noticed", async () => {
    const complaints = [
      "<3>usb 1-1: device descriptor read/64, error -71",
      "<6>vhci_hcd: cannot find a urb of seqnum 17 max seqnum 16",
      "<1>BUG: kernel NULL pointer dereference, address: 0000000000000000",
    ];
    await vm.guest.ok('cat > /tmp/lines; while read -r line; do echo "$line" > /dev/kmsg; done < /tmp/lines', {
      input: [...complaints, "<6>usb 1-1: USB disconnect, device number 2", ""].join("\n"),
    });
    const noticed = await kernelComplaints(vm.guest);
    expect(noticed.length).toBe(complaints.length);
    for (const complaint of complaints) expect(noticed.join("\n")).toContain(complaint.slice("<3>".length));
  });

  test("makes its end known to a job that is running", async () => {
    const second = await Guest.boot({ memoryMiB: 512 });
    try {
      await expect(second.run("echo c > /proc/sysrq-trigger")).rejects.toThrow(/QEMU ended/);
      await expect(second.run("true")).rejects.toThrow(/QEMU ended/);
    } finally {
      await second.stop();
    }
  });
});
