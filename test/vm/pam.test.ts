/**
 * Logging in with the key: pam_u2f asks it over FIDO2, pamtester plays the program that authenticates. Authorization files: pam_u2f(8).
 */
import { createPublicKey } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { attachHid, detach } from "./attach.ts";
import { type Credential, type CredentialOptions, makeCredential } from "./fido2-tools.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const authenticate = "pamtester latchkey root authenticate";
const rpId = "pam://guest";

describeInGuest("PAM", { packages: ["libpam-u2f", "pamtester", "fido2-tools", "openssh-client"] }, (vm) => {
  let hidraw: string;

  async function plugIn(touch: string): Promise<void> {
    const key = await startKey(["--ephemeral", "--touch", touch]);
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
    beforeAll(() => plugIn("auto"));

    test("logs in by a credential that the key keeps, and by one that it does not", async () => {
      for (const resident of [false, true]) {
        await authorize({ resident });
        expect(await vm.guest.ok(authenticate, { timeoutMs: 60_000 })).toMatch(/successfully authenticated/);
      }
    });

    test("logs in by an ecdsa-sk key of OpenSSH", async () => {
      await vm.guest.ok("ssh-keygen -t ecdsa-sk -O application=ssh:pam -f /tmp/sk -N ''", { timeoutMs: 60_000 });
      const privateKey = await vm.guest.ok("cat /tmp/sk");
      await configure(privateKey, "sshformat", "ssh:pam");
      expect(await vm.guest.ok(authenticate, { timeoutMs: 60_000 })).toMatch(/successfully authenticated/);
    });
  });

  describe("with another key", () => {
    beforeAll(async () => {
      await authorize({});
      await detach(vm.guest, { port: "00" });
      await plugIn("auto");
    });

    test("does not log in", async () => {
      const { code, output } = await vm.guest.run(authenticate, { timeoutMs: 60_000 });
      expect(code).not.toBe(0);
      expect(output).toMatch(/Authentication failure/i);
    });
  });
});
