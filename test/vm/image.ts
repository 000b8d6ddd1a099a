/**
 * What the guest boots: Debian's own generic kernel, taken from its package, and a small busybox initramfs. Nothing is committed and nothing
 * is built; the unpacked kernel is kept in a cache, keyed by package and version.
 * Linux Documentation/x86/boot.rst §1.1 (the bzImage's header); Documentation/driver-api/early-userspace/buffer-format.rst (the archive).
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";

export interface Image {
  /** The uncompressed kernel, an ELF file: QEMU enters it through its PVH note, 4 s faster than the self-extracting bzImage in emulation. */
  readonly kernel: string;
  readonly initramfs: string;
}

export const repository = resolve(import.meta.dirname, "../..");
const guestFiles = join(import.meta.dirname, "guest");

/** What stands between the kernel and the host's root over 9p; everything else is loaded in the guest by modprobe and udev. */
const bootModules = ["virtio_pci", "virtio_net", "virtio_console", "virtio_rng", "overlay", "9pnet_virtio", "9p"];

/** Directories that no test of a USB device needs: more than half of the package. */
const unneeded = [
  "drivers/gpu",
  "drivers/media",
  "drivers/net/ethernet",
  "drivers/net/wireless",
  "drivers/infiniband",
  "sound",
];

/**
 * Finds or makes the kernel and the initramfs. The first call on a machine downloads 70 MB; processes that call it at once do the work twice
 * at worst, since every result appears under its name by one rename.
 * @throws when a package cannot be had and no kernel is cached, or a tool fails (the message carries its output)
 */
export async function prepareImage(): Promise<Image> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "latchkey-vm");
  await mkdir(cache, { recursive: true });
  const kernel = await findKernel(cache);
  const releases = await readdir(join(kernel, "lib/modules"));
  const release = releases[0];
  if (release === undefined || releases.length > 1) throw new Error(`${kernel} holds ${releases.length} kernels`);
  return { kernel: join(kernel, "vmlinux"), initramfs: await findInitramfs(kernel, release) };
}

async function findKernel(cache: string): Promise<string> {
  const candidate = await findPackage();
  if (candidate !== undefined) {
    const directory = join(cache, candidate.key);
    if (await isPresent(directory)) return directory;
    try {
      return await makeWhole(directory, (work) => unpackKernel(candidate.name, work));
    } catch (error) {
      // Offline, or a package list so old that its package is gone: any cached kernel serves.
      const cached = await newestKernel(cache);
      if (cached === undefined) throw error;
      return cached;
    }
  }
  const cached = await newestKernel(cache);
  if (cached === undefined) throw new Error("apt knows no linux-image-amd64 (has apt-get update been run?)");
  return cached;
}

/** The package that Debian's metapackage stands for: the generic kernel. (The -cloud- one has no USB.) */
async function findPackage(): Promise<{ name: string; key: string } | undefined> {
  const record = await run("apt-cache", ["show", "--no-all-versions", "linux-image-amd64"]).catch(() => "");
  const [, name, version] = /^Depends: (linux-image-\S+-amd64) \(= (\S+)\)/m.exec(record) ?? [];
  return name === undefined || version === undefined
    ? undefined
    : { name, key: `${name}_${version.replaceAll(":", "-")}` };
}

async function newestKernel(cache: string): Promise<string | undefined> {
  const names = (await readdir(cache)).filter(
    (name) => /^linux-image-[^/]*_[^/]*$/.test(name) && !name.includes(".making-"),
  );
  return names
    .sort(new Intl.Collator("en", { numeric: true }).compare)
    .map((name) => join(cache, name))
    .at(-1);
}

async function unpackKernel(name: string, work: string): Promise<void> {
  const tree = join(work, "tree");
  await run("apt-get", ["-q", "-o", "APT::Sandbox::User=", "download", name], { cwd: work, timeoutMs: 300_000 });
  const archive = (await readdir(work)).find((file) => file.endsWith(".deb"));
  if (archive === undefined) throw new Error(`apt-get downloaded nothing for ${name}`);
  await run("dpkg", ["-x", archive, "tree"], { cwd: work });
  await rm(join(work, archive));
  const image = (await readdir(join(tree, "boot"))).find((file) => file.startsWith("vmlinuz-"));
  if (image === undefined) throw new Error(`${name} holds no kernel image`);
  const release = image.slice("vmlinuz-".length);
  await writeFile(join(work, "vmlinux"), await extractKernel(await readFile(join(tree, "boot", image))));
  await rename(join(tree, "lib"), join(work, "lib"));
  await rm(tree, { recursive: true });
  for (const path of unneeded) {
    await rm(join(work, "lib/modules", release, "kernel", path), { recursive: true, force: true });
  }
  // The package leaves modules.dep to its installation script.
  await run("depmod", ["-b", work, release]);
}

/**
 * Takes the compressed payload out of a bzImage and expands it.
 * Documentation/x86/boot.rst: setup_sects (0x1f1), payload_offset (0x248, from the protected-mode code) and payload_length (0x24c); the last
 * four bytes of the payload are its expanded size.
 */
async function extractKernel(bzImage: Buffer): Promise<Buffer> {
  const start = (bzImage.readUInt8(0x1f1) + 1) * 512 + bzImage.readUInt32LE(0x248);
  const payload = bzImage.subarray(start, start + bzImage.readUInt32LE(0x24c));
  const tool = payload.subarray(0, 4).equals(Buffer.from("28b52ffd", "hex")) ? "zstd" : "xz";
  const kernel = await runBinary(tool, ["-dcq"], payload.subarray(0, -4));
  if (kernel.length !== payload.readUInt32LE(payload.length - 4))
    throw new Error("the kernel image expanded to an unexpected size");
  return kernel;
}

/** Keyed by everything that goes into it, so that checkouts and changes of the scripts never share one by mistake. */
async function findInitramfs(kernel: string, release: string): Promise<string> {
  const modules = join(kernel, "lib/modules", release);
  const template = await readFile(join(guestFiles, "init"), "utf8");
  const init = template.replaceAll("@MODULES@", modules).replaceAll("@REPOSITORY@", repository);
  const busybox = await findBusybox();
  const digest = createHash("sha256")
    .update(init)
    .update(bootModules.join())
    .update(await readFile(busybox))
    .digest("hex");
  const directory = join(kernel, `initramfs-${digest.slice(0, 16)}`);
  if (!(await isPresent(directory))) {
    await makeWhole(directory, (work) => packInitramfs({ kernel, release, init, busybox, work }));
  }
  return join(directory, "initramfs.cpio");
}

interface InitramfsParts {
  readonly kernel: string;
  readonly release: string;
  readonly init: string;
  readonly busybox: string;
  readonly work: string;
}

async function packInitramfs({ kernel, release, init, busybox, work }: InitramfsParts): Promise<void> {
  const tree = join(work, "tree");
  for (const directory of ["bin", "modules", "proc", "sys", "dev", "host", "overlay", "root"]) {
    await mkdir(join(tree, directory), { recursive: true });
  }
  await cp(busybox, join(tree, "bin/busybox"));
  await writeFile(join(tree, "init"), init, { mode: 0o755 });
  // The kernel looks for /bin/sh before busybox has made its links.
  await run("ln", ["-s", "busybox", join(tree, "bin/sh")]);

  // modprobe prints `insmod PATH` in loading order, and `builtin NAME` for what the kernel holds already.
  const plan = await run("modprobe", ["-d", kernel, "-S", release, "--show-depends", "-a", ...bootModules]);
  const paths = new Set(Array.from(plan.matchAll(/^insmod (\S+)/gm), (match) => match[1] ?? ""));
  for (const path of paths) await cp(path, join(tree, "modules", basename(path)));
  await writeFile(join(tree, "modules/order"), Array.from(paths, (path) => `${basename(path)}\n`).join(""));

  const script = "find . | cpio --quiet -o -H newc -R 0:0 > ../initramfs.cpio";
  await run("sh", ["-c", script], { cwd: tree });
  await rm(tree, { recursive: true });
}

async function findBusybox(): Promise<string> {
  for (const path of ["/bin/busybox", "/usr/bin/busybox"]) if (await isPresent(path)) return path;
  throw new Error("busybox is missing (Debian package busybox-static)");
}

/** Lets `fill` work in a neighbouring directory, which takes the name only when it is whole. */
async function makeWhole(directory: string, fill: (work: string) => Promise<void>): Promise<string> {
  const work = await mkdtemp(`${directory}.making-`);
  try {
    await fill(work);
    await rename(work, directory);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    // Another process was faster: its result is as good as ours.
    if (!(await isPresent(directory))) throw error;
  }
  return directory;
}

async function isPresent(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

interface RunOptions {
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return (await runBinary(program, args, undefined, options)).toString();
}

function runBinary(
  program: string,
  args: readonly string[],
  input?: Uint8Array,
  options: RunOptions = {},
): Promise<Buffer> {
  const { cwd, timeoutMs = 120_000 } = options;
  // Debian keeps depmod and modprobe where only root's PATH looks; the parsed output is English.
  const env = { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`, LC_ALL: "C" };
  return new Promise((done, fail) => {
    const limits = { timeout: timeoutMs, killSignal: "SIGKILL", maxBuffer: 1 << 30, encoding: "buffer" } as const;
    const child = execFile(
      program,
      args,
      { ...limits, env, ...(cwd !== undefined && { cwd }) },
      (error, stdout, stderr) => {
        if (error === null) done(stdout);
        else fail(new Error(`${program} ${args.join(" ")} failed: ${error.message}\n${stderr}`));
      },
    );
    child.stdin?.on("error", () => {}); // a program that ends early says so by its status
    child.stdin?.end(input);
  });
}
