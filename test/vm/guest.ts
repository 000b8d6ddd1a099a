/**
 * A running guest: QEMU's emulation boots Debian's kernel over the host's own root, read-only under a tmpfs, and runs shell scripts there.
 * Its network is QEMU's user network: 10.0.2.2 is the host's loopback, and there is no route to anywhere else.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Image, prepareImage } from "./image.ts";

/** The host's loopback as the guest sees it. */
export const hostAddress = "10.0.2.2";
/** Where the guest sees this repository. */
export const guestRepository = "/latchkey";

export interface GuestOptions {
  readonly memoryMiB?: number;
  readonly bootTimeoutMs?: number;
  /** Ahead of whatever else the machine does, as far as this user may: for what depends on time. */
  readonly urgent?: boolean;
}

/** The words in front of a command that ends with this process, and that `urgent` puts ahead of others. */
export function launchWords(urgent: boolean): string[] {
  // The kernel kills the child with the process that started it, whichever way that ends: no signal handler could promise as much.
  return ["setpriv", "--pdeathsig", "KILL", "--", ...(urgent ? ["nice", "-n", "-10"] : [])];
}

export interface RunOptions {
  /** The job and everything it started in its session is killed after this time, and `run` throws. Default 20 s. */
  readonly timeoutMs?: number;
  readonly input?: string | Uint8Array;
}

export interface JobResult {
  /** The script's exit status; 128 + n when signal n ended it. */
  readonly code: number;
  /** stdout and stderr as one stream. */
  readonly output: string;
}

/** A job that was killed at its limit. */
export class GuestTimeoutError extends Error {
  override name = "GuestTimeoutError";
}

interface PendingJob {
  resolve(result: JobResult): void;
  reject(error: Error): void;
  readonly script: string;
  readonly timeoutMs: number;
  readonly overdue: NodeJS.Timeout;
}

/** How much later than the job's own limit its answer may come before the guest itself counts as hung. */
const ANSWER_GRACE_MS = 20_000;

export class Guest {
  readonly #qemu: ChildProcessWithoutNullStreams;
  readonly #directory: string;
  readonly #ended: Promise<void>;
  readonly #jobs = new Map<string, PendingJob>();
  #received = Buffer.alloc(0);
  #errors = "";
  #nextJob = 1;
  #failure: Error | undefined;
  #onReady: () => void = () => {};

  /** Boots a guest with the modules and the device manager that every test needs. @throws with the end of its console when it does not come up */
  static async boot(options: GuestOptions = {}): Promise<Guest> {
    const { memoryMiB = 2048, bootTimeoutMs = 60_000, urgent = false } = options;
    const guest = new Guest(await prepareImage(), memoryMiB, urgent);
    try {
      await guest.#waitUntilReady(bootTimeoutMs);
      await guest.ok("modprobe -a vhci-hcd usbhid hid-generic cdc-acm evdev usbmon", { timeoutMs: bootTimeoutMs });
      await guest.ok("/lib/systemd/systemd-udevd --daemon && udevadm settle --timeout=30", {
        timeoutMs: bootTimeoutMs,
      });
    } catch (error) {
      const console = guest.console();
      await guest.stop();
      throw new Error(
        `the guest did not boot: ${(error as Error).message}\n--- the end of its console ---\n${console}`,
      );
    }
    return guest;
  }

  private constructor(image: Image, memoryMiB: number, urgent: boolean) {
    this.#directory = mkdtempSync(join(tmpdir(), "latchkey-guest-"));
    const [program = "", ...args] = [...launchWords(urgent), ...this.#command(image, memoryMiB)];
    this.#qemu = spawn(program, args, { stdio: "pipe" });
    this.#qemu.stdin.on("error", () => {}); // its end is reported by `close`
    this.#qemu.stdout.on("data", (data: Buffer) => this.#receive(data));
    this.#qemu.stderr.on("data", (data: Buffer) => {
      this.#errors = `${this.#errors}${data.toString()}`.slice(-4096);
    });
    this.#ended = new Promise((resolve) => {
      this.#qemu.on("error", (error) => {
        this.#fail(error);
        resolve();
      });
      this.#qemu.on("close", (code, signal) => {
        this.#fail(new Error(`QEMU ended (${signal ?? code}): ${this.#errors}`));
        resolve();
      });
    });
  }

  #command(image: Image, memoryMiB: number): string[] {
    // no_timer_check: the kernel's test of its timer counts ticks against time, and on a busy host it finds too few and panics.
    const kernelArguments =
      "console=ttyS0,115200 panic=-1 quiet loglevel=4 random.trust_cpu=on mitigations=off nokaslr tsc=reliable no_timer_check log_buf_len=4M";
    return [
      "qemu-system-x86_64",
      // TCG: KVM is not to be had everywhere, and this is fast enough. The microvm machine hung in most boots that were tried.
      ...["-M", "q35,usb=off,vmport=off", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "Nehalem"],
      ...["-smp", "2", "-m", String(memoryMiB)],
      ...["-nodefaults", "-no-user-config", "-no-reboot", "-vga", "none", "-display", "none"],
      ...["-kernel", image.kernel, "-initrd", image.initramfs, "-append", kernelArguments],
      ...["-chardev", `file,id=console,path=${this.#consolePath}`, "-serial", "chardev:console"],
      ...["-device", "virtio-serial-pci", "-chardev", "stdio,id=agent,signal=off"],
      ...["-device", "virtserialport,chardev=agent,name=agent"],
      ...["-device", "virtio-rng-pci"],
      ...["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="],
      ...["-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"],
      ...["-device", "virtio-9p-pci,fsdev=root,mount_tag=root"],
    ];
  }

  get #consolePath(): string {
    return join(this.#directory, "console");
  }

  /** Runs a shell script (its lines as /bin/sh takes them) as root. Scripts sent at the same time run at the same time. */
  run(script: string, options: RunOptions = {}): Promise<JobResult> {
    const { timeoutMs = 20_000, input = "" } = options;
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const id = String(this.#nextJob++);
    const scriptBytes = Buffer.from(script);
    const inputBytes = Buffer.from(input);
    return new Promise((resolve, reject) => {
      const overdue = setTimeout(() => {
        this.#fail(new Error(`the guest does not answer\n${this.console()}`));
        this.#qemu.kill("SIGKILL");
      }, timeoutMs + ANSWER_GRACE_MS);
      this.#jobs.set(id, { resolve, reject, script, timeoutMs, overdue });
      const head = Buffer.from(`run ${id} ${timeoutMs} ${scriptBytes.length} ${inputBytes.length}\n`);
      this.#qemu.stdin.write(Buffer.concat([head, scriptBytes, inputBytes]));
    });
  }

  /** Like `run`, but gives the output alone and throws, with the output, when the status is not 0. */
  async ok(script: string, options: RunOptions = {}): Promise<string> {
    const { code, output } = await this.run(script, options);
    if (code !== 0) throw new Error(`exit status ${code} from: ${script}\n${output}`);
    return output;
  }

  /** The guest's kernel log since boot, one line per message, as `<level>[time] text`. */
  async dmesg(): Promise<string[]> {
    const log = await this.ok("dmesg --raw");
    return log.split("\n").filter((line) => line !== "");
  }

  /** The end of the serial console. */
  console(): string {
    try {
      return readFileSync(this.#consolePath, "utf8").slice(-4096);
    } catch {
      return "";
    }
  }

  /** Ends the guest; its file system was never written to. */
  async stop(): Promise<void> {
    this.#failure ??= new Error("the guest was stopped");
    this.#qemu.kill("SIGKILL");
    await this.#ended;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #waitUntilReady(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no sign of life within ${timeoutMs} ms`)), timeoutMs);
      this.#onReady = () => {
        clearTimeout(timer);
        resolve();
      };
      void this.#ended.then(() => {
        clearTimeout(timer);
        reject(this.#failure);
      });
    });
  }

  /** The agent's answers: `ready\n`, and `rc ID STATUS LENGTH\n` followed by the output (see guest/agent.py). */
  #receive(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    for (;;) {
      const end = this.#received.indexOf("\n");
      if (end < 0) return;
      const [word, id = "", status = "", size = "0"] = this.#received.toString("latin1", 0, end).split(" ");
      const stop = end + 1 + Number(size);
      if (this.#received.length < stop) return;
      const output = this.#received.toString("utf8", end + 1, stop);
      this.#received = this.#received.subarray(stop);
      if (word === "ready") this.#onReady();
      else this.#settle(id, status, output);
    }
  }

  #settle(id: string, status: string, output: string): void {
    const job = this.#jobs.get(id);
    if (job === undefined) return;
    this.#jobs.delete(id);
    clearTimeout(job.overdue);
    if (status !== "timeout") job.resolve({ code: Number(status), output });
    else job.reject(new GuestTimeoutError(`killed after ${job.timeoutMs} ms: ${job.script}\n${output}`));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const job of this.#jobs.values()) {
      clearTimeout(job.overdue);
      job.reject(this.#failure);
    }
    this.#jobs.clear();
  }
}
