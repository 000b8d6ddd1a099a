// What the key shows of itself: its own name and number, or those of a YubiKey 5, for people who develop against
// software that looks for one. Neither is a claim that an attestation would bear out: the AAGUID and every attestation
// key are the project's own under both.
import type { DeviceMake } from "../applets/management/device-info.ts";
import { fromHex } from "./bytes/hex.ts";
import type { FunctionName } from "./composition.ts";
import type { DeviceVersion } from "./ctaphid/dispatcher.ts";

export const IDENTITY_NAMES = ["latchkey", "yubikey5"] as const;
export type IdentityName = (typeof IDENTITY_NAMES)[number];

export interface UsbId {
  readonly vendor: number;
  readonly product: number;
}

/** "1209:0001", as lsusb has it. */
export function formatUsbId({ vendor, product }: UsbId): string {
  const digits = (value: number) => value.toString(16).padStart(4, "0");
  return `${digits(vendor)}:${digits(product)}`;
}

/** What a host reads in a device descriptor. */
export function usbIdOf({ idVendor, idProduct }: { readonly idVendor: number; readonly idProduct: number }): UsbId {
  return { vendor: idVendor, product: idProduct };
}

export interface Identity {
  readonly name: IdentityName;
  readonly manufacturer: string;
  /** iProduct, by the functions that are there. */
  product(functions: readonly FunctionName[]): string;
  usbId(functions: readonly FunctionName[]): UsbId;
  /** Release number, binary-coded decimal. USB 2.0 table 9-8 */
  readonly bcdDevice: number;
  /** Whether the device descriptor has the serial number: YubiKeys show none unless they are told to. */
  readonly hasUsbSerialNumber: boolean;
  /** What CTAPHID_INIT tells. */
  readonly ctapHidVersion: DeviceVersion;
  /** getInfo's firmwareVersion: a number that grows with each version. */
  readonly fidoFirmwareVersion: number;
  /** What the management applet tells of the make. */
  readonly make: DeviceMake;
  /** Manufacturer in OpenPGP's AID. OpenPGP 3.4.1 §4.2.1 */
  readonly openPgpManufacturer: number;
  /** The answer to reset of the card; the reader's own unless given. */
  readonly atr?: Uint8Array;
}

/** The YubiKey firmware whose card commands the applets have, whatever the identity. */
export const CARD_FIRMWARE_VERSION = [5, 7, 4] as const;

/** yubikit/management.py, FORM_FACTOR */
const FormFactor = { UNKNOWN: 0, USB_A_KEYCHAIN: 1 } as const;

/** Yubico's has digits; this one names who made the key under either identity. */
const PART_NUMBER = "LATCHKEY";

const VERSION = { major: 0, minor: 1, build: 0 };

const latchkey: Identity = {
  name: "latchkey",
  manufacturer: "Latchkey",
  product: () => "Security Key",
  // pid.codes' id for testing. https://pid.codes/1209/0001/
  usbId: () => ({ vendor: 0x1209, product: 0x0001 }),
  bcdDevice: 0x0010,
  hasUsbSerialNumber: true,
  ctapHidVersion: VERSION,
  fidoFirmwareVersion: VERSION.major * 10_000 + VERSION.minor * 100 + VERSION.build,
  make: { formFactor: FormFactor.UNKNOWN, partNumber: PART_NUMBER },
  // For implementations without a registered number, whose serial numbers are random. OpenPGP 3.4.1 §4.2.1
  openPgpManufacturer: 0xfffe,
};

/** By the functions that are there. yubikit/core, PID */
const YUBIKEY_PRODUCT_IDS: Readonly<Record<string, number>> = {
  OTP: 0x0401,
  FIDO: 0x0402,
  "OTP+FIDO": 0x0403,
  CCID: 0x0404,
  "OTP+CCID": 0x0405,
  "FIDO+CCID": 0x0406,
  "OTP+FIDO+CCID": 0x0407,
};

const [major, minor, build] = CARD_FIRMWARE_VERSION;

const yubikey5: Identity = {
  name: "yubikey5",
  manufacturer: "Yubico",
  product: (functions) => `YubiKey ${functions.join("+")}`,
  usbId: (functions) => ({ vendor: 0x1050, product: YUBIKEY_PRODUCT_IDS[functions.join("+")] ?? 0x0407 }),
  bcdDevice: (major << 8) | (minor << 4) | build,
  hasUsbSerialNumber: false,
  ctapHidVersion: { major, minor, build },
  // As YubiKeys' metadata statements have it: 328706 is 5.4.2.
  fidoFirmwareVersion: (major << 16) | (minor << 8) | build,
  make: { formFactor: FormFactor.USB_A_KEYCHAIN, partNumber: PART_NUMBER },
  openPgpManufacturer: 0x0006,
  atr: fromHex("3bfd1300008131fe158073c021c057597562694b657940"),
};

export const identities: Readonly<Record<IdentityName, Identity>> = { latchkey, yubikey5 };
