/**
 * Whether this machine can run a guest, and the frame of every suite that wants one. A missing package skips the suite and says which;
 * with CI=true it fails it, so that a green run of CI never means that nothing ran.
 */
import { spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Guest, type GuestOptions } from "./guest.ts";
import type { KeyProcess } from "./key-process.ts";

/** The packages of every guest; a suite adds those of the programs that it runs. All of them stand in packages.txt. */
const guestPackages = [
  "qemu-system-x86",
  "busybox-static",
  "cpio",
  "kmod",
  "udev",
  "usbip",
  "xz-utils",
  "zstd",
  "python3",
] as const;

/** Names what this machine lacks of the given Debian packages and of what a guest needs; empty when a guest can run. */
export function missingRequirements(packages: readonly string[]): string[] {
  if (process.platform !== "linux" || process.arch !== "x64") return ["Linux on x86-64"];
  return missingPackages([...guestPackages, ...packages]);
}

/** Those of the given Debian packages that are not installed. */
export function missingPackages(packages: readonly string[]): string[] {
  const query = spawnSync("dpkg-query", ["-W", "-f", "$" + "{Package} $" + "{db:Status-Status}\n"], {
    encoding: "utf8",
    timeout: 30_000,
  });
  const installed = new Set((query.stdout ?? "").split("\n"));
  return packages.filter((name) => !installed.has(`${name} installed`));
}

export interface GuestSuite {
  /** The suite's guest; there from the first test on. */
  readonly guest: Guest;
  /** Key processes whose output is shown, with the end of the kernel's log, when a test fails; they are stopped at the end. */
  readonly keys: KeyProcess[];
}

export interface GuestSuiteOptions extends GuestOptions {
  /** Debian packages of the programs that the suite runs in the guest. */
  readonly packages?: readonly string[];
}

/** A suite with a guest of its own, booted before its first test. The first boot on a machine also downloads the kernel's package. */
export function describeInGuest(title: string, options: GuestSuiteOptions, body: (suite: GuestSuite) => void): void {
  const missing = missingRequirements(options.packages ?? []);
  if (missing.length > 0) {
    describeMissing(title, missing, (reason) =>
      body({
        get guest(): Guest {
          throw new Error(reason);
        },
        keys: [],
      }),
    );
    return;
  }
  describe(title, () => {
    let guest: Guest | undefined;
    const suite: GuestSuite = {
      get guest() {
        if (guest === undefined) throw new Error("the guest is used before it has booted");
        return guest;
      },
      keys: [],
    };
    beforeAll(async () => {
      // Once more where it does not come up: an emulated kernel on a busy host may take its timers for broken.
      guest = await Guest.boot(options).catch(() => Guest.boot(options));
    }, 600_000);
    afterEach(async ({ task }) => {
      if (task.result?.state !== "fail" || guest === undefined) return;
      const log = await guest.dmesg().catch((error: Error) => [error.message]);
      const outputs = suite.keys.map((key) => `--- key ${key.pid} ---\n${key.output().slice(-4000)}`);
      process.stderr.write(`${task.name} failed\n${outputs.join("\n")}\n--- dmesg ---\n${log.slice(-30).join("\n")}\n`);
    });
    afterAll(async () => {
      await guest?.stop();
      for (const key of suite.keys) await key.stop();
    }, 60_000);
    body(suite);
  });
}

/** In place of a suite that cannot run: skips it and says why, or fails where CI=true. `body` only declares the tests. */
export function describeMissing(title: string, missing: readonly string[], body: (reason: string) => void): void {
  const reason = `needs the Debian packages ${missing.join(" ")}`;
  if (process.env.CI === "true") {
    test(`${title}: ${reason}`, () => expect(missing, reason).toEqual([]));
    return;
  }
  process.stderr.write(`skipped: ${title} ${reason}\n`);
  describe.skip(`${title} (${reason})`, () => body(reason));
}
