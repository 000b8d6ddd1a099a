// Two transports, one authenticator: requests take turns.
import { expect, test } from "vitest";
import { SharedAuthenticator } from "../../applets/fido2/shared-authenticator.ts";
import type { Transport } from "../../src/transport.ts";
import { createTestTransport } from "../support/platform.ts";

class SlowAuthenticator {
  readonly calls: { readonly message: Uint8Array; readonly transport: Transport; readonly answer: () => void }[] = [];

  process(message: Uint8Array, transport: Transport): Promise<Uint8Array> {
    return new Promise((resolve) => this.calls.push({ message, transport, answer: () => resolve(message) }));
  }
}

const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

function createShared() {
  const slow = new SlowAuthenticator();
  return { slow, shared: new SharedAuthenticator(slow) };
}

test("A request waits until the one before is answered, and they keep their order", async () => {
  const { slow, shared } = createShared();
  const answers = [1, 2, 3].map((byte) => shared.process(Uint8Array.of(byte), createTestTransport(byte)));
  for (const byte of [1, 2, 3]) {
    await turns();
    expect(slow.calls.map(({ message }) => message[0])).toEqual([1, 2, 3].slice(0, byte));
    slow.calls.at(-1)?.answer();
    expect(await answers[byte - 1]).toEqual(Uint8Array.of(byte));
  }
  await turns();
  const idle = shared.process(Uint8Array.of(4), createTestTransport());
  expect(slow.calls).toHaveLength(4); // at once
  slow.calls[3]?.answer();
  await idle;
});

test("A request that is cancelled while it waits says so at once, and the next still waits", async () => {
  const { slow, shared } = createShared();
  const first = shared.process(Uint8Array.of(1), createTestTransport());
  const waiting = createTestTransport(2);
  const second = shared.process(Uint8Array.of(2), waiting);
  const third = shared.process(Uint8Array.of(3), createTestTransport(3));
  waiting.cancel();
  expect(await second).toEqual(Uint8Array.of(0x2d));
  await turns();
  expect(slow.calls).toHaveLength(1);
  slow.calls[0]?.answer();
  await first;
  await turns();
  expect(slow.calls.map(({ message }) => message[0])).toEqual([1, 3]);
  slow.calls[1]?.answer();
  await third;
});

test("A request that was cancelled before it came to wait is not worked on either", async () => {
  const { slow, shared } = createShared();
  const first = shared.process(Uint8Array.of(1), createTestTransport());
  const gone = createTestTransport(2);
  gone.cancel();
  expect(await shared.process(Uint8Array.of(2), gone)).toEqual(Uint8Array.of(0x2d));
  slow.calls[0]?.answer();
  await first;
  expect(slow.calls).toHaveLength(1);
});
