/** pamu2fcfg enrols a key for pam_u2f. Debian 12's (1.1.0) takes attestation by certificate alone, so the key is given one for tests. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attachHid } from "./attach.ts";
import { guestRepository } from "./guest.ts";
import { repository } from "./image.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const answer = `/usr/bin/python3 ${guestRepository}/test/vm/guest/answer.py`;
const slow = { timeoutMs: 60_000 };
const origin = "pam://guest";

describeInGuest("pamu2fcfg", { packages: ["libpam-u2f", "pamu2fcfg", "pamtester", "fido2-tools"] }, (vm) => {
  const directory = mkdtempSync(join(tmpdir(), "latchkey-pam-"));
  const store = join(directory, "store");
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const latchkey = (...args: string[]) =>
    execFileSync(process.execPath, [join(repository, "dist/src/cli.js"), ...args]);

  let hidraw: string;

  beforeAll(async () => {
    latchkey("init", "--store", store, "--key-file", join(directory, "key"));
    latchkey("attestation", "create", "--store", store, "--key-file", join(directory, "key"));
    const key = await startKey(["--store", store, "--key-file", join(directory, "key"), "--touch", "auto"]);
    vm.keys.push(key);
    ({ hidraw } = await attachHid(vm.guest, key.port));
  });

  async function enrolAndLogIn(enrol: string, logIn: string): Promise<void> {
    await vm.guest.ok(`${enrol} > /tmp/enrolled && grep -o 'root:.*' /tmp/enrolled > /tmp/authorization`, slow);
    await vm.guest.ok("cat > /etc/pam.d/latchkey", {
      input: `auth required pam_u2f.so authfile=/tmp/authorization origin=${origin} appid=${origin}\n`,
    });
    expect(await vm.guest.ok(logIn, slow)).toMatch(/successfully authenticated/);
  }

  test("enrols it, and pam_u2f lets its owner in", async () => {
    await enrolAndLogIn(`pamu2fcfg -u root -o ${origin} -i ${origin}`, "pamtester latchkey root authenticate");
  });

  test("enrols it with its PIN, and pam_u2f lets its owner in by that PIN", async () => {
    const pin = "correct-horse";
    await vm.guest.ok(`${answer} 'Enter new PIN' ${pin} 'same PIN again' ${pin} -- fido2-token -S ${hidraw}`, slow);
    await enrolAndLogIn(
      `pamu2fcfg -N -u root -o ${origin} -i ${origin}`, // asks for no PIN where making needs none
      `${answer} 'PIN' ${pin} -- pamtester latchkey root authenticate`,
    );
  });
});
