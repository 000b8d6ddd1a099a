/**
 * PIV in the guest, over USB/IP, with the identity of a YubiKey: pcscd finds the reader by its stock list of drivers, and Yubico's clients find it by
 * its name. What the clients do is tried at length in test/native; here the whole way is.
 */
import { beforeAll, expect, test } from "vitest";
import { attach, kernelComplaints } from "./attach.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";
import { runYkman } from "./ykman.ts";

const MANAGEMENT_KEY = "010203040506070801020304050607080102030405060708";
const m = `-m ${MANAGEMENT_KEY}`;
const slow = { timeoutMs: 90_000 };
const packages = [
  "pcscd",
  "libccid",
  "yubikey-manager",
  "yubico-piv-tool",
  "opensc",
  "ykcs11",
  "openssh-client",
  "openssh-server",
  "openssl",
];

describeInGuest("PIV over USB/IP", { packages }, (vm) => {
  const ok = (script: string) => vm.guest.ok(`cd /tmp && ${script}`, slow);
  const ykman = async (...commands: readonly string[]) => (await runYkman(vm.guest, ...commands)).join("");

  beforeAll(async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto", "--identity", "yubikey5"]);
    vm.keys.push(key);
    await attach(vm.guest, key.port);
    await ok("mkdir /tmp/readers && /usr/sbin/pcscd --config /tmp/readers");
    await ok("for i in $(seq 100); do opensc-tool -l | grep -q 'Yes.*Yubico' && exit; sleep 0.1; done; exit 1");
  });

  test("pcscd finds a YubiKey", async () => {
    expect(await ok("opensc-tool --list-readers")).toMatch(/Yes +Yubico YubiKey [A-Z+]*CCID 00 00$/m);
  });

  test("ykman makes keys, certificates, requests and attestations", async () => {
    const said = await ykman(
      "list",
      "piv info",
      `piv access change-management-key -a TDES ${m} -n ${MANAGEMENT_KEY}`,
      `piv keys generate ${m} -a RSA2048 9a 9a.pub`,
      `piv certificates generate ${m} -P 123456 -s CN=9a 9a 9a.pub`,
      `piv keys generate ${m} -a ECCP384 9c 9c.pub`,
      `piv certificates generate ${m} -P 123456 -s CN=9c 9c 9c.pub`,
      "piv certificates request -P 123456 -s CN=owner 9c 9c.pub 9c.csr",
      "piv certificates export 9a 9a.pem",
      "piv keys export 9c 9c.exported",
      "piv keys attest 9a attestation.pem",
      "piv certificates export f9 authority.pem",
      `piv objects generate ${m} chuid`,
      "piv access change-pin -P 123456 -n 654321",
      "piv access unblock-pin -p 12345678 -n 123456",
      "piv access change-puk -p 12345678 -n 87654321",
    );
    expect(said).toMatch(/^YubiKey 5.*\(5\.7\.4\) \[.*CCID\]/m);
    expect(said).toMatch(/^PIV version: 5\.7\.4$/m);
    expect(await ok("openssl verify -check_ss_sig -CAfile 9a.pem 9a.pem")).toMatch(/: OK$/m);
    expect(await ok("openssl verify -CAfile authority.pem attestation.pem")).toMatch(/: OK$/m);
    expect(await ok("openssl req -in 9c.csr -verify -noout")).toMatch(/verify OK/);
    await ok("cmp 9c.pub 9c.exported && openssl x509 -in attestation.pem -noout -pubkey | cmp - 9a.pub");
  });

  test("ykman imports keys, certificates and objects", async () => {
    await ok("openssl req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -subj /CN=own 2>/dev/null");
    await ok("head -c 3000 /dev/urandom > object");
    const said = await ykman(
      `piv keys import ${m} 9d own.key`,
      `piv certificates import ${m} -P 123456 --verify 9d own.pem`,
      "piv certificates export 9d exported.pem",
      `piv objects import ${m} 0x5fc10c object`,
      "piv objects export 0x5fc10c object.exported",
      "piv info",
    );
    expect(said.match(/^Slot 9[acd]:/gim)).toHaveLength(3);
    await ok("cmp object object.exported && cmp own.pem exported.pem");
  });

  test("yubico-piv-tool signs, deciphers and shows", async () => {
    expect(await ok("yubico-piv-tool -a status")).toMatch(/^Slot 9a:/m);
    expect(await ok("yubico-piv-tool -a verify-pin -P 123456 -a test-signature -s 9a -i 9a.pem 2>&1")).toMatch(
      /Successful/,
    );
    expect(await ok("yubico-piv-tool -a verify-pin -P 123456 -a test-decipher -s 9d -i own.pem 2>&1")).toMatch(
      /Successful/,
    );
  });

  test("opensc-pkcs11.so passes pkcs11-tool's tests", async () => {
    expect(await ok("pkcs11-tool --login --pin 123456 --test 2>&1")).toMatch(/No errors/);
  });

  test.each(["opensc-pkcs11.so", "libykcs11.so.2"])("ssh logs in with %s", async (file) => {
    const module = `/usr/lib/x86_64-linux-gnu/${file}`;
    await ok(`mkdir -p ssh /run/sshd && cd ssh && (test -f host || ssh-keygen -q -t ed25519 -f host -N '') &&
      printf '#!/bin/sh\\necho 123456\\n' > pin && chmod 700 pin && ssh-keygen -D ${module} > authorized && chmod 600 authorized`);
    const login = `cd ssh && (/usr/sbin/sshd -p 2222 -h $PWD/host -o ListenAddress=127.0.0.1 -o StrictModes=no -o UsePAM=no \\
        -o PidFile=$PWD/sshd.pid -o AuthorizedKeysFile=$PWD/authorized -o PermitRootLogin=yes -o PasswordAuthentication=no) &&
      SSH_ASKPASS=$PWD/pin SSH_ASKPASS_REQUIRE=force ssh -p 2222 -I ${module} -o StrictHostKeyChecking=no \\
        -o UserKnownHostsFile=/dev/null root@127.0.0.1 echo logged in; status=$?; kill $(cat sshd.pid); exit $status`;
    expect(await ok(login)).toMatch(/^logged in$/m);
  });

  test("ykman resets it, and the kernel had nothing to complain of", async () => {
    const said = await ykman("piv reset -f", "piv info");
    expect(said).toMatch(/^PIN tries remaining: 3\/3$/m);
    expect(said).not.toMatch(/^Slot 9/m);
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
