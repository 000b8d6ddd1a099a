/** A login by OpenSSH with the card's authentication key, through gpg-agent. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { repository } from "../vm/image.ts";
import { Gpg } from "./gpg.ts";
import { describeNative } from "./pcscd.ts";

const PINENTRY = join(repository, "test/native/pinentry.py");
const packages = ["gnupg", "scdaemon", "python3", "openssh-client", "openssh-server"];

describeNative("ssh with the card", { packages }, (suite) => {
  let gpg: Gpg;

  beforeAll(async () => {
    gpg = new Gpg(suite.session, `${suite.session.directory}/gnupg`, { timeoutMs: 60_000 });
    await gpg.setUp(PINENTRY);
    await suite.session.ok(
      `mkdir -p $SESSION/ssh /run/sshd && cd $SESSION/ssh && ssh-keygen -q -t ed25519 -f host -N ''
       /usr/sbin/sshd -p 2222 -h $PWD/host -o ListenAddress=127.0.0.1 -o StrictModes=no -o UsePAM=no -o PidFile=$PWD/sshd.pid \\
         -o AuthorizedKeysFile=$PWD/authorized -o PermitRootLogin=yes -o PasswordAuthentication=no`,
    );
  });

  test.each([
    { name: "ed25519", algorithm: { curve: 1 }, type: "ssh-ed25519" },
    { name: "nistp256", algorithm: { curve: 3 }, type: "ecdsa-sha2-nistp256" },
    { name: "nistp384", algorithm: { curve: 4 }, type: "ecdsa-sha2-nistp384" },
    { name: "nistp521", algorithm: { curve: 5 }, type: "ecdsa-sha2-nistp521" },
    { name: "rsa2048", algorithm: { rsa: 2048 }, type: "ssh-rsa" },
  ])("$name logs in", async ({ name, algorithm, type }) => {
    await gpg.setAlgorithm(algorithm);
    await gpg.generate(name);
    const agent = "export SSH_AUTH_SOCK=$(gpgconf --list-dirs agent-ssh-socket)\ngpgconf --launch gpg-agent";
    const offered = await gpg.ok(`${agent}\nssh-add -L | tee ${suite.session.directory}/ssh/authorized`);
    expect(offered).toMatch(new RegExp(`^${type} \\S+ cardno:D276000124010304FFFE`, "m"));
    const options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=publickey";
    const login = await gpg.ok(`${agent}\nssh -F none -p 2222 ${options} root@127.0.0.1 echo logged in`);
    expect(login).toMatch(/^logged in$/m);
  });
});
