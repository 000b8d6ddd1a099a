// A key behind a control socket, for tests: the whole of it but USB/IP, whose host is played by a flag.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect } from "vitest";
import { MemoryKeyStore } from "../../keystore/memory-keystore.ts";
import { ControlClient } from "../../src/control/client.ts";
import { KeyEvents } from "../../src/control/events.ts";
import { administer } from "../../src/control/local-administration.ts";
import type { Administration, KeyStatus } from "../../src/control/messages.ts";
import { Refusal } from "../../src/control/refusal.ts";
import { ControlServer } from "../../src/control/server.ts";
import { asWaitingTouch } from "../../src/control/touch.ts";
import { createLogger } from "../../src/log.ts";
import type { TouchMode } from "../../src/presence/mode.ts";
import { PendingPresence } from "../../src/presence/pending.ts";
import { createSecurityKey } from "../../src/security-key.ts";

export type RunningKey = Awaited<ReturnType<typeof startKey>>;

/** The two ways to a key that its owner has. */
export function bothWays(running: () => RunningKey): [string, () => Administration][] {
  return [
    ["in its own process", () => administer(running().key)],
    ["through the socket", () => running().client.administration],
  ];
}

/** "done", the code of a refusal, or another error. */
export function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "done",
    (error: unknown) => (error instanceof Refusal ? error.code : error),
  );
}

/** What `promise` rejects with, which must be a Refusal. */
export async function refusal(promise: Promise<unknown>): Promise<Refusal> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Refusal);
  return error as Refusal;
}

export async function startKey(directory: string, touch: TouchMode = "ask") {
  const pending = new PendingPresence();
  const key = await createSecurityKey({ store: new MemoryKeyStore(), presence: pending });
  const events = new KeyEvents();
  pending.subscribe((event) => events.tellPresence(event));
  const logged: string[] = [];
  let cycles = 0;
  const status = (): KeyStatus => ({
    version: "0.0.0",
    pid: process.pid,
    serial: key.serialNumber,
    usbId: "1209:0001",
    identity: "latchkey",
    applications: ["u2f", "fido2"],
    busid: "1-1",
    address: { host: "127.0.0.1", port: 3240 },
    store: null,
    touch,
    uv: "off",
    attachedTo: null,
    card: key.slot.isPresent ? "in" : "out",
    waiting: pending.waiting.map(asWaitingTouch),
  });
  const server = new ControlServer(
    {
      status,
      events,
      pending: touch === "ask" ? pending : undefined,
      async powerCycle() {
        cycles += 1;
        key.reset();
        return { detachedFrom: null };
      },
      moveCard: (where) => ({ card: where, moved: key.slot.move(where) }),
      get hasKeyboard() {
        return key.hasKeyboard;
      },
      pressTouch: (long) => key.pressTouch(long),
      administration: administer(key),
    },
    createLogger("traffic", (line) => logged.push(line)),
  );
  const path = join(directory, `${randomBytes(4).toString("hex")}.sock`);
  await server.listen(path);
  return { key, pending, events, server, path, client: new ControlClient(path), logged, cycles: () => cycles };
}
