/** The USB core is general: a keyboard, a mouse and a serial line made of it work in the kernel, all three at once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { UsbIpServer } from "../../src/usbip/server.ts";
import { createSerialDevice, SerialEcho } from "../devices/cdc-acm.ts";
import { createKeyboardDevice, Keyboard } from "../devices/keyboard.ts";
import { createMouseDevice, Mouse } from "../devices/mouse.ts";
import { attach, detach, kernelComplaints, usedPorts } from "./attach.ts";
import { describeInGuest } from "./requirements.ts";

describeInGuest("test devices in the kernel", { packages: ["evtest", "usbutils"] }, (vm) => {
  const keyboard = new Keyboard();
  const mouse = new Mouse();
  const server = new UsbIpServer();

  beforeAll(async () => {
    const devices = [createKeyboardDevice(keyboard), createMouseDevice(mouse), createSerialDevice(new SerialEcho())];
    const exported = devices.map((device) => server.export(device));
    const { port } = await server.listen({ port: 0 });
    for (const { busid } of exported) await attach(vm.guest, port, busid);
  });
  afterAll(() => server.close());

  /** Has evtest watch an input device while `act` works it, until a line of its output matches `last`. */
  async function watch(link: string, act: () => void, last: RegExp): Promise<string> {
    const output = "/tmp/events";
    await vm.guest.ok(
      `rm -f ${output}; stdbuf -oL evtest $(readlink -f ${link}) > ${output} 2>&1 &
      for attempt in $(seq 100); do grep -q '^Testing' ${output} && exit 0; sleep 0.1; done; cat ${output}; exit 1`,
    );
    act();
    await expect.poll(() => vm.guest.ok(`cat ${output}`), { timeout: 15_000, interval: 200 }).toMatch(last);
    return vm.guest.ok(`cat ${output}`);
  }

  test("the keyboard types a word", async () => {
    const events = await watch("/dev/input/by-path/*-kbd", () => keyboard.type("latchkey"), /\(KEY_Y\), value 0/);
    const pressed = Array.from(events.matchAll(/\(KEY_(\w)\), value 1/g), (match) => match[1]);
    const released = Array.from(events.matchAll(/\(KEY_(\w)\), value 0/g), (match) => match[1]);
    expect(pressed.join("")).toBe("LATCHKEY");
    expect(released.join("")).toBe("LATCHKEY");
  });

  test("the mouse moves and clicks", async () => {
    const work = () => {
      mouse.move(10, -5);
      mouse.click();
    };
    const events = await watch("/dev/input/by-path/*-event-mouse", work, /\(BTN_LEFT\), value 0/);
    expect(events).toMatch(/\(REL_X\), value 10\b/);
    expect(events).toMatch(/\(REL_Y\), value -5\b/);
    expect(events).toMatch(/\(BTN_LEFT\), value 1/);
  });

  test("the serial line echoes, short and long", async () => {
    for (const length of [1, 63, 64, 511, 512, 513, 20_000]) {
      await vm.guest.ok(
        `stty -F /dev/ttyACM0 raw -echo 115200
        head -c ${length} /dev/urandom > /tmp/sent
        timeout 20 head -c ${length} < /dev/ttyACM0 > /tmp/received & reader=$!
        cat /tmp/sent > /dev/ttyACM0 && wait $reader && cmp /tmp/sent /tmp/received`,
        { timeoutMs: 40_000 },
      );
    }
  });

  test("lsusb -v reads all three without complaint", async () => {
    const { code, output } = await vm.guest.run("lsusb -v -d 1209:");
    expect(code).toBe(0);
    expect(output.match(/^Bus \d+ Device/gm)?.length).toBe(3);
    expect(output).toMatch(/bInterfaceProtocol +1 Keyboard/);
    expect(output).toMatch(/bInterfaceProtocol +2 Mouse/);
    expect(output).toMatch(/CDC Union:/);
    expect(output).not.toMatch(/can't|couldn't|cannot|unable|error|warning|invalid|unrecognized/i);
  });

  test("all three leave without a complaint in the kernel's log", async () => {
    for (const port of await usedPorts(vm.guest)) await detach(vm.guest, { port });
    expect((await vm.guest.run("ls /dev/ttyACM0")).code).not.toBe(0);
    expect(await kernelComplaints(vm.guest)).toEqual([]);
  });
});
