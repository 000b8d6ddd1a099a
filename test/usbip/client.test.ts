// The client against servers that misbehave: it ends the connection with an error that says so, and never hangs.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { UsbStall } from "../../src/usb/endpoint.ts";
import { TransferAborted } from "../../src/usb/packet-queue.ts";
import { importDevice, listDevices, requestImport, UrbError, UsbIpOperationError } from "../../src/usbip/client.ts";
import { UsbIpConnectionError } from "../../src/usbip/client-socket.ts";
import { OpStatus, UsbIpProtocolError } from "../../src/usbip/protocol.ts";
import { startServer } from "./bench-server.ts";
import { RawClient, WAIT_MS } from "./raw-client.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server whose side of each connection is a script. */
async function startScript(script: (peer: Peer) => Promise<void>): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => {
    closers.push(() => socket.destroy());
    script(new Peer(socket)).catch(() => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

class Peer {
  readonly #connection: RawClient;

  constructor(socket: Socket) {
    this.#connection = new RawClient(socket);
  }

  read(length: number): Promise<Buffer> {
    return this.#connection.read(length);
  }

  write(...parts: readonly (string | Uint8Array)[]): void {
    this.#connection.write(...parts.map((part) => (typeof part === "string" ? Buffer.from(part, "hex") : part)));
  }

  /** Writes and closes. */
  end(bytes: Uint8Array): void {
    this.#connection.socket.end(bytes);
  }

  /** Answers an import of 1-1 as a well-behaved server would. */
  async import(): Promise<void> {
    await this.read(40);
    this.write("0111000300000000", record("1-1"));
  }
}

function record(busid: string, bNumInterfaces = 1): Buffer {
  const bytes = Buffer.alloc(312);
  bytes.write(busid, 256, "latin1");
  bytes.writeUInt32BE(1, 288);
  bytes.writeUInt32BE(2, 292);
  bytes.writeUInt8(bNumInterfaces, 311);
  return bytes;
}

function reply(command: number, seqnum: number, status: number, actualLength = 0): Buffer {
  const header = Buffer.alloc(48);
  header.writeUInt32BE(command, 0);
  header.writeUInt32BE(seqnum, 4);
  header.writeInt32BE(status, 20);
  header.writeUInt32BE(actualLength, 24);
  return header;
}

describe("Against a server of ours the client", () => {
  test("gets the status of a refused import", async () => {
    const { port } = await startServer();
    const address = { host: "127.0.0.1", port };
    const device = await importDevice({ ...address, busid: "1-1" });
    const busy = importDevice({ ...address, busid: "1-1" });
    await expect(busy).rejects.toThrow("import 1-1: ST_DEV_BUSY (2)");
    await expect(busy).rejects.toMatchObject({ status: OpStatus.ST_DEV_BUSY });
    await expect(importDevice({ ...address, busid: "7-7" })).rejects.toMatchObject({ status: OpStatus.ST_NODEV });
    await device.detach();
    await device.detach();
  });

  test("gets stalls, results and aborts as what they are", async () => {
    const { port, benches } = await startServer();
    const device = await importDevice({ host: "127.0.0.1", port, busid: "1-1" });
    await expect(device.transferIn(1, 64)).rejects.toThrow(UsbStall);
    await device.controlOut({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0 });
    expect(await device.transferOut(1, Uint8Array.of(1, 2, 3))).toBe(3);
    await expect(device.transferIn(1, 64, AbortSignal.timeout(20))).rejects.toThrow(TransferAborted);
    await expect(device.transferIn(1, 64, AbortSignal.abort())).rejects.toThrow(TransferAborted);
    const controller = new AbortController();
    benches[0]?.bulkIn.queue.push(Uint8Array.of(9));
    const crossing = device.transferIn(1, 64, controller.signal);
    controller.abort();
    expect(await crossing).toEqual(Uint8Array.of(9));
    await device.detach();
    await expect(device.transferIn(1, 64)).rejects.toThrow(UsbIpConnectionError);
  });

  test("hears at once that the server has gone", async () => {
    const { port, server } = await startServer();
    const device = await importDevice({ host: "127.0.0.1", port, busid: "1-1" });
    await device.controlOut({ bmRequestType: 0, bRequest: 9, wValue: 1, wIndex: 0 });
    const waiting = expect(device.transferIn(1, 64)).rejects.toThrow(UsbIpConnectionError);
    await server.close();
    await waiting;
  });

  test("leaves an imported connection unread, so that a kernel can take it over", async () => {
    const { port, benches } = await startServer();
    const { connection, device } = await requestImport({ host: "127.0.0.1", port, busid: "1-1" });
    expect(device).toMatchObject({ busid: "1-1", busnum: 1, devnum: 2, speed: 3 });
    const request = Buffer.alloc(48);
    for (const [index, value] of [1, 1, 0x0001_0002, 0, 0, 0, 0].entries()) request.writeUInt32BE(value, index * 4);
    request.set([0, 9, 1], 40);
    const before = connection.socket.bytesRead;
    connection.socket.write(request);
    await expect.poll(() => benches[0]?.resets, { timeout: WAIT_MS }).toBe(2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(connection.socket.bytesRead).toBe(before);
    expect((await connection.read(48)).subarray(0, 8)).toEqual(Uint8Array.of(0, 0, 0, 3, 0, 0, 0, 1));
    connection.socket.destroy();
  });
});

describe("The list is refused", () => {
  test.each([
    ["with another version", "0106000500000000", UsbIpProtocolError],
    ["with the wrong code", "0111000300000000", UsbIpProtocolError],
    ["with a status", "0111000500000005", UsbIpOperationError],
    ["when it claims 2^32-1 devices", "0111000500000000ffffffff", UsbIpProtocolError],
  ])("%s", async (_name, bytes, error) => {
    const address = await startScript(async (peer) => {
      await peer.read(8);
      peer.write(bytes);
    });
    await expect(listDevices(address)).rejects.toThrow(error);
  });

  test.each([0, 7, 11, 12 + 311, 12 + 312 + 3])("when it ends after %i bytes", async (length) => {
    const address = await startScript(async (peer) => {
      await peer.read(8);
      const whole = Buffer.concat([Buffer.from("011100050000000000000001", "hex"), record("1-1"), Buffer.alloc(4)]);
      peer.end(whole.subarray(0, length));
    });
    await expect(listDevices(address)).rejects.toThrow("closed the connection");
  });

  test("when it does not come in time, or nobody listens", async () => {
    const address = await startScript(async () => {});
    await expect(listDevices({ ...address, timeoutMs: 50 })).rejects.toThrow("no reply within 50 ms");
    closers.splice(0).forEach((close) => {
      close();
    });
    await expect(listDevices({ ...address, port: 1 })).rejects.toThrow(UsbIpConnectionError);
  });
});

describe("An import is refused", () => {
  test("when the record is another device's", async () => {
    const address = await startScript(async (peer) => {
      await peer.read(40);
      peer.write("0111000300000000", record("1-2"));
    });
    await expect(importDevice({ ...address, busid: "1-1" })).rejects.toThrow(UsbIpProtocolError);
  });

  test("before anything is sent when the busid cannot be one", async () => {
    await expect(importDevice({ host: "127.0.0.1", port: 1, busid: "x".repeat(32) })).rejects.toThrow(RangeError);
  });
});

describe("The connection is ended, and all transfers fail, over", () => {
  test.each([
    ["a reply to no request", reply(3, 77, 0)],
    ["more data than was asked for", reply(3, 1, 0, 65)],
    ["2^32-1 bytes of data", reply(3, 1, 0, 0xffff_ffff)],
    ["a request where a reply should be", reply(1, 1, 0)],
    ["an operation's reply", Buffer.concat([Buffer.from("0111000500000000", "hex"), Buffer.alloc(40)])],
  ])("%s", async (_name, bytes) => {
    const address = await startScript(async (peer) => {
      await peer.import();
      await peer.read(96);
      peer.write(bytes);
    });
    const device = await importDevice({ ...address, busid: "1-1" });
    const transfers = [device.transferIn(1, 64), device.transferIn(1, 64)];
    for (const each of transfers) await expect(each).rejects.toThrow(UsbIpProtocolError);
    await expect(device.transferIn(1, 64)).rejects.toThrow(UsbIpProtocolError);
  });

  test("an unlink request that is not answered", async () => {
    const address = await startScript(async (peer) => {
      await peer.import();
      await peer.read(96);
    });
    const device = await importDevice({ ...address, timeoutMs: 60, busid: "1-1" });
    await expect(device.transferIn(1, 64, AbortSignal.timeout(10))).rejects.toThrow("no reply to an unlink request");
  });
});

describe("A transfer", () => {
  test("takes data after the reply to an IN alone, and remembers which request that was", async () => {
    const address = await startScript(async (peer) => {
      await peer.import();
      await peer.read(48 + 48 + 5);
      peer.write(reply(3, 2, 0, 5), reply(3, 1, 0, 3), Buffer.from("abc"));
    });
    const device = await importDevice({ ...address, busid: "1-1" });
    const received = device.transferIn(1, 64);
    expect(await device.transferOut(1, new Uint8Array(5))).toBe(5);
    expect(Buffer.from(await received).toString()).toBe("abc");
    await device.detach();
  });

  test("keeps what it received when the socket reads on", async () => {
    const address = await startScript(async (peer) => {
      await peer.import();
      await peer.read(48);
      peer.write(reply(3, 1, 0, 4), Buffer.from("keep"));
      await peer.read(48);
      peer.write(reply(3, 2, 0, 4), Buffer.from("over"));
    });
    const device = await importDevice({ ...address, busid: "1-1" });
    const first = await device.transferIn(1, 64);
    await device.transferIn(1, 64);
    expect(Buffer.from(first).toString()).toBe("keep");
    await device.detach();
  });

  test("fails with any other status as that, and the connection goes on", async () => {
    const EPROTO = -71;
    const address = await startScript(async (peer) => {
      await peer.import();
      await peer.read(48);
      peer.write(reply(3, 1, EPROTO));
      await peer.read(48);
      peer.write(reply(4, 99, 0), reply(3, 2, 0, 0));
    });
    const device = await importDevice({ ...address, busid: "1-1" });
    const failed = device.transferIn(1, 64);
    await expect(failed).rejects.toThrow(UrbError);
    await expect(failed).rejects.toMatchObject({ status: EPROTO });
    expect(await device.transferIn(1, 64)).toHaveLength(0);
    await device.detach();
  });
});
