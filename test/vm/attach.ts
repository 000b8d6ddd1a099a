/**
 * Plugging in and out, in the guest: by the kernel's own `usbip` program or by `latchkey attach`; and what the kernel said about it.
 */
import { type Guest, guestRepository, hostAddress } from "./guest.ts";

/** The path of `latchkey` in the guest, as two words for a shell. */
export const latchkey = `${process.execPath} ${guestRepository}/dist/src/cli.js`;

export interface Attachment {
  /** The vhci port that `usbip port` shows, e.g. "00". */
  readonly port: string;
}

/** Attaches by the kernel's tool and waits until the kernel has enumerated the device and udev has settled. @throws with the tool's output */
export async function attach(guest: Guest, tcpPort: number, busid = "1-1"): Promise<Attachment> {
  const before = await usedPorts(guest);
  await guest.ok(`usbip --tcp-port ${tcpPort} attach -r ${hostAddress} -b ${busid}`);
  const after = await waitFor(guest, "a newly used vhci port", async () => {
    const port = (await usedPorts(guest)).find((used) => !before.includes(used));
    return port;
  });
  await waitForEnumeration(guest);
  return { port: after };
}

/**
 * Waits until the kernel has enumerated every attached device and bound its interfaces.
 *
 * Who detaches earlier makes the kernel complain about itself: `vhci_device speed not set` is what vhci_hub_control (drivers/usb/usbip/vhci_hcd.c,
 * GetPortStatus) prints when the hub's thread asks whether its reset of a port is over and vhci_device_reset has cleared the port's speed meanwhile.
 */
export async function waitForEnumeration(guest: Guest): Promise<void> {
  await waitFor(guest, "all attached devices to be enumerated", async () => {
    return (await enumeratedDevices(guest)) === (await usedPorts(guest)).length ? true : undefined;
  });
  await guest.ok("udevadm settle --timeout=15");
}

/**
 * How many devices have a configuration in force, root hubs aside (theirs are called usb1, usb2). The file is read under the device's lock,
 * which the hub's thread holds until the interfaces' drivers have probed.
 */
async function enumeratedDevices(guest: Guest): Promise<number> {
  const values = await guest.ok("cat /sys/bus/usb/devices/[0-9]*-*/bConfigurationValue 2>/dev/null || true");
  return values.split("\n").filter((line) => line !== "").length;
}

/** Attaches a device with a HID interface. @returns additionally its node, e.g. "/dev/hidraw0" */
export async function attachHid(
  guest: Guest,
  tcpPort: number,
  busid = "1-1",
): Promise<Attachment & { hidraw: string }> {
  const before = await hidrawNodes(guest);
  const attachment = await attach(guest, tcpPort, busid);
  return { ...attachment, hidraw: await waitForHidraw(guest, before) };
}

/** Waits for a hidraw node that was not there before. */
export async function waitForHidraw(guest: Guest, before: readonly string[] = []): Promise<string> {
  const hidraw = await waitFor(guest, "a new /dev/hidraw node", async () => {
    return (await hidrawNodes(guest)).find((node) => !before.includes(node));
  });
  await guest.ok("udevadm settle --timeout=15");
  return hidraw;
}

export async function detach(guest: Guest, attachment: Attachment): Promise<void> {
  await guest.ok(`usbip detach -p ${attachment.port}`);
  await waitForFreePort(guest, attachment.port);
}

export async function waitForFreePort(guest: Guest, port: string): Promise<void> {
  await waitFor(guest, `vhci port ${port} to be free`, async () => {
    return (await usedPorts(guest)).includes(port) ? undefined : true;
  });
  await waitForEnumeration(guest); // the port is free before the hub's thread has taken its device away
}

export async function hidrawNodes(guest: Guest): Promise<string[]> {
  return (await guest.ok("ls /dev/hidraw* 2>/dev/null || true")).split("\n").filter((line) => line !== "");
}

/** The vhci ports in use, as `…/status` shows them: columns hub, port, state; 004 is VDEV_ST_NULL, a free port. */
export async function usedPorts(guest: Guest): Promise<string[]> {
  const status = await guest.ok("cat /sys/devices/platform/vhci_hcd.0/status");
  const used = status.matchAll(/^(?:hs|ss)\s+(\d+)\s+(\d+)/gm);
  return Array.from(used, (match) => ({ port: Number(match[1]), state: match[2] }))
    .filter(({ state }) => state !== "004")
    .map(({ port }) => String(port).padStart(2, "0"));
}

async function waitFor<T>(guest: Guest, what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 15_000; Date.now() < end; ) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}\n${(await guest.dmesg()).slice(-20).join("\n")}`);
}

/**
 * The complaints about USB in the kernel's log: lines of vhci, usb and hid at level warning or above or that speak of an error,
 * and any line of a BUG, WARNING or Oops whoever wrote it. Nothing is exempt: the kernel has no reason to complain about a key.
 */
export async function kernelComplaints(guest: Guest): Promise<string[]> {
  const subsystem = /vhci|usbip|\busb|\bhid|cdc_acm|hub \d/i;
  const words = /\berror|warn|\bbug\b|fail|invalid|unable|cannot|timed? ?out/i;
  return (await guest.dmesg()).filter((line) => {
    if (/\bBUG:|WARNING:|Oops|Call Trace|general protection/.test(line)) return true;
    const level = Number(/^<(\d+)>/.exec(line)?.[1] ?? 4) & 7;
    return subsystem.test(line) && (level <= 4 || words.test(line));
  });
}
