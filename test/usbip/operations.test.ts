// OP_REQ_DEVLIST and OP_REQ_IMPORT as bytes: Linux Documentation/usb/usbip_protocol.rst, tools/usb/usbip/src/usbipd.c.
import { describe, expect, test, vi } from "vitest";
import { UsbIpServer } from "../../src/usbip/server.ts";
import { BenchInterface, createBenchDevice } from "../usb/rig.ts";
import { connectRaw, importRaw, startServer } from "./bench-server.ts";
import { devlistRequest, getDeviceDescriptor, importRequest } from "./raw-client.ts";

/** The record of the bench device at 1-1. */
function expectRecord(record: Buffer, busid: string, devnum: number, bNumInterfaces: number): void {
  const text = (from: number, to: number) => record.toString("latin1", from, to).replace(/\0+$/, "");
  expect(text(0, 256)).toBe(`/sys/devices/latchkey/${busid}`);
  expect(text(256, 288)).toBe(busid);
  const speedHigh = 3;
  expect([288, 292, 296].map((at) => record.readUInt32BE(at))).toEqual([1, devnum, speedHigh]);
  expect([300, 302, 304].map((at) => record.readUInt16BE(at))).toEqual([0x1234, 0xabcd, 0x0107]);
  expect([...record.subarray(306, 312)]).toEqual([0, 0, 0, 1, 1, bNumInterfaces]);
}

describe("OP_REQ_DEVLIST", () => {
  test("lists every device, big-endian, with 4 bytes for each of its interfaces", async () => {
    const server = new UsbIpServer();
    server.export(createBenchDevice([new BenchInterface(0, 1), new BenchInterface(1, 3)]));
    server.export(createBenchDevice([new BenchInterface()]));
    const { port } = await server.listen({ port: 0 });
    const client = await connectRaw(port);
    client.write(devlistRequest());
    const reply = await client.read(12 + 312 + 8 + 312 + 4);
    expect(reply.toString("hex", 0, 12)).toBe("011100050000000000000002");
    expectRecord(reply.subarray(12, 324), "1-1", 2, 2);
    expect(reply.toString("hex", 324, 332)).toBe("ff5a0000ff5a0100");
    expectRecord(reply.subarray(332, 644), "1-2", 3, 1);
    expect(reply.toString("hex", 644, 648)).toBe("ff5a0000");
    expect(await client.unread()).toBe(0);
    await client.close();
    await server.close();
  });

  test("lists none as none", async () => {
    const { port } = await startServer({}, 0);
    const client = await connectRaw(port);
    client.write(devlistRequest());
    expect((await client.read(12)).toString("hex")).toBe("011100050000000000000000");
  });

  test("is answered while a device is in use, in one write, and again on the same connection", async () => {
    const { port } = await startServer();
    await importRaw(port);
    const client = await connectRaw(port);
    for (let count = 1; count <= 2; count++) {
      client.write(devlistRequest());
      await client.read(12 + 312 + 4);
      expect(client.chunks).toEqual(new Array(count).fill(328));
    }
  });

  test("may come byte by byte", async () => {
    const { port } = await startServer();
    const client = await connectRaw(port);
    for (const byte of devlistRequest()) {
      client.write(Uint8Array.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.read(328);
  });
});

describe("OP_REQ_IMPORT", () => {
  test("is answered with the device's record and no interfaces", async () => {
    const { port } = await startServer({}, 2);
    const client = await connectRaw(port);
    client.write(importRequest("1-2"));
    const reply = await client.read(320);
    expect(reply.toString("hex", 0, 8)).toBe("0111000300000000");
    expectRecord(reply.subarray(8), "1-2", 3, 1);
    expect(await client.unread()).toBe(0);
  });

  test.each(["9-9", "", "1-1x", "1-", "\u001b[2J", "\u009b2J", "x".repeat(32)])(
    "of the unknown busid %j is refused with a status and no body",
    async (busid) => {
      const { port, server, log } = await startServer();
      const client = await connectRaw(port);
      client.write(importRequest(busid));
      const statusNoDevice = "00000004";
      expect((await client.read(8)).toString("hex")).toBe(`01110003${statusNoDevice}`);
      expect(await client.unread()).toBe(0);
      expect(server.exports[0]?.importedBy).toBeUndefined();
      expect(log.join("")).toMatch(/^[ -~]+$/);
    },
  );

  test("of a device in use is refused as busy, with a status and no body, and its host is not disturbed", async () => {
    const { port } = await startServer();
    const owner = await importRaw(port);
    const late = await connectRaw(port);
    late.write(importRequest("1-1"));
    const statusBusy = "00000002";
    expect((await late.read(8)).toString("hex")).toBe(`01110003${statusBusy}`);
    expect(await late.unread()).toBe(0);
    owner.write(getDeviceDescriptor(1));
    expect((await owner.reply()).actualLength).toBe(18);
  });

  test("may be tried again on the same connection, and works once the device is free", async () => {
    const { port } = await startServer();
    const owner = await importRaw(port);
    const late = await connectRaw(port);
    late.write(importRequest("1-1"));
    await late.read(8);
    await owner.close();
    await vi.waitFor(async () => {
      late.write(importRequest("1-1"));
      expect((await late.read(8)).readUInt32BE(4)).toBe(0);
    });
    await late.read(312);
  });

  test("and the first requests may come in one segment", async () => {
    const { port } = await startServer();
    const client = await connectRaw(port);
    client.write(importRequest("1-1"), getDeviceDescriptor(1), getDeviceDescriptor(2));
    await client.read(320);
    expect((await client.reply()).seqnum).toBe(1);
    await client.read(18);
    expect((await client.reply()).seqnum).toBe(2);
  });

  test("powers the device up: nothing of the host before is left", async () => {
    const { port, benches } = await startServer();
    const [bench] = benches;
    const before = bench?.resets ?? 0;
    await importRaw(port);
    expect(bench?.resets).toBe(before + 1);
  });

  test("gives several clients a device each, at once", async () => {
    const { port, server } = await startServer({}, 3);
    const clients = await Promise.all(["1-1", "1-2", "1-3"].map((busid) => importRaw(port, busid)));
    for (const [index, client] of clients.entries()) {
      client.write(getDeviceDescriptor(1, 18, 0x0001_0002 + index));
      expect((await client.reply()).actualLength).toBe(18);
    }
    expect(server.exports.every(({ importedBy }) => importedBy?.startsWith("127.0.0.1:"))).toBe(true);
  });
});

describe("The server's owner", () => {
  test("hears who attached and detached, and can ask who has what", async () => {
    const events: string[] = [];
    const { port, server } = await startServer({
      onAttach: ({ busid }, peer) => events.push(`+${busid} ${peer}`),
      onDetach: ({ busid }, peer) => events.push(`-${busid} ${peer}`),
    });
    const client = await importRaw(port);
    const peer = `127.0.0.1:${client.socket.localPort}`;
    expect(events).toEqual([`+1-1 ${peer}`]);
    expect(server.exports[0]?.importedBy).toBe(peer);
    await client.close();
    await vi.waitFor(() => expect(events).toEqual([`+1-1 ${peer}`, `-1-1 ${peer}`]));
    expect(server.exports[0]?.importedBy).toBeUndefined();
  });

  test("is told when the port is taken", async () => {
    const { port } = await startServer();
    await expect(new UsbIpServer().listen({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
