// The wiring: store → applets → what CTAPHID hands its messages to → functions → USB device.
import { randomFillSync } from "node:crypto";
import { Fido2Authenticator } from "../applets/fido2/authenticator.ts";
import type { Fido2Options } from "../applets/fido2/context.ts";
import { FidoApplet } from "../applets/fido2/fido-applet.ts";
import { SharedAuthenticator } from "../applets/fido2/shared-authenticator.ts";
import { ManagementApplet } from "../applets/management/applet.ts";
import { Capability } from "../applets/management/capability.ts";
import { DeviceConfiguration } from "../applets/management/configuration.ts";
import { Management } from "../applets/management/management.ts";
import { OathApplet } from "../applets/oath/applet.ts";
import { OpenPgpApplet } from "../applets/openpgp/applet.ts";
import { OtpApplet, type TouchOutcome } from "../applets/otp/applet.ts";
import { PivApplet } from "../applets/piv/applet.ts";
import { U2fApplet } from "../applets/u2f/applet.ts";
import type { Store } from "../keystore/index.ts";
import { toHex } from "./bytes/hex.ts";
import { Reader } from "./bytes/reader.ts";
import { CcidInterface } from "./ccid/interface.ts";
import { Slot } from "./ccid/slot.ts";
import { ComposedDevice, type ComposedDeviceOptions } from "./composed-device.ts";
import type { UsbFunction } from "./composition.ts";
import type { MessageHandler } from "./ctaphid/application.ts";
import { CtapHidInterface } from "./ctaphid/interface.ts";
import { CARD_FIRMWARE_VERSION, type Identity, type IdentityName, identities, type UsbId } from "./identity.ts";
import type { Applet } from "./iso7816/applet.ts";
import { ApduDispatcher } from "./iso7816/dispatcher.ts";
import { exchangeApdu } from "./iso7816/exchange.ts";
import { KeyboardInterface } from "./keyboard/interface.ts";
import { type Logger, silentLogger } from "./log.ts";
import { managementCommands } from "./management-commands.ts";
import type { Platform, UserPresence } from "./platform.ts";

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

/** A card application. */
interface CardApplication {
  readonly applet: Applet;
  /** `Capability` bits: it answers SELECT while one of them is on, and always if there are none. */
  readonly capabilities: number;
  /** Back to the state of a new key. */
  reset?(): Promise<void>;
}

/** What a key has for its owner, besides being a USB device. */
interface SecurityKeyParts {
  /** 16 hexadecimal digits, drawn once for a store. */
  readonly serialNumber: string;
  readonly identity: Identity;
  readonly platform: Platform;
  readonly management: Management;
  readonly fido2: Fido2Authenticator;
  readonly oath: OathApplet;
  readonly openpgp: OpenPgpApplet;
  readonly otp: OtpApplet;
  readonly piv: PivApplet;
  /** The smart card of the key, whatever reader it is in. */
  readonly card: ApduDispatcher;
  /** Where the card is, or is not: what all readers share. */
  readonly slot: Slot;
}

/** A key is a USB device, to be exported; what else is here is for its owner. */
export class SecurityKey extends ComposedDevice implements SecurityKeyParts {
  readonly serialNumber: string;
  readonly identity: Identity;
  readonly platform: Platform;
  readonly management: Management;
  readonly fido2: Fido2Authenticator;
  readonly oath: OathApplet;
  readonly openpgp: OpenPgpApplet;
  readonly otp: OtpApplet;
  readonly piv: PivApplet;
  readonly card: ApduDispatcher;
  readonly slot: Slot;

  constructor(parts: SecurityKeyParts, device: Omit<ComposedDeviceOptions, "serialNumber" | "identity">) {
    super({ ...device, serialNumber: parts.serialNumber, identity: parts.identity });
    this.serialNumber = parts.serialNumber;
    this.identity = parts.identity;
    this.platform = parts.platform;
    this.management = parts.management;
    this.fido2 = parts.fido2;
    this.oath = parts.oath;
    this.openpgp = parts.openpgp;
    this.otp = parts.otp;
    this.piv = parts.piv;
    this.card = parts.card;
    this.slot = parts.slot;
  }

  /** A touch that nobody asked for: types slot 1, or slot 2 when it is a long one. */
  async pressTouch(long: boolean): Promise<TouchOutcome | "no-keyboard"> {
    const keyboard = this.find(KeyboardInterface);
    return keyboard === undefined ? "no-keyboard" : this.otp.touch(long ? 2 : 1, keyboard);
  }

  /** Whether there is one since power-up. */
  get hasKeyboard(): boolean {
    return this.find(KeyboardInterface) !== undefined;
  }
}

const SERIAL_KEY = "device/serial";

function randomBytes(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

/** Makes a security key, ready to be exported. Rejects with KeyStoreError when the store cannot be written to. */
export async function createSecurityKey(options: SecurityKeyOptions): Promise<SecurityKey> {
  const { store, presence, log = silentLogger, usbId } = options;
  const identity = identities[options.identity ?? "latchkey"];
  const serial = await obtainSerial(store);
  const device = { serialNumber: cardSerialNumber(serial), firmwareVersion: CARD_FIRMWARE_VERSION };
  const platform: Platform = { device, store, presence, log, clock: { now: () => performance.now() }, randomBytes };

  /** Whether one of the capabilities has been on since power-up. */
  const isOn = (capabilities: number) => (key.enabled & capabilities) !== 0;

  const firmwareVersion = identity.fidoFirmwareVersion;
  const u2fIsOn = () => isOn(Capability.U2F);
  const fido2 = new Fido2Authenticator(platform, { firmwareVersion, u2f: u2fIsOn, ...options.fido2 });
  const u2f = new U2fApplet(platform, fido2.credentials, () => fido2.isU2fEnabled);
  const ctap2 = new SharedAuthenticator(fido2);
  const fido = new FidoApplet(ctap2, u2f, () => isOn(Capability.FIDO2));
  const oath = new OathApplet(platform);
  const openpgp = new OpenPgpApplet(platform, {
    manufacturer: identity.openPgpManufacturer,
    isYubiKey: identity.name === "yubikey5",
  });
  const otp = new OtpApplet(platform, {
    deviceInfo: {
      read: (page) => management.readConfig(page),
      write: (data) => management.writeConfig(data),
      setMode: (data) => management.setMode(data),
    },
  });
  const piv = new PivApplet(platform, { formFactor: identity.make.formFactor });

  // In the order in which a partial AID finds them.
  const applications: CardApplication[] = [
    { applet: fido, capabilities: Capability.FIDO2 | Capability.U2F, reset: () => fido2.reset() },
    { applet: oath, capabilities: Capability.OATH, reset: () => oath.reset() },
    { applet: openpgp, capabilities: Capability.OPENPGP, reset: () => openpgp.reset() },
    { applet: otp, capabilities: Capability.OTP, reset: () => otp.reset() },
    { applet: piv, capabilities: Capability.PIV, reset: () => piv.reset() },
  ];
  const supported = applications.reduce((all, { capabilities }) => all | capabilities, 0);
  const configuration = new DeviceConfiguration(platform, supported);
  const management = new Management(platform, configuration, {
    ...identity.make,
    async resetApplets() {
      for (const { reset } of applications) await reset?.();
    },
  });
  applications.push({ applet: new ManagementApplet(management), capabilities: 0 });

  const card = new ApduDispatcher(
    () =>
      applications.filter(({ capabilities }) => capabilities === 0 || isOn(capabilities)).map(({ applet }) => applet),
    log,
  );
  const slot = new Slot(card, identity.atr);

  const version = identity.ctapHidVersion;
  const cbor: MessageHandler = (message, transport) => ctap2.process(message, transport);
  const msg: MessageHandler = (message, transport) =>
    exchangeApdu(u2f.name, (apdu) => u2f.process(apdu, transport), message, transport, log);
  const functions: readonly UsbFunction[] = [
    {
      name: "OTP",
      capabilities: Capability.OTP,
      // Nothing shall type by surprise, whatever the key looks like.
      isWanted: () => options.keyboard === true || otp.slots.configured.length > 0,
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
        return new CtapHidInterface({ application, version, log, randomBytes, ...place });
      },
    },
    {
      name: "CCID",
      capabilities: Capability.OATH | Capability.PIV | Capability.OPENPGP,
      make: (place) => new CcidInterface({ slot, log, ...place }),
    },
  ];

  const serialNumber = toHex(serial);
  const parts = { serialNumber, identity, platform, management, fido2, oath, openpgp, otp, piv, card, slot };
  const key = new SecurityKey(parts, {
    usbId,
    functions,
    readEnabled: () => configuration.enabled,
    onReset() {
      presence.reset();
      fido2.powerCycle();
      u2f.deselect();
      otp.powerCycle();
      card.reset();
    },
  });
  return key;
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
