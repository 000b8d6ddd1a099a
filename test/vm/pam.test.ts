/**
 * Logging in with the key: pam_u2f asks it over FIDO2, pamtester plays the program that authenticates. Authorization files: pam_u2f(8), made
 * here by hand, and by pamu2fcfg, of which Debian 12's (1.1.0) takes attestation by certificate alone, so that the key is given one for tests.
 */
import { execFileSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attachHid, detach, usedPorts } from "./attach.ts";
import { type Credential, type CredentialOptions, makeCredential } from "./fido2-tools.ts";
import { guestRepository } from "./guest.ts";
import { repository } from "./image.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const answer = `/usr/bin/python3 ${guestRepository}/test/vm/guest/answer.py`;
const slow = { timeoutMs: 60_000 };
const authenticate = "pamtester latchkey root authenticate";
const rpId = "pam://guest";

const packages = ["libpam-u2f", "pamu2fcfg", "pamtester", "fido2-tools", "openssh-client"];

describeInGuest("PAM", { packages }, (vm) => {
  let hidraw: string;

  /** Puts a key in the place of the one that was plugged in. */
  async function plugIn(...state: readonly string[]): Promise<void> {
    for (const port of await usedPorts(vm.guest)) await detach(vm.guest, { port });
    const key = await startKey([...state, "--touch", "auto"]);
    vm.keys.push(key);
    ({ hidraw } = await attachHid(vm.guest, key.port));
  }

  /** Makes `pamtester latchkey` ask for what stands in the authorization file. */
  async function configure(authorization: string, options = "", origin = rpId): Promise<void> {
    await vm.guest.ok("cat > /tmp/authorization", { input: authorization });
    await vm.guest.ok("cat > /etc/pam.d/latchkey", {
      input: `auth required pam_u2f.so authfile=/tmp/authorization origin=${origin} appid=${origin} ${options}\n`,
    });
  }

  async function authorize(options: CredentialOptions): Promise<void> {
    const credential = await makeCredential(vm.guest, hidraw, { ...options, rpId });
    const keyHandle = options.resident ? "*" : credential.id;
    await configure(`root:${keyHandle},${await rawPublicKey(credential)},${credential.type},+presence\n`);
  }

  /** As pam_u2f wants it: x and y of a P-256 key (version 1.1.0, Debian 12's, knows no Ed25519), as base64. */
  async function rawPublicKey({ directory }: Credential): Promise<string> {
    const pem = await vm.guest.ok(`cat ${directory}/public.pem`);
    const { x = "", y = "" } = createPublicKey(pem).export({ format: "jwk" });
    return Buffer.concat([Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]).toString("base64");
  }

  describe("with the right key", () => {
    beforeAll(() => plugIn("--ephemeral"));

    test("logs in by a credential that the key keeps, and by one that it does not", async () => {
      for (const resident of [false, true]) {
        await authorize({ resident });
        expect(await vm.guest.ok(authenticate, slow)).toMatch(/successfully authenticated/);
      }
    });

    test("logs in by an ecdsa-sk key of OpenSSH", async () => {
      await vm.guest.ok("ssh-keygen -t ecdsa-sk -O application=ssh:pam -f /tmp/sk -N ''", slow);
      const privateKey = await vm.guest.ok("cat /tmp/sk");
      await configure(privateKey, "sshformat", "ssh:pam");
      expect(await vm.guest.ok(authenticate, slow)).toMatch(/successfully authenticated/);
    });
  });

  describe("with another key", () => {
    beforeAll(async () => {
      await authorize({});
      await plugIn("--ephemeral");
    });

    test("does not log in", async () => {
      const { code, output } = await vm.guest.run(authenticate, slow);
      expect(code).not.toBe(0);
      expect(output).toMatch(/Authentication failure/i);
    });
  });

  describe("enrolled by pamu2fcfg", () => {
    const directory = mkdtempSync(join(tmpdir(), "latchkey-pam-"));
    const store = ["--store", join(directory, "store"), "--key-file", join(directory, "key")];
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    const latchkey = (...args: string[]) =>
      execFileSync(process.execPath, [join(repository, "dist/src/cli.js"), ...args, ...store]);

    beforeAll(async () => {
      latchkey("init");
      latchkey("attestation", "create");
      await plugIn(...store);
    });

    async function enrolAndLogIn(enrol: string, logIn: string): Promise<void> {
      await configure(await vm.guest.ok(`${enrol} > /tmp/enrolled && grep -o 'root:.*' /tmp/enrolled`, slow));
      expect(await vm.guest.ok(logIn, slow)).toMatch(/successfully authenticated/);
    }

    test("lets its owner in", async () => {
      await enrolAndLogIn(`pamu2fcfg -u root -o ${rpId} -i ${rpId}`, authenticate);
    });

    test("lets its owner in by its PIN", async () => {
      const pin = "correct-horse";
      await vm.guest.ok(`${answer} 'Enter new PIN' ${pin} 'same PIN again' ${pin} -- fido2-token -S ${hidraw}`, slow);
      // Asks for no PIN where making needs none.
      await enrolAndLogIn(`pamu2fcfg -N -u root -o ${rpId} -i ${rpId}`, `${answer} 'PIN' ${pin} -- ${authenticate}`);
    });
  });
});
