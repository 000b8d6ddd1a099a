// The data objects of a YubiKey's configuration: a tag byte, a length byte, a value. yubikit/management.py, TAG_…
export const Tag = {
  USB_SUPPORTED: 0x01,
  SERIAL: 0x02,
  USB_ENABLED: 0x03,
  FORM_FACTOR: 0x04,
  VERSION: 0x05,
  AUTO_EJECT_TIMEOUT: 0x06,
  CHALLENGE_RESPONSE_TIMEOUT: 0x07,
  DEVICE_FLAGS: 0x08,
  /** Read: whether there is a lock code. Written: the new one. */
  CONFIG_LOCK: 0x0a,
  /** Written only: the lock code. */
  UNLOCK: 0x0b,
  /** Written only, empty. */
  REBOOT: 0x0c,
  NFC_SUPPORTED: 0x0d,
  NFC_ENABLED: 0x0e,
  MORE_DATA: 0x10,
  PART_NUMBER: 0x13,
  FIPS_CAPABLE: 0x14,
  FIPS_APPROVED: 0x15,
  PIN_COMPLEXITY: 0x16,
  NFC_RESTRICTED: 0x17,
  RESET_BLOCKED: 0x18,
  VERSION_QUALIFIER: 0x19,
} as const;
export type Tag = (typeof Tag)[keyof typeof Tag];

/** Bits of DEVICE_FLAGS. yubikit/management.py, DEVICE_FLAG */
export const DeviceFlag = { REMOTE_WAKEUP: 0x40, EJECT: 0x80 } as const;
