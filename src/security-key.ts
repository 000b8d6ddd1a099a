// The wiring: store → applets → what CTAPHID hands its messages to → interfaces → USB device.
import { randomFillSync } from "node:crypto";
import { Fido2Authenticator } from "../applets/fido2/authenticator.ts";
import type { Fido2Options } from "../applets/fido2/context.ts";
import { FidoApplet } from "../applets/fido2/fido-applet.ts";
import { SharedAuthenticator } from "../applets/fido2/shared-authenticator.ts";
import { U2fApplet } from "../applets/u2f/applet.ts";
import type { Store } from "../keystore/index.ts";
import { toHex } from "./bytes/hex.ts";
import { Reader } from "./bytes/reader.ts";
import { CcidInterface } from "./ccid/interface.ts";
import { Slot } from "./ccid/slot.ts";
import type { CtapHidApplication } from "./ctaphid/application.ts";
import { CtapHidInterface } from "./ctaphid/interface.ts";
import type { Applet } from "./iso7816/applet.ts";
import { ApduDispatcher } from "./iso7816/dispatcher.ts";
import { exchangeApdu } from "./iso7816/exchange.ts";
import { type Logger, silentLogger } from "./log.ts";
import type { Platform, UserPresence } from "./platform.ts";
import { composeInterfaces } from "./usb/composition.ts";
import { CompositeDevice, type CompositeDeviceOptions } from "./usb/device.ts";

export interface SecurityKeyOptions {
  /** Where credentials and counters live. The key does not close it. */
  readonly store: Store;
  /** Who gives the touches. */
  readonly presence: UserPresence;
  readonly log?: Logger;
  /** How FIDO2 is configured, where that differs from its defaults. */
  readonly fido2?: Partial<Fido2Options>;
  /** pid.codes' id for testing, 1209:0001, unless given. https://pid.codes/1209/0001/ */
  readonly usbId?: { readonly vendor: number; readonly product: number };
}

/** A key is a USB device, to be exported; what else is here is for its owner. */
export class SecurityKey extends CompositeDevice {
  /** 16 hexadecimal digits, drawn once for a store. */
  readonly serialNumber: string;
  readonly fido2: Fido2Authenticator;
  /** The smart card of the key, whatever reader it is in. */
  readonly card: ApduDispatcher;
  /** Where the card is, or is not: what all readers share. */
  readonly slot: Slot;
  readonly platform: Platform;

  constructor(
    parts: Pick<SecurityKey, "serialNumber" | "fido2" | "card" | "slot" | "platform">,
    device: CompositeDeviceOptions,
  ) {
    super(device);
    this.serialNumber = parts.serialNumber;
    this.fido2 = parts.fido2;
    this.card = parts.card;
    this.slot = parts.slot;
    this.platform = parts.platform;
  }
}

const VERSION = { major: 0, minor: 1, build: 0 };

/** The same, as getInfo's firmwareVersion: a number that grows with each version. */
const FIRMWARE_VERSION = VERSION.major * 10_000 + VERSION.minor * 100 + VERSION.build;

/** The same, as bcdDevice. USB 2.0 table 9-8 */
const BCD_DEVICE = 0x0010;

/** The YubiKey firmware whose card commands the applets have. */
const CARD_FIRMWARE_VERSION = [5, 7, 4] as const;

const SERIAL_KEY = "device/serial";

function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

/** Makes a security key, ready to be exported. Rejects with KeyStoreError when the store cannot be written to. */
export async function createSecurityKey(options: SecurityKeyOptions): Promise<SecurityKey> {
  const { store, presence, log = silentLogger, usbId = { vendor: 0x1209, product: 0x0001 } } = options;
  const serial = await obtainSerial(store);
  const serialNumber = toHex(serial);
  const device = { serialNumber: cardSerialNumber(serial), firmwareVersion: CARD_FIRMWARE_VERSION };
  const platform: Platform = { device, store, presence, log, clock: { now: () => performance.now() }, randomBytes };

  const fido2 = new Fido2Authenticator(platform, { firmwareVersion: FIRMWARE_VERSION, ...options.fido2 });
  const u2f = new U2fApplet(platform, fido2.credentials, () => fido2.isU2fEnabled);

  const ctap2 = new SharedAuthenticator(fido2);
  const application: CtapHidApplication = {
    cbor: (message, transport) => ctap2.process(message, transport),
    msg: (message, transport) =>
      exchangeApdu(u2f.name, (apdu) => u2f.process(apdu, transport), message, transport, log),
    vendor: new Map(),
    wink: () => log.info("wink"),
  };

  // A partial AID finds the first that it fits.
  const applets: readonly Applet[] = [new FidoApplet(ctap2, u2f)];
  const card = new ApduDispatcher(() => applets, log);

  const slot = new Slot(card);

  const parts = { serialNumber, fido2, card, slot, platform };
  return new SecurityKey(parts, {
    idVendor: usbId.vendor,
    idProduct: usbId.product,
    bcdDevice: BCD_DEVICE,
    manufacturer: "Latchkey",
    product: "Security Key",
    serialNumber,
    interfaces: composeInterfaces([
      (numbers) => new CtapHidInterface({ application, version: VERSION, log, randomBytes, ...numbers }),
      (numbers) => new CcidInterface({ slot, log, ...numbers }),
    ]),
    onReset() {
      presence.reset();
      fido2.powerCycle();
      u2f.deselect();
      card.reset();
    },
  });
}

/** Tells two keys on one machine apart: 8 random bytes, drawn once for a store. In hexadecimal, as udev rules want ASCII. */
async function obtainSerial(store: Store): Promise<Uint8Array> {
  const known = store.get(SERIAL_KEY);
  if (known !== undefined) return known;
  const drawn = randomBytes(8);
  await store.commit({ [SERIAL_KEY]: drawn });
  return drawn;
}

/** Card applications have room for eight decimal digits. */
function cardSerialNumber(serial: Uint8Array): number {
  return 10_000_000 + (new Reader(serial).u32be() % 90_000_000);
}
