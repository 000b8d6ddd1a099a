// The USB functions of a key: the applications behind each of them, and how its interface is made.
import { Capability } from "../applets/management/capability.ts";
import type { Applications } from "./applications.ts";
import { CcidInterface } from "./ccid/interface.ts";
import type { Slot } from "./ccid/slot.ts";
import type { UsbFunction } from "./composition.ts";
import type { MessageHandler } from "./ctaphid/application.ts";
import type { DeviceVersion } from "./ctaphid/dispatcher.ts";
import { CtapHidInterface } from "./ctaphid/interface.ts";
import { exchangeApdu } from "./iso7816/exchange.ts";
import { KeyboardInterface } from "./keyboard/interface.ts";
import { managementCommands } from "./management-commands.ts";
import type { Platform } from "./platform.ts";

export interface UsbFunctionsOptions {
  readonly platform: Platform;
  readonly applications: Applications;
  readonly slot: Slot;
  /** What CTAPHID_INIT tells. */
  readonly ctapHidVersion: DeviceVersion;
  /** Have the keyboard even while neither OTP slot is configured. */
  readonly keyboard: boolean;
}

export function usbFunctions(options: UsbFunctionsOptions): readonly UsbFunction[] {
  const { applications, slot, ctapHidVersion } = options;
  const { log, randomBytes } = options.platform;
  const { ctap2, u2f, otp, management } = applications;
  const cbor: MessageHandler = (message, transport) => ctap2.process(message, transport);
  const msg: MessageHandler = (message, transport) =>
    exchangeApdu(u2f.name, (apdu) => u2f.process(apdu, transport), message, transport, log);
  return [
    {
      name: "OTP",
      capabilities: Capability.OTP,
      // Nothing shall type by surprise, whatever the key looks like.
      isWanted: () => options.keyboard || otp.slots.configured.length > 0,
      make: (place) => new KeyboardInterface({ application: otp, log, ...place }),
    },
    {
      name: "FIDO",
      capabilities: Capability.U2F | Capability.FIDO2,
      make(place, enabled) {
        const application = {
          cbor: (enabled & Capability.FIDO2) === 0 ? undefined : cbor,
          msg: (enabled & Capability.U2F) === 0 ? undefined : msg,
          vendor: managementCommands(management),
          wink: () => log.info("wink"),
        };
        return new CtapHidInterface({ application, version: ctapHidVersion, log, randomBytes, ...place });
      },
    },
    {
      name: "CCID",
      capabilities: Capability.OATH | Capability.PIV | Capability.OPENPGP,
      make: (place) => new CcidInterface({ slot, log, ...place }),
    },
  ];
}
