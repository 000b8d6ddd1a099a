/**
 * PIV through PKCS#11: OpenSC's module and Yubico's (which takes no reader but one of Yubico's name), with pkcs11-tool, and with ssh to an sshd in
 * the session's own network.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { describeNative } from "./pcscd.ts";

const MANAGEMENT_KEY = "010203040506070801020304050607080102030405060708";
const NAME = "Yubico YubiKey OTP+FIDO+CCID";
const modules = [
  ["OpenSC", "opensc-pkcs11.so", "ECDH1-COFACTOR-DERIVE"],
  ["ykcs11", "libykcs11.so.2", "ECDH1-DERIVE"],
] as const;
const suiteOptions = {
  packages: ["opensc", "ykcs11", "yubikey-manager", "openssh-client", "openssh-server", "openssl"],
  readerName: NAME,
  serve: ["--ephemeral", "--touch", "auto", "--identity", "yubikey5"],
};

describeNative("PIV through PKCS#11", suiteOptions, (suite) => {
  const run = (script: string) => suite.session.ok(script, { timeoutMs: 60_000 });
  const piv = (words: string) => run(`ykman --reader '${NAME} 00 00' piv ${words}`);
  const moduleDirectory = "/usr/lib/x86_64-linux-gnu";

  beforeAll(async () => {
    // OpenSC asks the card for random numbers by a challenge of a Triple DES management key.
    await piv(`access change-management-key -a TDES -m ${MANAGEMENT_KEY} -n ${MANAGEMENT_KEY}`);
    await piv(`objects generate -m ${MANAGEMENT_KEY} chuid`);
    for (const [slot, algorithm] of [
      ["9a", "RSA2048"],
      ["9d", "ECCP256"],
      ["9c", "ECCP384"],
      ["9e", "ECCP256"],
    ]) {
      await piv(`keys generate -m ${MANAGEMENT_KEY} -a ${algorithm} ${slot} ${slot}.pub`);
      await piv(`certificates generate -m ${MANAGEMENT_KEY} -P 123456 -s CN=${slot} ${slot} ${slot}.pub`);
    }
    await run(`mkdir ssh && cd ssh && ssh-keygen -q -t ed25519 -f host -N '' && mkdir -p /run/sshd &&
      printf '#!/bin/sh\\necho 123456\\n' > pin && chmod 700 pin`);
  });

  describe.each(modules)("%s", (_name, file, derive) => {
    const module = `${moduleDirectory}/${file}`;

    test("passes pkcs11-tool's own tests", async () => {
      const output = await run(`pkcs11-tool --module ${module} --login --pin 123456 --test 2>&1`);
      expect(output).toMatch(/No errors/);
      expect(output).toMatch(/RSA-PKCS: OK|SHA256-RSA-PKCS: OK/);
    });

    test.each([
      ["01", "9a", "--mechanism SHA256-RSA-PKCS", "sha256"],
      ["04", "9e", "--mechanism ECDSA-SHA256 --signature-format openssl", "sha256"],
      ["02", "9c", "--mechanism ECDSA-SHA384 --signature-format openssl", "sha384"],
    ])("signs with key %s (slot %s)", async (id, slot, how, hash) => {
      const sign = `pkcs11-tool --module ${module} --login --pin 123456 --sign --id ${id} ${how}`;
      await run(`echo Latchkey > file && ${sign} --input-file file --output-file file.sig`);
      expect(await run(`openssl dgst -${hash} -verify ${slot}.pub -signature file.sig file`)).toMatch(/Verified OK/);
    });

    test("agrees on a secret with the key management key", async () => {
      await run(
        "openssl ecparam -name prime256v1 -genkey -noout -out peer.key && openssl ec -in peer.key -pubout -outform DER -out peer.der",
      );
      await run(
        `pkcs11-tool --module ${module} --login --pin 123456 --derive --id 03 --mechanism ${derive} --input-file peer.der -o secret`,
      );
      await run("openssl pkeyutl -derive -inkey peer.key -peerkey 9d.pub -out expected && cmp secret expected");
    });

    test("logs in with ssh", async () => {
      await run(`cd ssh && ssh-keygen -D ${module} > authorized && chmod 600 authorized && test -s authorized`);
      const login = `cd ssh && (/usr/sbin/sshd -p 2222 -h $PWD/host -o ListenAddress=127.0.0.1 -o StrictModes=no -o UsePAM=no \\
          -o PidFile=$PWD/sshd.pid -o AuthorizedKeysFile=$PWD/authorized -o PermitRootLogin=yes -o PasswordAuthentication=no) &&
        SSH_ASKPASS=$PWD/pin SSH_ASKPASS_REQUIRE=force ssh -p 2222 -I ${module} -o StrictHostKeyChecking=no \\
          -o UserKnownHostsFile=/dev/null root@127.0.0.1 echo logged in; status=$?; kill $(cat sshd.pid); exit $status`;
      expect(await run(login)).toMatch(/^logged in$/m);
    });
  });
});
