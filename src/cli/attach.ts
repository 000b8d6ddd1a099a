// `latchkey attach`: imports a device from a USB/IP server and hands the connection to this machine's kernel.
import { formatUsbId } from "../identity.ts";
import { printable } from "../presence/describe.ts";
import { listDevices, requestImport, UsbIpOperationError } from "../usbip/client.ts";
import { devidOf, OpStatus } from "../usbip/protocol.ts";
import { Vhci } from "../usbip/vhci.ts";
import { clientFailure, Failure } from "./failure.ts";
import { speedName } from "./list.ts";
import { formatRemote, type Remote } from "./options.ts";
import type { Print } from "./output.ts";

export interface AttachOptions {
  readonly remote: Remote;
  readonly busid: string;
  readonly json: boolean;
}

/** Prints which port of the virtual hub the device took. Throws Failure or VhciError. */
export async function attach({ remote, busid, json }: AttachOptions, print: Print, vhci = new Vhci()): Promise<void> {
  await vhci.open();
  const { connection, device } = await requestImport({ ...remote, busid }).catch(async (error: unknown) => {
    throw await importFailure(error, remote, busid);
  });
  const devid = devidOf(device);
  try {
    const port = await vhci.attach(connection.socket, { devid, speed: device.speed }, { ...remote, busid });
    const usbId = formatUsbId({ vendor: device.idVendor, product: device.idProduct });
    if (json) print(JSON.stringify({ port, busid, usbId, speed: speedName(device.speed), remote }));
    else print(`Attached ${usbId}, device ${busid} of ${formatRemote(remote)}, to port ${port}.`);
  } finally {
    connection.socket.destroy(); // the kernel has its own reference by now
  }
}

async function importFailure(error: unknown, remote: Remote, busid: string): Promise<Failure> {
  const where = formatRemote(remote);
  if (!(error instanceof UsbIpOperationError)) return clientFailure(error, where);
  if (error.status === OpStatus.ST_DEV_BUSY) {
    return new Failure(`Device ${busid} of ${where} is attached already: detach it where it is.`, { cause: error });
  }
  const devices = await listDevices(remote).catch(() => []);
  if (devices.some((device) => device.busid === busid)) {
    return new Failure(`${where} would not give device ${busid}: ${error.message}.`, { cause: error });
  }
  const offered =
    devices.length === 0 ? "no device at all" : devices.map((device) => printable(device.busid)).join(", ");
  return new Failure(`${where} has no device ${busid}; it offers ${offered}.`, { cause: error });
}
