// What a polling host sees: of commands that take their time, of touches, and of answers that it does not fetch.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { FrameProtocol, type SlotApplication } from "../../src/keyboard/frame-protocol.ts";
import { silentLogger } from "../../src/log.ts";
import type { Transport } from "../../src/transport.ts";
import { cutFrame } from "../support/otp-client.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const STATUS = Uint8Array.of(5, 7, 4, 1, 5, 0);
const idle = [0, ...STATUS, 0];

interface Command {
  readonly slot: number;
  readonly payload: Uint8Array;
  readonly transport: Transport;
  finish(answer?: Uint8Array): void;
  fail(error: Error): void;
}

function start() {
  const commands: Command[] = [];
  const application: SlotApplication = {
    status: () => STATUS,
    execute: (slot, payload, transport) =>
      new Promise((resolve, reject) => {
        commands.push({ slot, payload: Uint8Array.from(payload), transport, finish: resolve, fail: reject });
      }),
  };
  const errors: string[] = [];
  const log = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const protocol = new FrameProtocol(application, log);
  const send = async (slot: number) => {
    for (const report of cutFrame(slot, Uint8Array.of(slot))) protocol.write(report);
    await settle();
  };
  const flags = () => protocol.read()[7] as number;
  return { protocol, commands, send, flags, errors };
}

/** Lets promises that are due settle. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

const dummy = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x8f);

describe("A command", () => {
  test("is busy with the write flag, for ykcore that waits for it to go, until it has written", async () => {
    const { protocol, commands, send, flags } = start();
    expect([...protocol.read()]).toEqual(idle);
    await send(0x01);
    expect([flags(), flags()]).toEqual([0x80, 0x80]);
    commands[0]?.finish();
    await settle();
    expect([...protocol.read()]).toEqual(idle);
  });

  test("that is refused leaves the key idle, and nobody told; a mistake of ours is logged", async () => {
    const { protocol, commands, send, errors } = start();
    await send(0x01);
    commands[0]?.fail(new StatusError(StatusWord.WRONG_DATA));
    await settle();
    expect([...protocol.read()]).toEqual(idle);
    expect(errors).toEqual([]);
    await send(0x01);
    commands[1]?.fail(new TypeError("ours"));
    await settle();
    expect([...protocol.read()]).toEqual(idle);
    expect(errors).toEqual(["keyboard"]);
  });

  test("runs after the one before, which the host has given up", async () => {
    const { protocol, commands, send, flags } = start();
    await send(0x01);
    protocol.write(dummy);
    expect([...protocol.read()]).toEqual(idle);
    await send(0x03);
    expect(commands.map(({ slot }) => slot)).toEqual([0x01]);
    commands[0]?.finish(Uint8Array.of(1));
    await settle();
    expect(commands.map(({ slot }) => slot)).toEqual([0x01, 0x03]);
    expect(flags()).toBe(0x80);
  });
});

describe("An answer", () => {
  test("is read out report by report, and then the key is idle", async () => {
    const { protocol, commands, send, flags } = start();
    await send(0x10);
    commands[0]?.finish(new Uint8Array(10));
    await settle();
    expect([flags(), flags(), flags()]).toEqual([0x40, 0x41, 0x40]);
    expect([...protocol.read()]).toEqual(idle);
  });

  test("is gone after the dummy write, and after two seconds in which nobody asks", async () => {
    const { protocol, commands, send, flags } = start();
    await send(0x10);
    commands[0]?.finish(new Uint8Array(10));
    await settle();
    expect(flags()).toBe(0x40);
    protocol.write(dummy);
    expect([...protocol.read()]).toEqual(idle);

    await send(0x10);
    commands[1]?.finish(new Uint8Array(10));
    await settle();
    vi.advanceTimersByTime(1_900);
    expect(flags()).toBe(0x40);
    vi.advanceTimersByTime(2_100);
    expect([...protocol.read()]).toEqual(idle);
  });
});

describe("A touch that is waited for", () => {
  async function waitForTouch() {
    const rig = start();
    await rig.send(0x38);
    const command = rig.commands[0] as Command;
    command.transport.keepalive("upneeded");
    return { ...rig, command };
  }

  test("shows with the seconds that are left, and until the answer is there", async () => {
    const { command, flags } = await waitForTouch();
    expect(flags()).toBe(0x20 | 15);
    vi.advanceTimersByTime(1_500);
    expect(flags()).toBe(0x20 | 14);
    command.transport.keepalive("processing");
    expect(flags()).toBe(0x20 | 14);
    command.finish(new Uint8Array(20));
    await settle();
    expect(flags()).toBe(0x40);
  });

  test("is over after 15 seconds", async () => {
    const { protocol, command, flags } = await waitForTouch();
    for (let second = 0; second < 15; second++) {
      expect(flags() & 0x20).toBe(0x20);
      expect(command.transport.signal.aborted).toBe(false);
      vi.advanceTimersByTime(1_000);
    }
    expect(command.transport.signal.aborted).toBe(true);
    command.fail(new StatusError(StatusWord.CONDITIONS_NOT_SATISFIED));
    await settle();
    expect([...protocol.read()]).toEqual(idle);
  });

  test.each([
    ["the dummy write", (protocol: FrameProtocol) => protocol.write(dummy)],
    ["the next frame", (protocol: FrameProtocol) => cutFrame(0x10, dummy).map((report) => protocol.write(report))],
    ["a reset", (protocol: FrameProtocol) => protocol.reset()],
    ["two seconds without a poll", () => vi.advanceTimersByTime(2_001)],
  ])("is withdrawn by %s", async (_, end) => {
    const { protocol, command } = await waitForTouch();
    end(protocol);
    expect(command.transport.signal.aborted).toBe(true);
  });
});
