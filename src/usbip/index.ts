// The public face of the USB/IP layer: `latchkey/usbip`.
export {
  ImportedDevice,
  importDevice,
  type ListedDevice,
  listDevices,
  requestImport,
  type ServerAddress,
  type TransferResult,
  UrbError,
  UsbIpOperationError,
} from "./client.ts";
export { ClientSocket, UsbIpConnectionError } from "./client-socket.ts";
export { ExportedDevice } from "./exported-device.ts";
export {
  devidOf,
  OpStatus,
  UrbStatus,
  USBIP_PORT,
  USBIP_VERSION,
  UsbIpProtocolError,
  type UsbipUsbDevice,
  type UsbipUsbInterface,
} from "./protocol.ts";
export { UsbIpServer, type UsbIpServerOptions } from "./server.ts";
