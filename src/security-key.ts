// The wiring: store → platform → applications → card and USB functions → USB device.
import { randomFillSync } from "node:crypto";
import type { Fido2Options } from "../applets/fido2/context.ts";
import type { TouchOutcome } from "../applets/otp/applet.ts";
import type { Store } from "../keystore/index.ts";
import { Applications } from "./applications.ts";
import { toHex } from "./bytes/hex.ts";
import { Reader } from "./bytes/reader.ts";
import { Slot } from "./ccid/slot.ts";
import { ComposedDevice, type ComposedDeviceOptions } from "./composed-device.ts";
import { CARD_FIRMWARE_VERSION, type IdentityName, identities, type UsbId } from "./identity.ts";
import { ApduDispatcher } from "./iso7816/dispatcher.ts";
import { KeyboardInterface } from "./keyboard/interface.ts";
import { type Logger, silentLogger } from "./log.ts";
import type { Platform, UserPresence } from "./platform.ts";
import { usbFunctions } from "./usb-functions.ts";

export interface SecurityKeyOptions {
  /** Where credentials and counters live. The key does not close it. */
  readonly store: Store;
  /** Who gives the touches. */
  readonly presence: UserPresence;
  readonly log?: Logger;
  /** How FIDO2 is configured, where that differs from its defaults. */
  readonly fido2?: Partial<Fido2Options>;
  /** What the key shows of itself; "latchkey" unless given. */
  readonly identity?: IdentityName;
  /** The identity's unless given. */
  readonly usbId?: UsbId;
  /** Have the keyboard even while neither OTP slot is configured. */
  readonly keyboard?: boolean;
}

/** A key is a USB device, to be exported; what else is here is for its owner. */
export class SecurityKey extends ComposedDevice {
  readonly platform: Platform;
  readonly applications: Applications;
  /** The smart card of the key, whatever reader it is in. */
  readonly card: ApduDispatcher;
  /** Where the card is, or is not: what all readers share. */
  readonly slot: Slot;

  constructor(device: ComposedDeviceOptions, parts: Pick<SecurityKey, "platform" | "applications" | "card" | "slot">) {
    super(device);
    this.platform = parts.platform;
    this.applications = parts.applications;
    this.card = parts.card;
    this.slot = parts.slot;
  }

  /** A touch that nobody asked for: types slot 1, or slot 2 when it is a long one. */
  async pressTouch(long: boolean): Promise<TouchOutcome | "no-keyboard"> {
    const keyboard = this.find(KeyboardInterface);
    return keyboard === undefined ? "no-keyboard" : this.applications.otp.touch(long ? 2 : 1, keyboard);
  }

  /** Whether there is one since power-up. */
  get hasKeyboard(): boolean {
    return this.find(KeyboardInterface) !== undefined;
  }
}

/** Makes a security key, ready to be exported. Rejects with KeyStoreError when the store cannot be written to. */
export async function createSecurityKey(options: SecurityKeyOptions): Promise<SecurityKey> {
  const { store, presence, log = silentLogger, fido2, usbId, keyboard = false } = options;
  const identity = identities[options.identity ?? "latchkey"];
  const serial = await obtainSerial(store);
  const device = { serialNumber: cardSerialNumber(serial), firmwareVersion: CARD_FIRMWARE_VERSION };
  const platform: Platform = { device, store, presence, log, clock: { now: () => performance.now() }, randomBytes };

  const applications = new Applications(platform, { identity, fido2, readEnabled: () => key.enabled });
  const card = new ApduDispatcher(() => applications.selectable, log);
  const slot = new Slot(card, identity.atr);
  const { ctapHidVersion } = identity;

  const key = new SecurityKey(
    {
      identity,
      usbId,
      serialNumber: toHex(serial),
      functions: usbFunctions({ platform, applications, slot, ctapHidVersion, keyboard }),
      readEnabled: () => applications.management.configuration.enabled,
      onReset() {
        presence.reset();
        applications.powerCycle();
        card.reset();
      },
    },
    { platform, applications, card, slot },
  );
  return key;
}

const SERIAL_KEY = "device/serial";

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

function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}
