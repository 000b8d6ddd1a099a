// The virtual host controller of a Linux kernel, driven through sysfs: which of its ports are free, and giving one an
// imported device's socket. Linux drivers/usb/usbip/vhci_sysfs.c; the record of attached devices is the one that the
// usbip program keeps, so that `usbip port` and `usbip detach` know what was attached here and the other way round.
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";

export type VhciErrorCode =
  | "not-linux"
  | "not-root"
  | "no-module"
  | "not-loaded"
  | "ports-busy"
  | "port-unused"
  | "refused";

/** `message` is one sentence for people: what is missing, and what to do. */
export class VhciError extends Error {
  override name = "VhciError";
  readonly code: VhciErrorCode;

  constructor(code: VhciErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** enum usbip_device_status, as the status file shows it. */
const PortState = { NULL: 4, NOTASSIGNED: 5, USED: 6, ERROR: 7 } as const;

/** Values of enum usb_device_speed in the import reply; only super speed lives on the second hub. */
const USB_SPEED_SUPER = 5;

export interface VhciPort {
  readonly port: number;
  readonly hub: "hs" | "ss";
  readonly state: "free" | "connecting" | "used" | "error";
  /** busnum << 16 | devnum of the exported device; 0 when free. */
  readonly devid: number;
  /** The device's name on this machine, such as "1-1"; "0-0" when there is none. */
  readonly localBusid: string;
  /** Where it was imported from, if whoever attached it left that on record. */
  readonly remote?: VhciRemote;
}

export interface VhciRemote {
  readonly host: string;
  readonly port: number;
  readonly busid: string;
}

/** What the import reply says of a device. */
export interface AttachableDevice {
  readonly devid: number;
  readonly speed: number;
}

export interface VhciOptions {
  /** Where sysfs and /var/run are found: "/" unless a test has built its own. */
  readonly root?: string;
  /** Loads kernel modules. */
  readonly modprobe?: string;
  readonly isRoot?: boolean;
}

export class Vhci {
  readonly #root: string;
  readonly #modprobe: string;
  readonly #isRoot: boolean;

  constructor({ root = "/", modprobe = "modprobe", isRoot = process.getuid?.() === 0 }: VhciOptions = {}) {
    this.#root = root;
    this.#modprobe = modprobe;
    this.#isRoot = isRoot;
  }

  get #controller(): string {
    return join(this.#root, "sys/devices/platform/vhci_hcd.0");
  }

  get #records(): string {
    return join(this.#root, "var/run/vhci_hcd");
  }

  /** Makes sure that the controller is there and may be used, loading its module if need be. Throws VhciError. */
  async open(): Promise<void> {
    if (process.platform !== "linux") {
      throw new VhciError("not-linux", "Attaching here works on Linux only; on Windows use usbip-win2's client.");
    }
    // In a container the module is loaded from outside and modprobe fails, so what is loaded is looked at first.
    const loaded = (await readdir(join(this.#root, "sys/module/vhci_hcd")).catch(() => undefined)) !== undefined;
    if (!this.#isRoot) {
      throw new VhciError(
        "not-root",
        `Attaching and detaching USB devices needs root: run this with sudo${loaded ? "" : " (it will load vhci-hcd, too)"}.`,
      );
    }
    if (!loaded) {
      const { status, stderr } = await run(this.#modprobe, ["vhci-hcd"]);
      if (status !== 0) {
        throw new VhciError(
          "no-module",
          `The kernel module vhci-hcd is not loaded and cannot be (${stderr || `modprobe ended with ${status}`}); ` +
            "kernels made for the cloud leave it out, the distribution's generic kernel has it.",
        );
      }
    }
  }

  /** All ports of all virtual controllers. Throws VhciError when there is none. */
  async ports(): Promise<readonly VhciPort[]> {
    const files = (await readdir(this.#controller).catch(() => []))
      .filter((name) => /^status(\.\d+)?$/.test(name))
      .sort((a, b) => Number(a.slice(7)) - Number(b.slice(7)));
    if (files.length === 0) {
      throw new VhciError("not-loaded", 'The kernel shows no virtual USB controller: try "sudo modprobe vhci-hcd".');
    }
    const tables = await Promise.all(files.map((name) => readFile(join(this.#controller, name), "latin1")));
    return await Promise.all(tables.flatMap(parseStatus).map((port) => this.#withRemote(port)));
  }

  /**
   * Gives the kernel `socket`, over which `device` was imported, and returns the port it took. The socket must be
   * paused; once this resolves the kernel has a reference of its own and the caller destroys its socket.
   */
  async attach(socket: Socket, device: AttachableDevice, remote: VhciRemote): Promise<number> {
    const hub = device.speed >= USB_SPEED_SUPER ? "ss" : "hs";
    const tried = new Set<number>();
    for (;;) {
      const ports = await this.ports();
      const free = ports.find((port) => port.hub === hub && port.state === "free" && !tried.has(port.port));
      if (free === undefined) {
        const total = ports.filter((port) => port.hub === hub).length;
        throw new VhciError(
          "ports-busy",
          `All ${total} ports of the virtual ${hub === "hs" ? "high" : "super"}-speed hub are in use: detach something first.`,
        );
      }
      tried.add(free.port);
      const line = `${free.port} ${CHILD_SOCKET} ${device.devid} ${device.speed}`;
      const { status, stderr } = await this.#write("attach", line, socket);
      if (status === 0) {
        await this.#record(free.port, remote);
        return free.port;
      }
      // Somebody else may have taken the port since; anything else is the kernel's refusal.
      const now = (await this.ports()).find((port) => port.port === free.port);
      if (now?.state === "free") throw refused(`attach the device to port ${free.port}`, stderr);
    }
  }

  /** Unplugs what is attached to `port`. Throws VhciError when nothing is. */
  async detach(port: number): Promise<void> {
    const known = (await this.ports()).find((candidate) => candidate.port === port);
    if (known === undefined) throw new VhciError("port-unused", `The virtual controller has no port ${port}.`);
    if (known.state === "free") throw new VhciError("port-unused", `Nothing is attached to port ${port}.`);
    const { status, stderr } = await this.#write("detach", String(port));
    if (status !== 0) throw refused(`detach port ${port}`, stderr);
    await rm(join(this.#records, `port${port}`), { force: true });
  }

  /** Writes to one of the controller's files from a child process, which can inherit a socket as a descriptor. */
  #write(file: "attach" | "detach", line: string, socket?: Socket): Promise<Ended> {
    const script = 'printf "%s\\n" "$1" > "$2"';
    return run("/bin/sh", ["-c", script, "sh", line, join(this.#controller, file)], socket);
  }

  async #record(port: number, { host, port: tcpPort, busid }: VhciRemote): Promise<void> {
    await mkdir(this.#records, { recursive: true, mode: 0o700 });
    await writeFile(join(this.#records, `port${port}`), `${host} ${tcpPort} ${busid}\n`, { mode: 0o700 });
  }

  async #withRemote(port: VhciPort): Promise<VhciPort> {
    if (port.state === "free") return port;
    const record = await readFile(join(this.#records, `port${port.port}`), "utf8").catch(() => "");
    const [host, tcpPort, busid] = record.trim().split(" ");
    if (host === undefined || tcpPort === undefined || busid === undefined) return port;
    return { ...port, remote: { host, port: Number(tcpPort), busid } };
  }
}

function refused(what: string, stderr: string): VhciError {
  return new VhciError("refused", `The kernel refused to ${what}${stderr ? ` (${stderr})` : ""}; dmesg may say why.`);
}

/**
 * One row a port:
 *
 *     hub port sta spd dev      sockfd local_busid
 *     hs  0000 006 003 00010001 000003 1-1
 */
function parseStatus(table: string): VhciPort[] {
  const ports: VhciPort[] = [];
  for (const line of table.split("\n")) {
    const [hub, port, state, , devid, , localBusid] = line.trim().split(/\s+/);
    if ((hub !== "hs" && hub !== "ss") || devid === undefined || localBusid === undefined) continue;
    ports.push({
      hub,
      port: Number(port),
      state: parseState(Number(state)),
      devid: Number.parseInt(devid, 16),
      localBusid,
    });
  }
  return ports;
}

function parseState(state: number): VhciPort["state"] {
  if (state === PortState.NULL) return "free";
  if (state === PortState.NOTASSIGNED) return "connecting";
  return state === PortState.USED ? "used" : "error";
}

/** Where the child finds the socket: the first descriptor after the three standard ones. */
const CHILD_SOCKET = 3;

interface Ended {
  readonly status: number;
  readonly stderr: string;
}

/** Runs a program to its end; never rejects: a program that cannot start ends with 127, as in a shell. */
function run(program: string, args: readonly string[], socket?: Socket): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe", ...(socket === undefined ? [] : [socket])],
      env: { ...process.env, LC_ALL: "C" },
    });
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once("error", (error) => resolve({ status: 127, stderr: error.message }));
    child.once("close", (status) => resolve({ status: status ?? 128, stderr: stderr.trim() }));
  });
}
