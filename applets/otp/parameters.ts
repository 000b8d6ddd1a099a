// Numbers of the OTP protocol: slot commands, flags and sizes. ykpers' ykdef.h, yubikit/yubiotp.py

/** INS of the applet's commands over a card reader; the keyboard interface has slot commands alone. */
export const Instruction = { SLOT: 0x01, STATUS: 0x03 } as const;

/** P1 of Instruction.SLOT, and the `slot` field of the keyboard interface's frames. */
export const SlotCommand = {
  CONFIG_1: 0x01,
  CONFIG_2: 0x03,
  UPDATE_1: 0x04,
  UPDATE_2: 0x05,
  SWAP: 0x06,
  NDEF_1: 0x08,
  NDEF_2: 0x09,
  DEVICE_SERIAL: 0x10,
  DEVICE_CONFIG: 0x11,
  SCAN_MAP: 0x12,
  DEVICE_INFO: 0x13,
  SET_DEVICE_INFO: 0x15,
  CHAL_OTP_1: 0x20,
  CHAL_OTP_2: 0x28,
  CHAL_HMAC_1: 0x30,
  CHAL_HMAC_2: 0x38,
} as const;
export type SlotCommand = (typeof SlotCommand)[keyof typeof SlotCommand];

/** What a ticket consists of. CHAL_RESP and OATH_HOTP are one bit: the configuration flags tell which. */
export const TicketFlag = {
  TAB_FIRST: 0x01,
  APPEND_TAB1: 0x02,
  APPEND_TAB2: 0x04,
  APPEND_DELAY1: 0x08,
  APPEND_DELAY2: 0x10,
  APPEND_CR: 0x20,
  OATH_HOTP: 0x40,
  CHAL_RESP: 0x40,
  PROTECT_CFG2: 0x80,
} as const;

/** How it is made. The same bits mean different things by the kind of the slot. */
export const ConfigFlag = {
  SEND_REF: 0x01,
  SHORT_TICKET: 0x02,
  PACING_10MS: 0x04,
  PACING_20MS: 0x08,
  STRONG_PW1: 0x10,
  STATIC_TICKET: 0x20,
  STRONG_PW2: 0x40,
  MAN_UPDATE: 0x80,

  OATH_HOTP8: 0x02,
  OATH_FIXED_MODHEX1: 0x10,
  OATH_FIXED_MODHEX2: 0x40,
  OATH_FIXED_MODHEX: 0x50,

  CHAL_YUBICO: 0x20,
  CHAL_HMAC: 0x22,
  HMAC_LT64: 0x04,
  CHAL_BTN_TRIG: 0x08,
} as const;

export const ExtendedFlag = {
  SERIAL_BTN_VISIBLE: 0x01,
  SERIAL_USB_VISIBLE: 0x02,
  SERIAL_API_VISIBLE: 0x04,
  USE_NUMERIC_KEYPAD: 0x08,
  FAST_TRIG: 0x10,
  ALLOW_UPDATE: 0x20,
  DORMANT: 0x40,
  LED_INV: 0x80,
} as const;

/** The flags that UPDATE may change; extended flags, it may change all. */
export const UpdateMask = { TICKET: 0x3f, CONFIG: 0x0c } as const;

/** Bits of touchLevel, the last field of the status. */
export const TouchLevel = {
  CONFIG1_VALID: 0x01,
  CONFIG2_VALID: 0x02,
  CONFIG1_TOUCH: 0x04,
  CONFIG2_TOUCH: 0x08,
  LED_INV: 0x10,
} as const;

export const FIXED_SIZE = 16;
export const UID_SIZE = 6;
export const KEY_SIZE = 16;
export const ACCESS_CODE_SIZE = 6;

/** Length, type and 54 bytes: struct ndef_st of ykdef.h without its access code. */
export const NDEF_SIZE = 56;

/** Of the keys of HMAC and HOTP: the key field, and the first bytes of the uid field. */
export const HMAC_KEY_SIZE = 20;

/** Of a challenge for HMAC-SHA1, padding included. */
export const HMAC_CHALLENGE_SIZE = 64;
export const OTP_CHALLENGE_SIZE = 6;

export const SLOT_NUMBERS = [1, 2] as const;
export type SlotNumber = (typeof SLOT_NUMBERS)[number];
