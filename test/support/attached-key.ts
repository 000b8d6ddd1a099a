// A security key that is attached by our own USB/IP client, with a CTAPHID channel open.

import { DescriptorType, EndpointDescriptor, eachDescriptor, InterfaceDescriptor } from "../../src/usb/descriptors.ts";
import { type ImportedDevice, importDevice } from "../../src/usbip/client.ts";
import { CtapHidClient } from "./ctaphid-client.ts";

const HID = 3;

/** Plugs a device in and configures it, as a host's kernel does: SET_CONFIGURATION(1). USB 2.0 §9.4.7 */
export async function attachDevice(
  address: { readonly host: string; readonly port: number },
  busid = "1-1",
): Promise<ImportedDevice> {
  const device = await importDevice({ ...address, busid });
  await device.controlOut({ bmRequestType: 0x00, bRequest: 9, wValue: 1, wIndex: 0 });
  return device;
}

export async function openChannel(device: ImportedDevice): Promise<CtapHidClient> {
  const endpoint = await findFidoEndpoint(device);
  return CtapHidClient.open({
    send: async (report) => void (await device.transferOut(endpoint, report)),
    receive: () => device.transferIn(endpoint, 64),
  });
}

/** The number, both ways, of the HID interface that is no keyboard. */
async function findFidoEndpoint(device: ImportedDevice): Promise<number> {
  const setup = { bmRequestType: 0x80, bRequest: 6, wValue: 0x0200, wIndex: 0, wLength: 512 };
  let isFido = false;
  for (const { bDescriptorType, bytes } of eachDescriptor(await device.controlIn(setup))) {
    if (bDescriptorType === DescriptorType.INTERFACE) {
      const { bInterfaceClass, bInterfaceSubClass } = InterfaceDescriptor.parse(bytes);
      isFido = bInterfaceClass === HID && bInterfaceSubClass === 0;
    } else if (bDescriptorType === DescriptorType.ENDPOINT && isFido) {
      return EndpointDescriptor.parse(bytes).bEndpointAddress & 0x0f;
    }
  }
  throw new Error("the device has no FIDO interface");
}
