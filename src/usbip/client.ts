// A USB/IP client in user space: lists what a server exports, and imports a device, for a kernel or for this process.
// Linux Documentation/usb/usbip_protocol.rst; tools/usb/usbip/src/usbip_attach.c
import { concat } from "../bytes/concat.ts";
import { ClientSocket, type ConnectOptions } from "./client-socket.ts";
import { ImportedDevice } from "./imported-device.ts";
import {
  BUSID_MAX_LENGTH,
  OpCode,
  OpCommon,
  OpDevlistReply,
  OpImportRequest,
  OpStatus,
  quoteBusid,
  USBIP_PORT,
  USBIP_VERSION,
  UsbIpProtocolError,
  UsbipUsbDevice,
  UsbipUsbInterface,
} from "./protocol.ts";

export { ImportedDevice, type TransferResult, UrbError } from "./imported-device.ts";

export interface ServerAddress {
  readonly host: string;
  /** 3240 unless given. */
  readonly port?: number;
  /** For connecting and for each operation's reply; 5 s unless given. */
  readonly timeoutMs?: number;
}

/** A device in a server's list. */
export interface ListedDevice extends UsbipUsbDevice {
  readonly interfaces: readonly UsbipUsbInterface[];
}

/** The server answered an operation with a status other than ST_OK. */
export class UsbIpOperationError extends Error {
  override name = "UsbIpOperationError";
  readonly status: number;

  constructor(operation: string, status: number) {
    const found = Object.entries(OpStatus).find(([, value]) => value === status);
    super(`the server refused to ${operation}: ${found?.[0] ?? "status"} (${status})`);
    this.status = status;
  }
}

/** More than any server of ours exports; a list that claims more is not believed. */
const MAX_DEVICES = 1024;

function connectOptions(address: ServerAddress): ConnectOptions {
  return { host: address.host, port: address.port ?? USBIP_PORT, timeoutMs: address.timeoutMs ?? 5_000 };
}

/** What the server exports. Rejects with UsbIpConnectionError, UsbIpOperationError or UsbIpProtocolError. */
export async function listDevices(address: ServerAddress): Promise<ListedDevice[]> {
  const connection = await ClientSocket.connect(connectOptions(address));
  try {
    connection.socket.write(OpCommon.encode({ version: USBIP_VERSION, code: OpCode.OP_REQ_DEVLIST, status: 0 }));
    await readOperationReply(connection, OpCode.OP_REP_DEVLIST, "list its devices");
    const { ndev } = OpDevlistReply.parse(await connection.read(OpDevlistReply.size));
    if (ndev > MAX_DEVICES) throw new UsbIpProtocolError(`a list of ${ndev} devices`);
    const devices: ListedDevice[] = [];
    for (let index = 0; index < ndev; index++) {
      const device = UsbipUsbDevice.parse(await connection.read(UsbipUsbDevice.size));
      const interfaces: UsbipUsbInterface[] = [];
      for (let number = 0; number < device.bNumInterfaces; number++) {
        interfaces.push(UsbipUsbInterface.parse(await connection.read(UsbipUsbInterface.size)));
      }
      devices.push({ ...device, interfaces });
    }
    return devices;
  } finally {
    connection.socket.destroy();
  }
}

/**
 * Imports a device and hands back the connected socket, from which nothing more is read: a kernel's virtual host
 * controller can take it over as it is. Rejects like listDevices; status ST_DEV_BUSY when another client has it.
 */
export async function requestImport(
  address: ServerAddress & { readonly busid: string },
): Promise<{ readonly connection: ClientSocket; readonly device: UsbipUsbDevice }> {
  const { busid } = address;
  if (busid.length > BUSID_MAX_LENGTH) throw new RangeError(`"${busid}" is too long for a busid`);
  const connection = await ClientSocket.connect(connectOptions(address));
  try {
    const head = OpCommon.encode({ version: USBIP_VERSION, code: OpCode.OP_REQ_IMPORT, status: 0 });
    connection.socket.write(concat(head, OpImportRequest.encode({ busid })));
    await readOperationReply(connection, OpCode.OP_REP_IMPORT, `import ${busid}`);
    const device = UsbipUsbDevice.parse(await connection.read(UsbipUsbDevice.size));
    if (device.busid !== busid) throw new UsbIpProtocolError(`asked for ${busid}, got ${quoteBusid(device.busid)}`);
    return { connection, device };
  } catch (error) {
    connection.socket.destroy();
    throw error;
  }
}

/** Imports a device for transfers from this process. Rejects like requestImport. */
export async function importDevice(address: ServerAddress & { readonly busid: string }): Promise<ImportedDevice> {
  const { connection, device } = await requestImport(address);
  return new ImportedDevice(connection, device);
}

async function readOperationReply(connection: ClientSocket, code: number, operation: string): Promise<void> {
  const reply = OpCommon.parse(await connection.read(OpCommon.size));
  if (reply.version !== USBIP_VERSION || reply.code !== code) {
    throw new UsbIpProtocolError(`version ${reply.version}, code ${reply.code} in the reply to "${operation}"`);
  }
  if (reply.status !== OpStatus.ST_OK) throw new UsbIpOperationError(operation, reply.status);
}
