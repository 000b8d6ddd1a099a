/** OpenSSH's security keys: enrol, sign, verify (PROTOCOL.u2f; ssh-keygen(1) -t ecdsa-sk, ed25519-sk). */
import { beforeAll, describe, expect, test } from "vitest";
import { attachHid, detach } from "./attach.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

describeInGuest("OpenSSH", { packages: ["openssh-client"] }, (vm) => {
  beforeAll(async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto"]);
    vm.keys.push(key);
    await attachHid(vm.guest, key.port);
  });

  describe.each(["ecdsa-sk", "ed25519-sk"])("with %s", (type) => {
    const directory = `/tmp/${type}`;

    beforeAll(async () => {
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
      const other = await startKey(["--ephemeral", "--touch", "auto"]);
      vm.keys.push(other);
      await detach(vm.guest, { port: "00" });
      await attachHid(vm.guest, other.port);
      const signed = await vm.guest.run(
        `cd ${directory} && rm -f message.sig && ssh-keygen -Y sign -f key -n file message`,
        {
          timeoutMs: 60_000,
        },
      );
      expect(signed.code).not.toBe(0);
    });
  });
});
