import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Vhci, type VhciOptions } from "../../src/usbip/vhci.ts";

const HEADER = "hub port sta spd dev      sockfd local_busid\n";
const FREE = "000 00000000 000000 0-0";
const STATUS = `${HEADER}hs  0000 006 003 00020003 000003 1-1
hs  0001 004 ${FREE}
hs  0002 005 ${FREE}
ss  0008 004 ${FREE}
`;

const remote = { host: "127.0.0.1", port: 3240, busid: "1-1" };
const device = { devid: 0x0001_0002, speed: 3 };

let root: string;
let server: Server;
let socket: Socket;

const controller = (file: string) => join(root, "sys/devices/platform/vhci_hcd.0", file);
const record = (port: number) => join(root, `var/run/vhci_hcd/port${port}`);
const open = (options: VhciOptions = {}) => new Vhci({ root, isRoot: true, modprobe: "/bin/false", ...options });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "latchkey-vhci-"));
  await mkdir(join(root, "sys/module/vhci_hcd"), { recursive: true });
  await mkdir(controller(""), { recursive: true });
  await writeFile(controller("status"), STATUS);
  server = createServer((peer) => peer.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  socket = new Socket();
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => socket.connect(port, "127.0.0.1", resolve));
  socket.pause();
});
afterEach(async () => {
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
  await rm(root, { recursive: true });
});

test("The status of every virtual controller is read, in order", async () => {
  await writeFile(controller("status.10"), `${HEADER}ss  0168 004 ${FREE}\n`);
  await writeFile(controller("status.1"), `${HEADER}hs  0016 007 ${FREE}\n`);
  await mkdir(join(root, "var/run/vhci_hcd"), { recursive: true });
  await writeFile(record(0), "10.0.2.2 3241 1-7\n");
  const ports = await open().ports();
  expect(ports.map(({ port, hub, state }) => `${hub} ${port} ${state}`)).toEqual([
    "hs 0 used",
    "hs 1 free",
    "hs 2 connecting",
    "ss 8 free",
    "hs 16 error",
    "ss 168 free",
  ]);
  expect(ports[0]).toMatchObject({
    devid: 0x0002_0003,
    localBusid: "1-1",
    remote: { host: "10.0.2.2", port: 3241, busid: "1-7" },
  });
});

test("Attaching writes the first free port of the right hub, the descriptor, the device id and the speed", async () => {
  expect(await open().attach(socket, device, remote)).toBe(1);
  expect(await readFile(controller("attach"), "utf8")).toBe("1 3 65538 3\n");
  expect(await readFile(record(1), "utf8")).toBe("127.0.0.1 3240 1-1\n");

  expect(await open().attach(socket, { ...device, speed: 5 }, remote)).toBe(8);
  expect(await readFile(controller("attach"), "utf8")).toBe("8 3 65538 5\n");
});

test("The process that writes the attach file holds the connected socket as the descriptor it names", async () => {
  // A FIFO in the file's place holds the writer at its door until somebody reads, so that it can be looked at.
  execFileSync("mkfifo", [controller("attach")]);
  const attached = open().attach(socket, device, remote);
  const writer = await vi.waitFor(() => childThatNames(root));
  const held = await readlink(`/proc/${writer}/fd/3`);
  expect(held).toMatch(/^socket:/);
  expect(await ownDescriptors()).toContain(held);
  expect(await readFile(controller("attach"), "utf8")).toBe("1 3 65538 3\n");
  expect(await attached).toBe(1);
});

test("A port that somebody else took meanwhile is passed over", async () => {
  await writeFile(controller("status"), STATUS.replace("0002 005", "0002 004"));
  await mkdir(controller("attach")); // a directory cannot be written to: port 1 is refused
  const vhci = open();
  const ports = vhci.ports.bind(vhci);
  let looks = 0;
  vi.spyOn(vhci, "ports").mockImplementation(async () => {
    if (++looks === 2) {
      await rm(controller("attach"), { recursive: true });
      await writeFile(controller("status"), STATUS.replace("0001 004", "0001 005").replace("0002 005", "0002 004"));
    }
    return await ports();
  });
  expect(await vhci.attach(socket, device, remote)).toBe(2);
  expect(await readFile(controller("attach"), "utf8")).toBe("2 3 65538 3\n");
});

test("A refusal of the kernel is passed on with its reason", async () => {
  await mkdir(controller("attach"));
  await expect(open().attach(socket, device, remote)).rejects.toThrow(
    /^The kernel refused to attach the device to port 1 \(.*directory.*\); dmesg may say why\.$/i,
  );
  expect(await readdir(root)).not.toContain("var");
});

test("When all ports of the hub are busy, attaching says so", async () => {
  await writeFile(controller("status"), STATUS.replace("0001 004", "0001 006"));
  await expect(open().attach(socket, device, remote)).rejects.toMatchObject({
    code: "ports-busy",
    message: "All 3 ports of the virtual high-speed hub are in use: detach something first.",
  });
});

test("Detaching writes the port and forgets where it came from", async () => {
  await mkdir(join(root, "var/run/vhci_hcd"), { recursive: true });
  await writeFile(record(0), "127.0.0.1 3240 1-1\n");
  await open().detach(0);
  expect(await readFile(controller("detach"), "utf8")).toBe("0\n");
  expect(await readdir(join(root, "var/run/vhci_hcd"))).toEqual([]);
});

test("Detaching a free port or one that is not there is refused", async () => {
  await expect(open().detach(1)).rejects.toThrow("Nothing is attached to port 1.");
  await expect(open().detach(99)).rejects.toThrow("The virtual controller has no port 99.");
});

test("Without root, or without the module and a way to load it, opening says what is missing", async () => {
  await open().open();
  await expect(open({ isRoot: false }).open()).rejects.toMatchObject({
    code: "not-root",
    message: "Attaching and detaching USB devices needs root: run this with sudo.",
  });

  await rm(join(root, "sys"), { recursive: true });
  await expect(open({ isRoot: false }).open()).rejects.toThrow("(it will load vhci-hcd, too)");
  await expect(open().open()).rejects.toMatchObject({
    code: "no-module",
    message: expect.stringContaining("The kernel module vhci-hcd is not loaded and cannot be (modprobe ended with 1)"),
  });
  await expect(open({ modprobe: "/nonexistent" }).open()).rejects.toThrow("ENOENT");
  await expect(open().ports()).rejects.toMatchObject({ code: "not-loaded" });
});

test("A module that is not loaded is loaded by name", async () => {
  await rm(join(root, "sys/module"), { recursive: true });
  const modprobe = join(root, "modprobe");
  await writeFile(modprobe, `#!/bin/sh\necho "$@" > ${join(root, "asked")}\n`, { mode: 0o755 });
  await open({ modprobe }).open();
  expect(await readFile(join(root, "asked"), "utf8")).toBe("vhci-hcd\n");
});

/** The id of the child process whose command line holds `text`. */
async function childThatNames(text: string): Promise<string> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, "utf8");
  for (const child of children.trim().split(" ")) {
    if ((await readFile(`/proc/${child}/cmdline`, "utf8")).includes(text)) return child;
  }
  throw new Error(`no child names ${text}`);
}

/** What the descriptors of this process point to. */
async function ownDescriptors(): Promise<string[]> {
  const names = await readdir("/proc/self/fd");
  return await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
}
