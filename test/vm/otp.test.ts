/** OTP over the keyboard interface: ykman and ykpers write slots and send challenges, and what touches type arrives as key events. */
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ControlClient } from "../../src/control/client.ts";
import { readVectors } from "../support/vectors.ts";
import { attach, detach, kernelComplaints, usedPorts } from "./attach.ts";
import { repository } from "./image.ts";
import { type KeyProcess, startKey } from "./key-process.ts";
import { describeInGuest } from "./requirements.ts";
import { runYkman } from "./ykman.ts";

const packages = ["yubikey-manager", "yubikey-personalization", "evtest", "usbutils"];
/** NIST FIPS 198 A.2, as ykchalresp(1) has it. */
const KEY = "303132333435363738393a3b3c3d3e3f40414243";
const CHALLENGE = Buffer.from("Sample #2");
const RESPONSE = createHmac("sha1", Buffer.from(KEY, "hex")).update(CHALLENGE).digest("hex");
/** RFC 4226 appendix D: "12345678901234567890". */
const HOTP_KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const { hotp } = readVectors<{ hotp: { codes6: string[] } }>("yubico-otp");

const run = promisify(execFile);

describeInGuest("the keyboard interface", { packages }, (vm) => {
  const directory = mkdtempSync(join(tmpdir(), "latchkey-otp-"));
  const control = join(directory, "control");
  let key: KeyProcess;

  beforeAll(async () => {
    const identity = ["--identity", "yubikey5", "--keyboard"];
    key = await startKey(["--ephemeral", "--touch", "ask", "--control", control, ...identity]);
    vm.keys.push(key);
    await attach(vm.guest, key.port);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const ykman = async (...commands: string[]) => (await runYkman(vm.guest, ...commands)).join("");
  /** In C, it takes a tenth of the time. */
  const ykpersonalize = (words: string) => vm.guest.ok(`ykpersonalize -y ${words} 2>&1`);
  const latchkey = (...words: string[]) =>
    run(process.execPath, [join(repository, "dist/src/cli.js"), ...words, "--control", control]);

  /** Answers the next touch that is asked for, as soon as it is. */
  async function answerTouch(granted = true): Promise<void> {
    await new ControlClient(control).touch({ granted, waitMs: 40_000 });
  }

  test("stands before the others, as a YubiKey's does", async () => {
    const description = await vm.guest.ok("lsusb -v -d 1050: 2>&1");
    expect(description).toMatch(/idProduct +0x040[37] Yubikey 4\/5/);
    expect(description.match(/bInterfaceProtocol +\d.*/g)?.[0]).toMatch(/1 Keyboard/);
    // lsusb says so of every smart card reader whose bcdCCID is not 1.00.
    const rest = description.replace("(Warning: Only accurate for version 1.0)", "");
    expect(rest).not.toMatch(/can't|cannot|unable|error|warning|invalid|unrecognized/i);
  });

  test("tells ykman and ykinfo what there is", async () => {
    const { stdout } = await latchkey("otp", "info", "--json");
    const { cardSerial } = JSON.parse(stdout) as { cardSerial: number };
    const info = await ykman("info", "otp info");
    expect(info).toContain(`Serial number: ${cardSerial}`);
    expect(info).toMatch(/^Firmware version: 5\.7\.4$/m);
    expect(info).toMatch(/Slot 1: empty\nSlot 2: empty/);
    expect(await vm.guest.ok("ykinfo -a")).toMatch(
      new RegExp(`serial: ${cardSerial}\\n[^]*version: 5\\.7\\.4\\n[^]*programming_sequence: 0\\n`),
    );
  });

  describe("answers challenges", () => {
    test("of ykman and of ykchalresp, without a touch", async () => {
      const calculate = `otp calculate 2 ${CHALLENGE.toString("hex")}`;
      expect(await ykman(`otp chalresp -f 2 ${KEY}`, calculate)).toContain(RESPONSE);
      expect(await vm.guest.ok(`ykchalresp -2 '${CHALLENGE}'`)).toBe(`${RESPONSE}\n`);
      expect(await vm.guest.ok("ykinfo -q2")).toBe("1\n");
    });

    test("of both with a touch, and of neither when it is denied", async () => {
      await ykpersonalize(`-2 -ochal-resp -ochal-hmac -ohmac-lt64 -ochal-btn-trig -oallow-update -a${KEY}`);
      const asked = `ykchalresp -2 '${CHALLENGE}' 2>&1`;
      const [byKpers] = await Promise.all([vm.guest.ok(asked), answerTouch()]);
      expect(byKpers).toBe(`${RESPONSE}\n`);
      const [byKman] = await Promise.all([ykman(`otp calculate 2 ${CHALLENGE.toString("hex")}`), answerTouch()]);
      expect(byKman).toContain(RESPONSE);

      const [denied] = await Promise.all([vm.guest.run(asked), answerTouch(false)]);
      expect(denied).toMatchObject({ code: 1, output: expect.stringMatching(/timeout/) });
      const unwilling = await vm.guest.run(`ykchalresp -2 -N '${CHALLENGE}' 2>&1`);
      expect(unwilling).toMatchObject({ code: 1, output: expect.stringMatching(/would block/) });
      // Nobody is asked any more on behalf of who did not want to wait.
      await expect.poll(async () => (await new ControlClient(control).status()).waiting).toEqual([]);
    });
  });

  describe("types", () => {
    /** Has evtest watch the keyboard while `act` works it; the keys that were pressed, in order. */
    async function pressed(act: () => Promise<unknown>): Promise<string[]> {
      // ykpers and ykman take the keyboard from its driver for a while: what comes back is a new node, which udev has to name.
      await vm.guest.ok(
        `udevadm settle --timeout=15
        rm -f /tmp/events; stdbuf -oL evtest $(readlink -f /dev/input/by-id/*-event-kbd) > /tmp/events 2>&1 & echo $! > /tmp/evtest
        for attempt in $(seq 100); do grep -q '^Testing' /tmp/events && exit 0; sleep 0.1; done; cat /tmp/events; exit 1`,
        { timeoutMs: 60_000 },
      );
      await act();
      // Whatever came twice would come now.
      await vm.guest.ok("sleep 0.5; kill $(cat /tmp/evtest)");
      const events = await vm.guest.ok("cat /tmp/events");
      const keys = (value: number) =>
        Array.from(events.matchAll(new RegExp(`\\(KEY_(\\w+)\\), value ${value}`, "g")), (match) => match[1] ?? "");
      expect(keys(0)).toEqual(keys(1));
      return keys(1);
    }

    test("a HOTP code at each touch, exactly once", async () => {
      await ykman(`otp hotp -f 1 ${HOTP_KEY}`);
      for (const code of hotp.codes6.slice(0, 2)) {
        expect(await pressed(() => latchkey("touch"))).toEqual([...code, "ENTER"]);
      }
    });

    test("a static password at a long touch, exactly once", async () => {
      await ykman("otp static -f -k US 2 'Hi there!'");
      const keys = await pressed(() => latchkey("touch", "--long"));
      const shift = "LEFTSHIFT";
      expect(keys).toEqual([shift, "H", "I", "SPACE", "T", "H", "E", "R", "E", shift, "1", "ENTER"]);
    });

    test("the other slot when the two are swapped", async () => {
      await ykman("otp swap -f");
      expect((await pressed(() => latchkey("touch"))).slice(0, 3)).toEqual(["LEFTSHIFT", "H", "I"]);
      const code = hotp.codes6[2] ?? "";
      expect(await pressed(() => latchkey("touch", "--long"))).toEqual([...code, "ENTER"]);
    });

    test("without Enter after ykman otp settings", async () => {
      await ykman("otp settings -f --no-enter 2");
      const code = hotp.codes6[3] ?? "";
      expect(await pressed(() => latchkey("touch", "--long"))).toEqual([...code]);
    });

    test("nothing, and says so, when slots are deleted", async () => {
      for (const slot of [1, 2]) await ykpersonalize(`-${slot} -ochal-resp -ochal-hmac -a${KEY}`);
      await ykman("otp delete -f 1");
      await ykpersonalize("-2 -z");
      let failure = "";
      const touch = () => latchkey("touch").catch((error: { stderr: string }) => (failure = error.stderr));
      expect(await pressed(touch)).toEqual([]);
      expect(failure).toMatch(/OTP slot 1 has nothing to type/);
    });
  });

  test("keeps a slot with an access code from who does not know it", async () => {
    await ykpersonalize(`-1 -ooath-hotp -oaccess=111111111111 -a${KEY}`);
    expect((await vm.guest.run("ykpersonalize -y -1 -z 2>&1")).code).not.toBe(0);
    expect(await vm.guest.ok("ykinfo -q1")).toBe("1\n");
    await ykpersonalize("-1 -z -c111111111111");
    expect(await vm.guest.ok("ykinfo -q1")).toBe("0\n");
  });

  test("leaves without a complaint in the kernel's log", async () => {
    for (const port of await usedPorts(vm.guest)) await detach(vm.guest, { port });
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
