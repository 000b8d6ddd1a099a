// What the CCID interface says of itself: the smart card device class descriptor. USB CCID 1.1 §5.1, table 5.1-1
import { u8, u16le, u32le } from "../bytes/struct.ts";
import { descriptor } from "../usb/descriptors.ts";
import { HEADER_SIZE } from "./message.ts";

/** bInterfaceClass, bInterfaceSubClass, bInterfaceProtocol. §4.2 */
export const CcidClass = { CLASS: 0x0b, NO_SUBCLASS: 0, BULK_PROTOCOL: 0 } as const;

/** The most bytes of abData in one message, in either direction: longer APDUs are chained. */
export const MAX_BLOCK_LENGTH = 4096;

/** In kHz and bit/s. There is neither a clock nor a line: these are the YubiKey's figures. */
export const CLOCK_FREQUENCY = 4_000;
export const DATA_RATE = 307_200;

const CLASS_DESCRIPTOR_TYPE = 0x21;
const FIVE_THREE_AND_1_8_VOLTS = 0x07;
const PROTOCOL_T1 = 0x02;
/** As a T=1 card has it at most. ISO/IEC 7816-3 §11.4.2 */
const MAX_IFSD = 254;

/** dwFeatures: nothing is left to the driver but to send APDUs, short or extended. */
const Features = {
  AUTOMATIC_PARAMETERS_BY_ATR: 0x02,
  AUTOMATIC_ACTIVATION: 0x04,
  AUTOMATIC_VOLTAGE: 0x08,
  AUTOMATIC_CLOCK: 0x10,
  AUTOMATIC_DATA_RATE: 0x20,
  AUTOMATIC_NEGOTIATION: 0x40,
  AUTOMATIC_PPS: 0x80,
  SHORT_AND_EXTENDED_APDU_LEVEL: 0x0004_0000,
} as const;

/** bClassGetResponse, bClassEnvelope: the class of the APDU is echoed. */
const ECHO = 0xff;

const CcidDescriptor = descriptor(CLASS_DESCRIPTOR_TYPE, {
  bcdCCID: u16le,
  bMaxSlotIndex: u8,
  bVoltageSupport: u8,
  dwProtocols: u32le,
  dwDefaultClock: u32le,
  dwMaximumClock: u32le,
  bNumClockSupported: u8,
  dwDataRate: u32le,
  dwMaxDataRate: u32le,
  bNumDataRatesSupported: u8,
  dwMaxIFSD: u32le,
  dwSynchProtocols: u32le,
  dwMechanical: u32le,
  dwFeatures: u32le,
  dwMaxCCIDMessageLength: u32le,
  bClassGetResponse: u8,
  bClassEnvelope: u8,
  wLcdLayout: u16le,
  bPINSupport: u8,
  bMaxCCIDBusySlots: u8,
});

export const CCID_DESCRIPTOR = CcidDescriptor.encode({
  bcdCCID: 0x0110,
  bMaxSlotIndex: 0,
  bVoltageSupport: FIVE_THREE_AND_1_8_VOLTS,
  dwProtocols: PROTOCOL_T1,
  dwDefaultClock: CLOCK_FREQUENCY,
  dwMaximumClock: CLOCK_FREQUENCY,
  bNumClockSupported: 1,
  dwDataRate: DATA_RATE,
  dwMaxDataRate: DATA_RATE,
  bNumDataRatesSupported: 1,
  dwMaxIFSD: MAX_IFSD,
  dwSynchProtocols: 0,
  dwMechanical: 0,
  dwFeatures: Object.values(Features).reduce((sum, bit) => sum | bit, 0),
  dwMaxCCIDMessageLength: HEADER_SIZE + MAX_BLOCK_LENGTH,
  bClassGetResponse: ECHO,
  bClassEnvelope: ECHO,
  wLcdLayout: 0,
  bPINSupport: 0,
  bMaxCCIDBusySlots: 1,
});
