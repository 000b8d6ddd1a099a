// What READ CONFIG answers: the key, as yubikit's DeviceInfo has it, in pages.
//
//   length | tag length value …     one page; 10 01 01 in it says that another follows
//
// Each page fits the 64 bytes of a YubiKey's keyboard protocol, whose clients read the same. Over USB there is no NFC: its
// tags are absent, as on YubiKeys without it. In a reader that is not the key's own they say what is on, for ykman knows
// USB and NFC alone, and looks there for the applications that such a reader reaches. It is one set for both.
import { concat } from "../../src/bytes/concat.ts";
import { encodeU16be, encodeU32be } from "../../src/bytes/integer.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { DeviceInfo } from "../../src/platform.ts";
import type { DeviceConfiguration } from "./configuration.ts";
import { Tag } from "./tag.ts";

/** What the key says of its make. */
export interface DeviceMake {
  /** yubikit's FORM_FACTOR; 0 for unknown. */
  readonly formFactor: number;
  readonly partNumber: string;
}

/** Of VERSION_QUALIFIER: a final release, the first of its version. yubikit/management.py, RELEASE_TYPE */
const Qualifier = { VERSION: 0x01, TYPE: 0x02, ITERATION: 0x03 } as const;
const FINAL = 2;

const byte = (value: number) => Uint8Array.of(value);
const flag = (value: boolean) => byte(value ? 1 : 0);

/** The page of that number with its length; past the last one, a page with nothing in it. */
export function encodeDeviceInfoPage(
  page: number,
  device: DeviceInfo,
  configuration: DeviceConfiguration,
  make: DeviceMake,
  isForeignReader = false,
): Uint8Array {
  const pages = [pageOfConfiguration, pageOfMake];
  const nfc = page === 0 && isForeignReader ? encodeNfc(configuration) : new Uint8Array(0);
  const body = concat(pages[page]?.(device, configuration, make) ?? new Uint8Array(0), nfc);
  const more = page < pages.length - 1 ? encodeTlv(Tag.MORE_DATA, flag(true)) : new Uint8Array(0);
  return concat(byte(body.length + more.length), body, more);
}

/** What clients older than pages ask for; they read this one alone. */
function pageOfConfiguration(device: DeviceInfo, configuration: DeviceConfiguration, make: DeviceMake): Uint8Array {
  const { values } = configuration;
  return concat(
    encodeTlv(Tag.USB_SUPPORTED, encodeU16be(configuration.supported)),
    encodeTlv(Tag.SERIAL, encodeU32be(device.serialNumber)),
    encodeTlv(Tag.USB_ENABLED, encodeU16be(configuration.enabled)),
    encodeTlv(Tag.FORM_FACTOR, byte(make.formFactor)),
    encodeTlv(Tag.VERSION, Uint8Array.from(device.firmwareVersion)),
    encodeTlv(Tag.AUTO_EJECT_TIMEOUT, encodeU16be(values.autoEjectTimeout)),
    encodeTlv(Tag.CHALLENGE_RESPONSE_TIMEOUT, byte(values.challengeResponseTimeout)),
    encodeTlv(Tag.DEVICE_FLAGS, byte(values.deviceFlags)),
    encodeTlv(Tag.CONFIG_LOCK, flag(configuration.isLocked)),
  );
}

function encodeNfc({ supported, enabled }: DeviceConfiguration): Uint8Array {
  return concat(encodeTlv(Tag.NFC_SUPPORTED, encodeU16be(supported)), encodeTlv(Tag.NFC_ENABLED, encodeU16be(enabled)));
}

function pageOfMake(device: DeviceInfo, _configuration: DeviceConfiguration, make: DeviceMake): Uint8Array {
  const none = encodeU16be(0);
  return concat(
    encodeTlv(Tag.PART_NUMBER, new TextEncoder().encode(make.partNumber)),
    encodeTlv(Tag.FIPS_CAPABLE, none),
    encodeTlv(Tag.FIPS_APPROVED, none),
    encodeTlv(Tag.PIN_COMPLEXITY, flag(false)),
    encodeTlv(Tag.NFC_RESTRICTED, flag(false)),
    encodeTlv(Tag.RESET_BLOCKED, none),
    encodeTlv(
      Tag.VERSION_QUALIFIER,
      encodeTlv(Qualifier.VERSION, Uint8Array.from(device.firmwareVersion)),
      encodeTlv(Qualifier.TYPE, byte(FINAL)),
      encodeTlv(Qualifier.ITERATION, byte(0)),
    ),
  );
}
