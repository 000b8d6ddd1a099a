// Listens for USB/IP clients and offers them devices. USB/IP has neither encryption nor authentication: whoever can
// connect can use the devices. Linux Documentation/usb/usbip_protocol.rst
import { type AddressInfo, createServer, type Server } from "node:net";
import { type Logger, silentLogger } from "../log.ts";
import type { UsbDevice } from "../usb/types.ts";
import { Connection } from "./connection.ts";
import { ExportedDevice } from "./exported-device.ts";
import { USBIP_PORT } from "./protocol.ts";

export interface UsbIpServerOptions {
  readonly log?: Logger;
  /** A host imported a device; `peer` is its address and port. */
  readonly onAttach?: (exported: ExportedDevice, peer: string) => void;
  /** That host's connection closed: the device is free again. */
  readonly onDetach?: (exported: ExportedDevice, peer: string) => void;
  /** How long a client that has imported nothing may take for each request; 10 s unless given. */
  readonly requestTimeoutMs?: number;
  /** How long a client may leave its replies unread once they pile up; 30 s unless given. */
  readonly stallTimeoutMs?: number;
}

const BUSNUM = 1;
/** Devices on a bus are numbered from 2: its root hub is 1. */
const FIRST_DEVNUM = 2;
/** Clients at once, most of them idle: what a stranger can make the server hold is bounded. */
const MAX_CONNECTIONS = 256;

export class UsbIpServer {
  readonly #exports = new Map<string, ExportedDevice>();
  readonly #connections = new Set<Connection>();
  readonly #server: Server;
  readonly #log: Logger;

  constructor(options: UsbIpServerOptions = {}) {
    this.#log = options.log ?? silentLogger;
    const connectionOptions = {
      requestTimeoutMs: 10_000,
      stallTimeoutMs: 30_000,
      ...options,
      log: this.#log,
      exports: this.#exports,
    };
    this.#server = createServer((socket) => {
      const connection = new Connection(socket, connectionOptions);
      this.#connections.add(connection);
      socket.once("close", () => this.#connections.delete(connection));
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** What is on offer, and (`importedBy`) who has it. */
  get exports(): readonly ExportedDevice[] {
    return [...this.#exports.values()];
  }

  /** Offers a device: under bus ids 1-1, 1-2, … in the order of these calls. */
  export(device: UsbDevice): ExportedDevice {
    const position = this.#exports.size;
    const address = { busid: `${BUSNUM}-${position + 1}`, busnum: BUSNUM, devnum: FIRST_DEVNUM + position };
    const exported = new ExportedDevice(device, address);
    this.#exports.set(exported.busid, exported);
    return exported;
  }

  /** Starts listening; port 0 picks a free one. Rejects with the system's error (EADDRINUSE, EACCES, …). */
  async listen({ host = "127.0.0.1", port = USBIP_PORT } = {}): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    this.#server.on("error", (error) => this.#log.error("listening socket", error));
    return this.#server.address() as AddressInfo;
  }

  /** Unplugs a device: the host that has it is told by the end of its connection. Resolves once the device is free. */
  async detach(exported: ExportedDevice): Promise<void> {
    for (const connection of this.#connections) {
      if (connection.exported !== exported) continue;
      connection.end();
      await connection.closed;
    }
  }

  /** Stops listening and detaches every host in an orderly way. Resolves when all connections are closed. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.end();
    await closed;
  }
}
