// A security key that is attached by our own USB/IP client, with a CTAPHID channel open.
import { type ImportedDevice, importDevice } from "../../src/usbip/client.ts";
import { CtapHidClient } from "./ctaphid-client.ts";

/** The FIDO interface's endpoint, both ways. */
const ENDPOINT = 1;

/** Plugs a device in and configures it, as a host's kernel does: SET_CONFIGURATION(1). USB 2.0 §9.4.7 */
export async function attachDevice(
  address: { readonly host: string; readonly port: number },
  busid = "1-1",
): Promise<ImportedDevice> {
  const device = await importDevice({ ...address, busid });
  await device.controlOut({ bmRequestType: 0x00, bRequest: 9, wValue: 1, wIndex: 0 });
  return device;
}

export function openChannel(device: ImportedDevice): Promise<CtapHidClient> {
  return CtapHidClient.open({
    send: async (report) => void (await device.transferOut(ENDPOINT, report)),
    receive: () => device.transferIn(ENDPOINT, 64),
  });
}
