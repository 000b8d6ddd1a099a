/** OpenSSH with a PIN: a resident key that demands verification, taken back from the key, and logged in with. ssh-keygen(1), sshd(8) */
import { beforeAll, expect, test } from "vitest";
import { attachHid } from "./attach.ts";
import { guestRepository } from "./guest.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const answer = `/usr/bin/python3 ${guestRepository}/test/vm/guest/answer.py`;
const pin = "correct-horse";
const slow = { timeoutMs: 90_000 };

describeInGuest("OpenSSH with a PIN", { packages: ["openssh-client", "openssh-server", "fido2-tools"] }, (vm) => {
  beforeAll(async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto"]);
    vm.keys.push(key);
    const { hidraw } = await attachHid(vm.guest, key.port);
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
