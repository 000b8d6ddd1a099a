/** The store behind a real kernel: a key that is killed comes back with its credentials; a file system that is full loses nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { attachHid } from "./attach.ts";
import { getAssertion, makeCredential } from "./fido2-tools.ts";
import { guestRepository } from "./guest.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const directory = mkdtempSync(join(tmpdir(), "latchkey-store-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describeInGuest("the store", { packages: ["fido2-tools"] }, (vm) => {
  test("brings credentials and a greater counter back after kill -9, with another attach", async () => {
    const options = ["--store", join(directory, "store"), "--touch", "auto"];
    const key = await startKey(options);
    vm.keys.push(key);
    const { hidraw } = await attachHid(vm.guest, key.port);
    const credentials = [
      await makeCredential(vm.guest, hidraw),
      await makeCredential(vm.guest, hidraw, { resident: true, rpId: "resident.example" }),
    ];
    const counters = [];
    for (const credential of credentials) {
      const { authenticatorData } = await getAssertion(vm.guest, hidraw, credential);
      counters.push(authenticatorData.readUInt32BE(33));
    }
    await key.kill9();

    const again = await startKey(options);
    vm.keys.push(again);
    const attachment = await attachHid(vm.guest, again.port);
    for (const credential of credentials) {
      const { authenticatorData } = await getAssertion(vm.guest, attachment.hidraw, credential);
      expect(authenticatorData.readUInt32BE(33)).toBeGreaterThan(Math.max(...counters));
    }
  });

  test("loses nothing on a file system that is full, and goes on when there is space", async () => {
    const output = await vm.guest.ok(
      `mkdir /tmp/small && mount -t tmpfs -o size=1m none /tmp/small
       ${process.execPath} ${guestRepository}/dist/test/children/disk-filler.js /tmp/small`,
      { timeoutMs: 60_000 },
    );
    expect(output).toMatch(
      /^full after \d+ commits: no-space\nthe state is as it was\ncommitted again\nreopened: whole\n$/,
    );
  });
});
