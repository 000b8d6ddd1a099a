// The numbers in a setup packet: whom a control request addresses and what it asks. USB 2.0 §9.3, §9.4

/** bmRequestType, whole: direction, type and recipient. USB 2.0 table 9-2 */
export const RequestType = {
  DEVICE_OUT: 0x00,
  INTERFACE_OUT: 0x01,
  ENDPOINT_OUT: 0x02,
  DEVICE_IN: 0x80,
  INTERFACE_IN: 0x81,
  ENDPOINT_IN: 0x82,
  CLASS_INTERFACE_OUT: 0x21,
  CLASS_ENDPOINT_OUT: 0x22,
  CLASS_INTERFACE_IN: 0xa1,
  CLASS_ENDPOINT_IN: 0xa2,
  /** Of a hub: its port. USB 2.0 §11.24.2 */
  PORT_OUT: 0x23,
} as const;

/** Bits 6–5 of bmRequestType. USB 2.0 table 9-2 */
export const RequestKind = { STANDARD: 0, CLASS: 1, VENDOR: 2 } as const;

/** Bits 4–0 of bmRequestType. USB 2.0 table 9-2 */
export const Recipient = { DEVICE: 0, INTERFACE: 1, ENDPOINT: 2, OTHER: 3 } as const;

export function requestKind(bmRequestType: number): number {
  return (bmRequestType >>> 5) & 0x03;
}

export function requestRecipient(bmRequestType: number): number {
  return bmRequestType & 0x1f;
}

/** bRequest of the standard requests. USB 2.0 table 9-4 */
export const StandardRequest = {
  GET_STATUS: 0,
  CLEAR_FEATURE: 1,
  SET_FEATURE: 3,
  SET_ADDRESS: 5,
  GET_DESCRIPTOR: 6,
  SET_DESCRIPTOR: 7,
  GET_CONFIGURATION: 8,
  SET_CONFIGURATION: 9,
  GET_INTERFACE: 10,
  SET_INTERFACE: 11,
  SYNCH_FRAME: 12,
} as const;

/** wValue of CLEAR_FEATURE and SET_FEATURE. USB 2.0 table 9-6 */
export const Feature = { ENDPOINT_HALT: 0, DEVICE_REMOTE_WAKEUP: 1, TEST_MODE: 2 } as const;

/** wValue of SET_FEATURE to a hub's port. USB 2.0 table 11-17 */
export const PortFeature = { RESET: 4 } as const;

/** The bit of bmRequestType, of bEndpointAddress and of wIndex that says device to host. */
export const DIRECTION_IN = 0x80;

/** The high byte of wValue or wIndex: a descriptor's or a report's type. USB 2.0 §9.4.3, HID 1.11 §7.2.1 */
export function highByte(word: number): number {
  return word >>> 8;
}

/** The low byte of wValue or wIndex: an index, an interface number, an endpoint address. */
export function lowByte(word: number): number {
  return word & 0xff;
}
