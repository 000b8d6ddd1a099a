/**
 * CTAPHID_PING through hidraw. A hidraw node holds 64 reports and drops what comes when it is full; a message of 7,609 bytes is 129 reports,
 * and vhci-hcd does not pace an interrupt endpoint as a bus does.
 */
import { beforeAll, expect, test } from "vitest";
import { attachHid, kernelComplaints } from "./attach.ts";
import { guestRepository } from "./guest.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

interface PingReport {
  readonly whole: number;
  readonly faults: readonly string[];
  readonly fastest: number;
  readonly median: number;
  readonly slowest: number;
}

// What loads the guest's processors is part of the test; what else the machine outside may be doing is not.
describeInGuest("CTAPHID_PING through hidraw", { urgent: true }, (vm) => {
  let hidraw: string;

  beforeAll(async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto"], { urgent: true });
    vm.keys.push(key);
    ({ hidraw } = await attachHid(vm.guest, key.port));
  });

  async function ping(length: number, count: number, { before = "", after = "" } = {}): Promise<PingReport> {
    const script = `${before}
      /usr/bin/python3 ${guestRepository}/test/vm/guest/ctaphid_ping.py ${hidraw} ${length} ${count}
      status=$?
      ${after}
      exit $status`;
    return JSON.parse(await vm.guest.ok(script, { timeoutMs: 580_000 })) as PingReport;
  }

  test("brings the longest message back whole 200 times of 200 while both processors are busy", async () => {
    // The load has a session of its own, which ends with the measurement.
    const load = "setsid sh -c 'for core in 0 1; do (while :; do :; done) & done; wait' & load=$!";
    const report = await ping(7609, 200, { before: load, after: "kill -- -$load" });
    expect(report.faults).toEqual([]);
    expect(report.whole).toBe(200);
  }, 600_000);

  test("brings messages of every interesting length back whole", async () => {
    for (const length of [0, 1, 57, 58, 57 + 59, 57 + 59 + 1, 1024, 57 + 63 * 59, 57 + 63 * 59 + 1, 7608]) {
      expect({ length, ...(await ping(length, 3)) }).toMatchObject({ length, whole: 3, faults: [] });
    }
  });

  // Again when something else kept the machine busy: what is measured is the fastest way, not the machine.
  test("costs a short message nothing: only what exceeds the burst is paced", { retry: 3 }, async () => {
    const short = await ping(57, 100);
    expect(short).toMatchObject({ whole: 100, faults: [] });
    expect(short.fastest).toBeLessThan(3);
    // 30 reports there and 30 back. Paced by 3 ms, the way back alone would take 87 ms.
    const burst = await ping(57 + 29 * 59, 20);
    expect(burst).toMatchObject({ whole: 20, faults: [] });
    expect(burst.fastest).toBeLessThan(80);
  });

  test("leaves no complaint in the kernel's log", async () => {
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
