/**
 * ykman's OATH over the real kernel, libccid and pcscd: the key shows itself as a YubiKey 5 with every interface, and ykman finds it by that.
 */
import { beforeAll, expect, test } from "vitest";
import { attach } from "./attach.ts";
import { startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";
import { runYkman } from "./ykman.ts";

const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

describeInGuest(
  "OATH",
  { packages: ["pcscd", "libccid", "yubikey-manager", "oathtool", "opensc", "usbutils"] },
  (vm) => {
    const ykman = (...commands: readonly string[]) => runYkman(vm.guest, ...commands);

    beforeAll(async () => {
      const key = await startKey(["--ephemeral", "--touch", "auto", "--identity", "yubikey5", "--keyboard"]);
      vm.keys.push(key);
      await vm.guest.ok("mkdir -p /run/pcscd && (setsid pcscd --foreground >/tmp/pcscd.log 2>&1 </dev/null &)");
      await attach(vm.guest, key.port);
      const look = "opensc-tool --list-readers | grep -q Yubico";
      await vm.guest.ok(`for i in $(seq 100); do ${look} && exit 0; sleep 0.1; done; exit 1`, { timeoutMs: 60_000 });
      expect(await vm.guest.ok("lsusb -d 1050:")).toMatch(/ID 1050:0407 /);
    });

    test("ykman adds accounts, computes their codes, lists, renames and deletes them", async () => {
      const said = await ykman(
        "oath info",
        `oath accounts add -o HOTP counter ${SECRET}`,
        `oath accounts uri 'otpauth://totp/Example:alice?secret=${SECRET}&digits=8&algorithm=SHA256'`,
        `oath accounts add -t touch ${SECRET}`,
        "oath accounts list -o",
        "oath accounts code -s counter",
        "oath accounts code -s counter",
        "oath accounts code -s Example:alice",
        "oath accounts code -s touch",
        "oath accounts rename -f Example:alice Example:anna",
        "oath accounts delete -f counter",
        "oath accounts list",
      );
      const hour = await vm.guest.ok(
        `now=$(date +%s); oathtool --totp=sha256 -d 8 -b ${SECRET} -N "@$((now - 600))" -w 22`,
      );
      expect(said[0]).toBe("OATH version: 5.7.4\nPassword protection: disabled\n");
      expect(said[4]).toBe("counter, HOTP\nExample:alice, TOTP\ntouch, TOTP\n");
      expect(said.slice(5, 7)).toEqual(["755224\n", "287082\n"]);
      expect(hour.split("\n")).toContain(said[7]?.trim());
      expect(said[8]).toMatch(/^Touch your YubiKey\.\.\.\n\d{6}\n$/);
      expect(said.at(-1)).toBe("Example:anna\ntouch\n");
    });

    test("ykman sets an access password, is kept out without it, changes it, and resets", async () => {
      const said = await ykman(
        "oath access change -n first",
        "oath info",
        "! oath accounts list -p wrong",
        "oath accounts list -p first",
        "oath access change -p first -n second",
        "oath accounts list -p second",
        "oath reset -f",
        "oath accounts list",
      );
      expect(said[1]).toContain("Password protection: enabled");
      expect(said[2]).toContain("Wrong password?");
      expect(said[3]).toBe("Example:anna\ntouch\n");
      expect(said[5]).toBe("Example:anna\ntouch\n");
      expect(said.at(-1)).toBe("");
    });
  },
);
