/** The OpenPGP card over USB/IP: GnuPG by scdaemon's own driver and through pcscd, and OpenSC and ykman. The wide matrix is in test/native. */
import { beforeAll, expect, test } from "vitest";
import { Gpg } from "../native/gpg.ts";
import { attach } from "./attach.ts";
import { guestRepository } from "./guest.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";
import { smartCardPackages, startPcscd, waitForReader } from "./smart-card.ts";

const PINENTRY = `${guestRepository}/test/native/pinentry.py`;
const packages = [...smartCardPackages, "python3", "openssh-client", "openssh-server", "yubikey-manager"];
const slow = { timeoutMs: 90_000 };

describeInGuest("the OpenPGP card in the guest", { packages }, (vm) => {
  let own: Gpg;
  let throughPcscd: Gpg;

  beforeAll(async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto"]);
    vm.keys.push(key);
    await attach(vm.guest, key.port);
    own = new Gpg(vm.guest, "/tmp/gnupg-own", slow);
    await own.setUp(PINENTRY);
    throughPcscd = new Gpg(vm.guest, "/tmp/gnupg-pcscd", slow);
    await throughPcscd.setUp(PINENTRY, ["disable-ccid"]);
  });

  test("gpg --card-status by scdaemon's own driver", async () => {
    const status = await own.status();
    expect(status).toMatch(/^Reader \.+: 1209:0001:/m);
    expect(status).toMatch(/^Application ID \.\.\.: D276000124010304FFFE[0-9]{8}0000$/m);
  });

  test("ed25519 and cv25519 keys made on the card sign, verify, encrypt and decrypt", async () => {
    await own.setAlgorithm({ curve: 1 });
    await own.generate("curve");
    await own.expectToWork("curve");
  });

  test("and log in by ssh through gpg-agent", async () => {
    await vm.guest.ok(
      `mkdir -p /tmp/login /run/sshd && cd /tmp/login && ssh-keygen -q -t ed25519 -f host -N ''
       /usr/sbin/sshd -p 2222 -h /tmp/login/host -o ListenAddress=127.0.0.1 -o StrictModes=no -o UsePAM=no -o PidFile=/tmp/login/pid \\
         -o AuthorizedKeysFile=/tmp/login/authorized -o PermitRootLogin=yes -o PasswordAuthentication=no`,
      slow,
    );
    const login = await own.ok(
      `export SSH_AUTH_SOCK=$(gpgconf --list-dirs agent-ssh-socket)
       gpgconf --launch gpg-agent
       ssh-add -L > /tmp/login/authorized
       ssh -F none -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 echo logged in`,
    );
    expect(login).toMatch(/^logged in$/m);
  });

  test("RSA keys of 4,096 bits made on the card, for which scdaemon has to wait", async () => {
    await own.setAlgorithm({ rsa: 4096 });
    await own.generate("rsa");
    await own.expectToWork("rsa");
    await own.release();
  });

  test("the same keys through pcscd, with disable-ccid", async () => {
    await startPcscd(vm.guest);
    const reader = await waitForReader(vm.guest);
    await throughPcscd.ok("gpg --homedir /tmp/gnupg-own --export rsa@example.com | gpg --import");
    const status = await throughPcscd.status();
    expect(status).toContain(reader);
    expect(status).toMatch(/^Key attributes \.\.\.: rsa4096 rsa4096 rsa4096$/m);
    await throughPcscd.expectToWork("rsa");
  });

  test("a changed PIN, a factory reset and NIST keys through pcscd", async () => {
    await throughPcscd.type({ user: "123456", admin: "12345678", "new-user": "654321" });
    await throughPcscd.cardEdit("passwd");
    await throughPcscd.cardEdit("admin", "factory-reset", "y", "yes");
    await throughPcscd.release();
    await throughPcscd.setAlgorithm({ curve: 3 });
    await throughPcscd.generate("nist");
    await throughPcscd.expectToWork("nist");
    await throughPcscd.release();
  });

  test("OpenSC and ykman see it through pcscd", async () => {
    const reader = await waitForReader(vm.guest);
    const shown = await vm.guest.ok("OPENSC_DRIVER=openpgp openpgp-tool --card-info --key-info", slow);
    expect(shown).toMatch(/^Sig Algorithm: +(ECDSA|EC|nistp256|.*P-256.*)/im);
    expect(await vm.guest.ok("OPENSC_DRIVER=openpgp pkcs15-tool --dump", slow)).toMatch(
      /Public EC Key \[Signature key\]/,
    );
    expect(await vm.guest.ok(`ykman --reader '${reader}' openpgp info`, slow)).toMatch(/^OpenPGP version: 3\.4$/m);
  });
});
