// `latchkey list`: what a USB/IP server offers; with --local, the keys that this user serves.
import { findRunningKeys, type RunningKey } from "../control/running-keys.ts";
import { formatUsbId } from "../identity.ts";
import { printable } from "../presence/describe.ts";
import { type ListedDevice, listDevices } from "../usbip/client.ts";
import { clientFailure } from "./failure.ts";
import { formatRemote, type Remote } from "./options.ts";
import type { Print } from "./output.ts";

export interface ListOptions {
  readonly remote: Remote;
  readonly json: boolean;
}

/** enum usb_device_speed in <linux/usb/ch9.h> */
const SPEEDS: Readonly<Record<number, string>> = {
  1: "low",
  2: "full",
  3: "high",
  4: "wireless",
  5: "super",
  6: "super+",
};

/** https://www.usb.org/defined-class-codes, as far as keys and the like go. */
const CLASSES: Readonly<Record<number, string>> = {
  2: "communications",
  3: "HID",
  8: "mass storage",
  10: "CDC data",
  11: "smart card",
  255: "vendor",
};

/** Prints one line a device, or one JSON object. Throws Failure. */
export async function list({ remote, json }: ListOptions, print: Print): Promise<void> {
  const where = formatRemote(remote);
  const devices = await listDevices(remote).catch((error: unknown) => {
    throw clientFailure(error, where);
  });
  if (json) print(JSON.stringify({ remote, devices: devices.map(toJson) }));
  else if (devices.length === 0) print(`${where} offers no devices.`);
  else for (const device of devices) print(toLine(device));
}

/** The keys that run for this user: who they are, what they can do, and where. */
export async function listLocal(
  { json }: Pick<ListOptions, "json">,
  env: NodeJS.ProcessEnv,
  print: Print,
): Promise<void> {
  const keys = await findRunningKeys(env);
  if (json) print(JSON.stringify({ keys: keys.map(toLocalJson) }));
  else if (keys.length === 0) print("No key is running.");
  else for (const key of keys) print(toLocalLine(key));
}

function toLocalLine({ path, status }: RunningKey): string {
  if (status === undefined) return `${path} does not answer as a key does.`;
  const { serial, usbId, address, busid, applications } = status;
  return `${serial}  ${usbId}  ${formatRemote(address)}  ${busid}  ${applications.join(", ")}`;
}

function toLocalJson({ path: control, status }: RunningKey): object {
  if (status === undefined) return { control, answers: false };
  const { serial, identity, usbId, address, busid, applications, attachedTo } = status;
  return { control, serial, identity, usbId, address, busid, applications, attachedTo };
}

export function speedName(speed: number): string {
  return SPEEDS[speed] ?? `speed ${speed}`;
}

function usbIdOf({ idVendor, idProduct }: ListedDevice): string {
  return formatUsbId({ vendor: idVendor, product: idProduct });
}

function toLine(device: ListedDevice): string {
  const classes = device.interfaces.map(
    ({ bInterfaceClass }) => CLASSES[bInterfaceClass] ?? `class ${bInterfaceClass}`,
  );
  return `${printable(device.busid)}  ${usbIdOf(device)}  ${speedName(device.speed)} speed  ${classes.join(", ")}`;
}

function toJson(device: ListedDevice): object {
  return {
    busid: device.busid,
    usbId: usbIdOf(device),
    speed: speedName(device.speed),
    busnum: device.busnum,
    devnum: device.devnum,
    interfaces: device.interfaces.map((each) => ({
      class: each.bInterfaceClass,
      subClass: each.bInterfaceSubClass,
      protocol: each.bInterfaceProtocol,
    })),
  };
}
