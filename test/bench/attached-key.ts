// The key as a host has it: attached, configured, and with an IN transfer pending at all times, as a kernel's HID
// driver keeps one.
import type { ImportedDevice } from "../../src/usbip/client.ts";
import { attachDevice } from "../support/attached-key.ts";
import { CcidClient } from "../support/ccid-client.ts";
import { CtapHidClient, type ReportPipe } from "../support/ctaphid-client.ts";

const REPORT_LENGTH = 64;
/** The FIDO interface's endpoint, both ways. */
const ENDPOINT = 1;

export class AttachedKey {
  readonly #device: ImportedDevice;
  readonly #pipe: ReportPipe;

  private constructor(device: ImportedDevice) {
    this.#device = device;
    const arm = () => {
      const report = device.transferIn(ENDPOINT, REPORT_LENGTH);
      report.catch(() => {}); // whoever receives next hears of it
      return report;
    };
    let pending = arm();
    this.#pipe = {
      send: async (report) => void (await device.transferOut(ENDPOINT, report)),
      receive: async () => {
        const report = await pending;
        pending = arm();
        return report;
      },
    };
  }

  static async attach(port: number): Promise<AttachedKey> {
    return new AttachedKey(await attachDevice({ host: "127.0.0.1", port }));
  }

  /** GET_DESCRIPTOR for the device descriptor. USB 2.0 §9.4.3 */
  deviceDescriptor(): Promise<Uint8Array> {
    return this.#device.controlIn({ bmRequestType: 0x80, bRequest: 6, wValue: 0x0100, wIndex: 0, wLength: 18 });
  }

  /** A new CTAPHID channel, by an INIT on the broadcast channel. */
  openChannel(): Promise<CtapHidClient> {
    return CtapHidClient.open(this.#pipe);
  }

  openReader(): Promise<CcidClient> {
    return CcidClient.open(this.#device);
  }

  detach(): Promise<void> {
    return this.#device.detach();
  }
}
