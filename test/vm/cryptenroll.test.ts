/** A disk that the key unlocks: systemd-cryptenroll asks it for hmac-secret, systemd-cryptsetup for the same again. LUKS2 in a file. */
import { beforeAll, expect, test } from "vitest";
import { attachHid } from "./attach.ts";
import { guestRepository } from "./guest.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const disk = "/tmp/disk.img";
const answer = `/usr/bin/python3 ${guestRepository}/test/vm/guest/answer.py`;
const pin = "correct-horse";

describeInGuest("systemd-cryptenroll", { packages: ["cryptsetup", "fido2-tools"] }, (vm) => {
  let hidraw: string;

  beforeAll(async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto"]);
    vm.keys.push(key);
    ({ hidraw } = await attachHid(vm.guest, key.port));
    await vm.guest.ok("modprobe -a loop dm-crypt xts", { timeoutMs: 60_000 });
    await vm.guest.ok(
      `truncate -s 32M ${disk} && (umask 077; printf passphrase > /tmp/passphrase) &&
       cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /tmp/passphrase ${disk}`,
      { timeoutMs: 90_000 },
    );
  });

  const enrol = (options: string) =>
    `systemd-cryptenroll --unlock-key-file=/tmp/passphrase --wipe-slot=fido2 --fido2-device=${hidraw} ${options} ${disk}`;
  const unlock = `cryptsetup open --token-only --test-passphrase ${disk}`;

  test("enrols a key without a PIN, which then unlocks the disk", async () => {
    const said = await vm.guest.ok(enrol("--fido2-with-client-pin=no"), { timeoutMs: 90_000 });
    expect(said).toMatch(/New FIDO2 token enrolled as key slot/);
    await vm.guest.ok(unlock, { timeoutMs: 90_000 });
  });

  // Debian 12's systemd first tries without the PIN, and, when that succeeds (makeCredUvNotRqd), goes on to keep the secret that
  // belongs to no PIN, which its own unlocking then misses. With alwaysUv the key asks for the PIN from the start.
  test("enrols a key with its PIN, which then unlocks the disk", async () => {
    await vm.guest.ok(
      `${answer} 'Enter new PIN' ${pin} 'Enter the same PIN again' ${pin} -- fido2-token -S ${hidraw} &&
       ${answer} 'Enter PIN' ${pin} -- fido2-token -S -u ${hidraw}`,
      { timeoutMs: 60_000 },
    );
    // systemd asks at the terminal only where its agents could be told, too.
    const enrolling = `mkdir -p /run/systemd/ask-password && ${answer} 'security token PIN' ${pin} -- ${enrol("--fido2-with-client-pin=yes")}`;
    const said = await vm.guest.ok(enrolling, { timeoutMs: 60_000 });
    expect(said).toMatch(/New FIDO2 token enrolled as key slot/);
    await vm.guest.ok(`${answer} 'PIN' ${pin} -- ${unlock}`, { timeoutMs: 90_000 });
  });
});
