import { defineConfig } from "vitest/config";

// Four projects: `fast` needs nothing but Node; `slow` starts and kills processes by the hundred; `native` runs real smart card clients over
// vsmartcard's reader; `vm` boots a real Linux kernel under QEMU and runs real clients in it.
export default defineConfig({
  test: {
    reporters: ["default", "./test/support/summary-reporter.ts"],
    projects: [
      {
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: ["test/vm/**", "test/native/**", "test/**/*.slow.test.ts"],
          testTimeout: 20_000, // what takes 0.2 s alone has taken 5 s on a busy machine
          maxWorkers: "100%", // two processors are common, and vitest would leave one of them alone
          // A process for all files of a worker, not one each: starting it and loading the sources again was half of the processor's time.
          pool: "forks",
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "slow",
          include: ["test/**/*.slow.test.ts"],
          testTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "native",
          include: ["test/native/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          maxWorkers: "100%",
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "vm",
          include: ["test/vm/**/*.test.ts"],
          // Two guests at once: each is idle much of the time, and does most of its work on one of its processors.
          maxWorkers: 2,
          // An emulated machine on a busy host can lose seconds of its own time; what is wrong fails twice.
          retry: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
