// list, attach and detach against a real server; the kernel's side is a tree of files that looks like its sysfs.
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MemoryKeyStore } from "../../keystore/memory-keystore.ts";
import { attach } from "../../src/cli/attach.ts";
import { detach } from "../../src/cli/detach.ts";
import { list } from "../../src/cli/list.ts";
import { autoPresence } from "../../src/presence/auto.ts";
import { createSecurityKey } from "../../src/security-key.ts";
import { importDevice } from "../../src/usbip/client.ts";
import { UsbIpServer } from "../../src/usbip/server.ts";
import { Vhci } from "../../src/usbip/vhci.ts";

const FREE_PORTS = `hub port sta spd dev      sockfd local_busid
hs  0000 004 000 00000000 000000 0-0
hs  0001 004 000 00000000 000000 0-0
ss  0008 004 000 00000000 000000 0-0
`;

let root: string;
let vhci: Vhci;
let server: UsbIpServer;
let remote: { host: string; port: number };
let printed: string[];

const print = (line: string) => printed.push(line);
const controller = (file: string) => join(root, "sys/devices/platform/vhci_hcd.0", file);
const record = (port: number) => join(root, `var/run/vhci_hcd/port${port}`);
const usePorts = (...ports: number[]) =>
  writeFile(
    controller("status"),
    ports.reduce((table, port) => table.replace(`000${port} 004`, `000${port} 006`), FREE_PORTS),
  );

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "latchkey-cli-"));
  await mkdir(join(root, "sys/module/vhci_hcd"), { recursive: true });
  await mkdir(controller(""), { recursive: true });
  await usePorts();
  vhci = new Vhci({ root, isRoot: true, modprobe: "/bin/false" });
  server = new UsbIpServer();
  server.export(await createSecurityKey({ store: new MemoryKeyStore(), presence: autoPresence }));
  const { address: host, port } = await server.listen({ port: 0 });
  remote = { host, port };
  printed = [];
});
afterEach(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

test("list prints one line a device", async () => {
  await list({ remote, json: false }, print);
  expect(printed).toEqual(["1-1  1209:0001  high speed  HID, smart card"]);
});

test("list --json prints one object", async () => {
  await list({ remote, json: true }, print);
  expect(printed).toHaveLength(1);
  expect(JSON.parse(printed[0] ?? "")).toEqual({
    remote,
    devices: [
      {
        busid: "1-1",
        usbId: "1209:0001",
        speed: "high",
        busnum: 1,
        devnum: 2,
        interfaces: [
          { class: 3, subClass: 0, protocol: 0 },
          { class: 11, subClass: 0, protocol: 0 },
        ],
      },
    ],
  });
});

test("What a server calls its devices cannot move the cursor", async () => {
  const device = Buffer.alloc(312);
  device.write("\u001b[2J\u009b1A", 256, "latin1");
  const hostile = createServer((socket) => {
    socket.once("data", (request) => {
      const isList = request.readUInt16BE(2) === 0x8005;
      socket.end(Buffer.concat([Buffer.from(isList ? "011100050000000000000001" : "0111000300000004", "hex"), device]));
    });
  });
  await once(hostile.listen(0, "127.0.0.1"), "listening");
  const there = { host: "127.0.0.1", port: (hostile.address() as AddressInfo).port };
  await list({ remote: there, json: false }, print);
  expect(printed).toEqual(["\u{fffd}[2J\u{fffd}1A  0000:0000  speed 0 speed  "]);
  await expect(attach({ remote: there, busid: "1-1", json: false }, print, vhci)).rejects.toThrow(
    `has no device 1-1; it offers \u{fffd}[2J\u{fffd}1A.`,
  );
  hostile.close();
});

test("A server without devices is no error", async () => {
  const empty = new UsbIpServer();
  const { address: host, port } = await empty.listen({ port: 0 });
  await list({ remote: { host, port }, json: false }, print);
  await empty.close();
  expect(printed).toEqual([`127.0.0.1:${port} offers no devices.`]);
});

test("Where nobody listens, or something else does, one sentence says so", async () => {
  await server.close();
  await expect(list({ remote, json: false }, print)).rejects.toThrow(
    `Nothing listens on 127.0.0.1:${remote.port}: start a key with "latchkey serve".`,
  );
  const web = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const { port } = web.address() as { port: number };
  await expect(list({ remote: { host: "127.0.0.1", port }, json: false }, print)).rejects.toThrow(
    `127.0.0.1:${port} does not speak USB/IP`,
  );
  await new Promise((resolve) => web.close(resolve));
});

test("attach imports the device and gives the kernel its socket, id and speed", async () => {
  await attach({ remote, busid: "1-1", json: false }, print, vhci);
  expect(printed).toEqual([`Attached 1209:0001, device 1-1 of 127.0.0.1:${remote.port}, to port 0.`]);
  expect(await readFile(controller("attach"), "utf8")).toBe("0 3 65538 3\n");
  expect(await readFile(record(0), "utf8")).toBe(`127.0.0.1 ${remote.port} 1-1\n`);
});

test("attach --json prints one object", async () => {
  await usePorts(0);
  await attach({ remote, busid: "1-1", json: true }, print, vhci);
  expect(JSON.parse(printed.join(""))).toEqual({ port: 1, busid: "1-1", usbId: "1209:0001", speed: "high", remote });
});

test("A refused attach leaves the device free", async () => {
  await usePorts(0, 1);
  await expect(attach({ remote, busid: "1-1", json: false }, print, vhci)).rejects.toThrow("All 2 ports");
  await vi.waitFor(() => expect(server.exports[0]?.importedBy).toBeUndefined());
});

test("attach says when the device is taken, and which devices there are when it is not there", async () => {
  await expect(attach({ remote, busid: "7-7", json: false }, print, vhci)).rejects.toThrow(
    `127.0.0.1:${remote.port} has no device 7-7; it offers 1-1.`,
  );
  const device = await importDevice({ ...remote, busid: "1-1" });
  await expect(attach({ remote, busid: "1-1", json: false }, print, vhci)).rejects.toThrow(
    `Device 1-1 of 127.0.0.1:${remote.port} is attached already: detach it where it is.`,
  );
  await device.detach();
});

test("attach and detach say what this machine lacks before they connect anywhere", async () => {
  const nobody = { host: "127.0.0.1", port: 1 };
  const user = new Vhci({ root, isRoot: false });
  await expect(attach({ remote: nobody, busid: "1-1", json: false }, print, user)).rejects.toThrow("needs root");
  await expect(detach({ all: true, json: false }, print, user)).rejects.toThrow("needs root");
  await rm(join(root, "sys/module"), { recursive: true });
  await expect(attach({ remote: nobody, busid: "1-1", json: false }, print, vhci)).rejects.toThrow("vhci-hcd");
});

test("detach takes the port it is told, or the only one in use", async () => {
  await usePorts(0, 1);
  await detach({ port: 1, all: false, json: false }, print, vhci);
  expect(await readFile(controller("detach"), "utf8")).toBe("1\n");
  await usePorts(0);
  await detach({ all: false, json: false }, print, vhci);
  expect(await readFile(controller("detach"), "utf8")).toBe("0\n");
  expect(printed).toEqual(["Detached port 1.", "Detached port 0."]);
});

test("detach guesses nothing when several ports are in use, or none is", async () => {
  await expect(detach({ all: false, json: false }, print, vhci)).rejects.toThrow("Nothing is attached.");
  await usePorts(0, 8);
  await expect(detach({ all: false, json: false }, print, vhci)).rejects.toThrow(
    "Ports 0, 8 are in use: say which with --port, or --all.",
  );
  await expect(detach({ all: true, port: 0, json: false }, print, vhci)).rejects.toThrow("not both");
});

test("detach --all empties the hub, and an empty one is no error", async () => {
  await usePorts(0, 8);
  await detach({ all: true, json: true }, print, vhci);
  await usePorts();
  await detach({ all: true, json: false }, print, vhci);
  expect(printed).toEqual(['{"ports":[0,8]}', "Nothing is attached."]);
});
