// USB/IP as Linux has it: the operations that list and import devices, then the requests and replies of an imported
// one. Names of the kernel's drivers/usb/usbip/usbip_common.h, tools/usb/usbip/src/usbip_network.h and
// Documentation/usb/usbip_protocol.rst. Integers are big-endian; only `setup` is raw USB.
import { bytes, type Infer, i32be, struct, text, u8, u16be, u32be } from "../bytes/struct.ts";

/** Version 1.1.1: the only one that Linux' tools speak. */
export const USBIP_VERSION = 0x0111;
export const USBIP_PORT = 3240;

/** Operation codes: a request has the high bit, its reply does not. */
export const OpCode = {
  OP_REQ_IMPORT: 0x8003,
  OP_REP_IMPORT: 0x0003,
  OP_REQ_DEVLIST: 0x8005,
  OP_REP_DEVLIST: 0x0005,
} as const;

/** Status of an operation's reply. A reply that is not ST_OK has no body. */
export const OpStatus = { ST_OK: 0, ST_NA: 1, ST_DEV_BUSY: 2, ST_DEV_ERR: 3, ST_NODEV: 4, ST_ERROR: 5 } as const;
export type OpStatus = (typeof OpStatus)[keyof typeof OpStatus];

/** struct op_common */
export const OpCommon = struct({ version: u16be, code: u16be, status: u32be });

const BUSID_SIZE = 32;

/** struct op_import_request, after OpCommon. */
export const OpImportRequest = struct({ busid: text(BUSID_SIZE) });

/** struct op_devlist_reply, after OpCommon: then `ndev` times UsbipUsbDevice with its UsbipUsbInterfaces. */
export const OpDevlistReply = struct({ ndev: u32be });

/** struct usbip_usb_device: in the list, and the body of OP_REP_IMPORT. */
export const UsbipUsbDevice = struct({
  path: text(256),
  busid: text(BUSID_SIZE),
  busnum: u32be,
  devnum: u32be,
  speed: u32be,
  idVendor: u16be,
  idProduct: u16be,
  bcdDevice: u16be,
  bDeviceClass: u8,
  bDeviceSubClass: u8,
  bDeviceProtocol: u8,
  bConfigurationValue: u8,
  bNumConfigurations: u8,
  bNumInterfaces: u8,
});
export type UsbipUsbDevice = Infer<typeof UsbipUsbDevice>;

/** struct usbip_usb_interface: one for each interface of a listed device, none in an import's reply. */
export const UsbipUsbInterface = struct({
  bInterfaceClass: u8,
  bInterfaceSubClass: u8,
  bInterfaceProtocol: u8,
  padding: u8,
});
export type UsbipUsbInterface = Infer<typeof UsbipUsbInterface>;

/** The longest busid that a 32-byte field holds with its NUL. */
export const BUSID_MAX_LENGTH = BUSID_SIZE - 1;

/** For logs and messages: what a peer sent for a busid, in quotes, without what moves a terminal's cursor. */
export function quoteBusid(busid: string): string {
  return `"${busid.replace(/[^ -~]/g, "?")}"`;
}

/** `devid` of every request to an imported device. */
export function devidOf(device: Pick<UsbipUsbDevice, "busnum" | "devnum">): number {
  return ((device.busnum << 16) | device.devnum) >>> 0;
}

export const Command = {
  USBIP_CMD_SUBMIT: 1,
  USBIP_CMD_UNLINK: 2,
  USBIP_RET_SUBMIT: 3,
  USBIP_RET_UNLINK: 4,
} as const;

export const Direction = { USBIP_DIR_OUT: 0, USBIP_DIR_IN: 1 } as const;

/** struct usbip_header_basic. In replies devid, direction and ep are 0. */
const headerBasic = { command: u32be, seqnum: u32be, devid: u32be, direction: u32be, ep: u32be };

/** Every request and reply opens with 48 bytes, whatever it carries. */
export const HEADER_SIZE = 48;

/** The part that tells what the other 28 bytes are. */
export const HeaderBasic = struct(headerBasic);

const submitHead = { ...headerBasic, transfer_flags: u32be, transfer_buffer_length: u32be };

/** The part of USBIP_CMD_SUBMIT that tells how long it is. */
export const RequestHead = struct(submitHead);

/** USBIP_CMD_SUBMIT; `transfer_buffer_length` bytes follow an OUT. `setup` means something for endpoint 0 only. */
export const CmdSubmit = struct({
  ...submitHead,
  start_frame: u32be,
  number_of_packets: u32be,
  interval: u32be,
  setup: bytes(8),
});

/** USBIP_RET_SUBMIT; `actual_length` bytes follow an IN, none an OUT. */
export const RetSubmit = struct({
  ...headerBasic,
  status: i32be,
  actual_length: u32be,
  start_frame: u32be,
  number_of_packets: u32be,
  error_count: u32be,
  padding: bytes(8),
});

/** USBIP_CMD_UNLINK: `unlink_seqnum` names the request to cancel. */
export const CmdUnlink = struct({ ...headerBasic, unlink_seqnum: u32be, padding: bytes(24) });

/** USBIP_RET_UNLINK */
export const RetUnlink = struct({ ...headerBasic, status: i32be, padding: bytes(24) });

/** Linux error numbers, as `status` carries them, negative. Documentation/driver-api/usb/error-codes.rst */
export const UrbStatus = {
  OK: 0,
  /** A stall. */
  EPIPE: -32,
  /** Unlinked before it completed. */
  ECONNRESET: -104,
} as const;

/** Bytes sent that are no USB/IP, or USB/IP that lies or asks for too much: ends that connection. */
export class UsbIpProtocolError extends Error {
  override name = "UsbIpProtocolError";
}

/** The most that one transfer may carry, either way: far above what a driver for our devices asks for. */
export const MAX_TRANSFER_LENGTH = 1 << 20;

/** The most requests of one connection that may wait for their replies. Linux' drivers keep fewer than a hundred. */
export const MAX_URBS_IN_FLIGHT = 1024;
