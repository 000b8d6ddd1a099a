/**
 * ykman's OATH over the real kernel, libccid and pcscd: the key shows itself as a YubiKey 5 with every interface, and ykman finds it by that.
 */
import { beforeAll, expect, test } from "vitest";
import { attach } from "./attach.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";

const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

describeInGuest("OATH", { packages: ["pcscd", "libccid", "yubikey-manager", "oathtool"] }, (vm) => {
  const ok = (script: string) => vm.guest.ok(script, { timeoutMs: 60_000 });

  beforeAll(async () => {
    const key = await startKey(["--ephemeral", "--touch", "auto", "--identity", "yubikey5", "--keyboard"]);
    vm.keys.push(key);
    await attach(vm.guest, key.port);
    await ok(
      "mkdir -p /run/pcscd && pcscd && for n in $(seq 100); do test -S /run/pcscd/pcscd.comm && break; sleep 0.1; done",
    );
  });

  test("ykman adds accounts, lists, renames and deletes them, and computes what oathtool computes", async () => {
    const output = await ok(`set -e
      lsusb -d 1050:0407 > /dev/null
      ykman oath info
      ykman oath accounts add -o HOTP counter ${SECRET}
      ykman oath accounts uri 'otpauth://totp/Example:alice?secret=${SECRET}&digits=8&algorithm=SHA256'
      ykman oath accounts list -o
      ykman oath accounts code -s counter
      before=$(oathtool --totp=sha256 -d 8 -b ${SECRET})
      code=$(ykman oath accounts code -s Example:alice)
      after=$(oathtool --totp=sha256 -d 8 -b ${SECRET})
      test "$code" = "$before" || test "$code" = "$after"
      ykman oath accounts rename -f Example:alice Example:anna
      ykman oath accounts delete -f counter
      ykman oath accounts list`);
    expect(output).toMatch(
      /^OATH version: 5\.7\.4\nPassword protection: disabled\n(?:.*\n)?counter, HOTP\nExample:alice, TOTP\n755224\nExample:anna\n$/,
    );
  });

  test("ykman sets an access password, needs it, and resets", async () => {
    const output = await ok(`
      ykman oath access change -n secret
      ykman oath accounts list -p wrong && exit 1
      ykman oath accounts list -p secret
      ykman oath reset -f
      ykman oath accounts list`);
    expect(output).toMatch(/Wrong password\?\nExample:anna\n/);
    expect(output.trimEnd().split("\n").at(-1)).not.toContain("Example");
  });
});
