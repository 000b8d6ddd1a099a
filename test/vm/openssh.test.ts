/**
 * OpenSSH's security keys: enrol, sign, verify (PROTOCOL.u2f; ssh-keygen(1) -t ecdsa-sk, ed25519-sk); with a PIN, a resident key that demands
 * verification is taken back from the key and logs in (sshd(8)).
 */
import { beforeAll, describe, expect, test } from "vitest";
import { attachHid, detach, usedPorts } from "./attach.ts";
import { guestRepository } from "./guest.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const answer = `/usr/bin/python3 ${guestRepository}/test/vm/guest/answer.py`;
const pin = "correct-horse";
const slow = { timeoutMs: 90_000 };

describeInGuest("OpenSSH", { packages: ["openssh-client", "openssh-server", "fido2-tools"] }, (vm) => {
  /** Puts a new key in the place of the one that was plugged in. @returns its node */
  async function plugIn(): Promise<string> {
    for (const port of await usedPorts(vm.guest)) await detach(vm.guest, { port });
    const key = await startKey(["--ephemeral", "--touch", "auto"]);
    vm.keys.push(key);
    return (await attachHid(vm.guest, key.port)).hidraw;
  }

  describe.each(["ecdsa-sk", "ed25519-sk"])("with %s", (type) => {
    const directory = `/tmp/${type}`;

    beforeAll(async () => {
      await plugIn();
      const enrol = `mkdir ${directory} && cd ${directory} && ssh-keygen -t ${type} -f key -N '' -C ${type}`;
      await vm.guest.ok(enrol, { timeoutMs: 60_000 });
    });

    test("ssh-keygen enrols a key", async () => {
      expect(await vm.guest.ok(`ssh-keygen -l -f ${directory}/key.pub`)).toMatch(new RegExp(`${type.toUpperCase()}`));
    });

    test("a signature made with it verifies, and one over another message does not", async () => {
      await vm.guest.ok(
        `cd ${directory} && echo message > message && ssh-keygen -Y sign -f key -n file message &&
        echo "alice $(cat key.pub)" > allowed`,
        { timeoutMs: 60_000 },
      );
      const verify = "ssh-keygen -Y verify -f allowed -I alice -n file -s message.sig";
      expect(await vm.guest.ok(`cd ${directory} && ${verify} < message`)).toMatch(/^Good "file" signature for alice/);
      const other = await vm.guest.run(`cd ${directory} && echo changed | ${verify}`);
      expect(other.code).not.toBe(0);
      expect(other.output).toMatch(/incorrect signature|Signature verification failed/i);
    });

    test("a key that is not there cannot sign", async () => {
      await plugIn();
      const signed = await vm.guest.run(
        `cd ${directory} && rm -f message.sig && ssh-keygen -Y sign -f key -n file message`,
        {
          timeoutMs: 60_000,
        },
      );
      expect(signed.code).not.toBe(0);
    });
  });

  describe("with a PIN", () => {
    beforeAll(async () => {
      const hidraw = await plugIn();
      await vm.guest.ok(`${answer} 'Enter new PIN' ${pin} 'same PIN again' ${pin} -- fido2-token -S ${hidraw}`, slow);
      await vm.guest.ok("mkdir -p /tmp/login /run/sshd && chmod 700 /tmp/login", slow);
    });

    test("enrols a resident key that demands verification", async () => {
      const enrol = "ssh-keygen -t ed25519-sk -O resident -O verify-required -f /tmp/login/enrolled -N '' -C resident";
      await vm.guest.ok(`${answer} 'Enter PIN' ${pin} -- ${enrol}`, slow);
    });

    test("takes it back from the key alone", async () => {
      const take = `cd /tmp/login && ${answer} 'Enter PIN' ${pin} 'Enter passphrase' '' 'same passphrase again' '' -- ssh-keygen -K`;
      await vm.guest.ok(take, slow);
      const key = (path: string) => vm.guest.ok(`cut -d ' ' -f 2 ${path}`);
      expect(await key("/tmp/login/id_ed25519_sk_rk.pub")).toBe(await key("/tmp/login/enrolled.pub"));
    });

    test("logs in to an sshd with it, by PIN and touch", async () => {
      await vm.guest.ok(
        `cd /tmp/login && ssh-keygen -q -t ed25519 -f host -N '' && cp id_ed25519_sk_rk.pub authorized && chmod 600 authorized &&
         $(command -v sshd || echo /usr/sbin/sshd) -p 2222 -h /tmp/login/host -o ListenAddress=127.0.0.1 -o StrictModes=no -o UsePAM=no \\
           -o PidFile=/tmp/login/sshd.pid -o AuthorizedKeysFile=/tmp/login/authorized -o PermitRootLogin=yes -o PasswordAuthentication=no \\
           -o 'PubkeyAuthOptions=verify-required touch-required'`,
        slow,
      );
      const login =
        "ssh -p 2222 -i /tmp/login/id_ed25519_sk_rk -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 echo logged in";
      expect(await vm.guest.ok(`${answer} 'Enter PIN' ${pin} -- ${login}`, slow)).toMatch(/^logged in$/m);
    });
  });
});
