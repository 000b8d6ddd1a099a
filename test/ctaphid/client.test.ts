// The tests' own client against the interface, with nothing between them and no fake clock.
import { expect, test } from "vitest";
import { Command, CtapHidClient, CtapHidFailure } from "../support/ctaphid-client.ts";
import { createInterface, directPipe, NOTHING, ScriptedHandler } from "./rig.ts";

test("a client opens a channel, pings in all sizes, and starts over on its channel", async () => {
  const client = await CtapHidClient.open(directPipe(createInterface()));
  expect(client.initReply).toMatchObject({ protocolVersion: 2, capabilities: 5 });
  for (const length of [0, 57, 58, 1024]) {
    const data = Buffer.alloc(length, length);
    expect(await client.ping(data)).toEqual(data);
  }
  const { channel } = client;
  expect((await client.init()).channel).toBe(channel);
  expect(await client.ping(Buffer.of(1))).toEqual(Buffer.of(1));
});

test("two clients of one interface work side by side", async () => {
  const pipe = directPipe(createInterface());
  const [a, b] = [await CtapHidClient.open(pipe), await CtapHidClient.open(pipe)];
  expect(a.channel).not.toBe(b.channel);
  expect(await a.msg(Buffer.from("a"))).toEqual(Buffer.from("a"));
  expect(await b.cbor(Buffer.from("b"))).toEqual(Buffer.from("b"));
});

test("a client waits through keepalives, and cancels", async () => {
  const handler = new ScriptedHandler();
  const client = await CtapHidClient.open(directPipe(createInterface({ cbor: handler.handle })));
  const statuses: number[] = [];
  const answer = client.cbor(Buffer.of(0x0b), (status) => {
    statuses.push(status);
    if (statuses.length === 2) void client.cancel();
  });
  await expect.poll(() => handler.calls.length).toBe(1);
  handler.last.transport.keepalive("upneeded");
  handler.last.transport.signal.addEventListener("abort", () => handler.last.answer(Buffer.of(0x2d)));
  expect(await answer).toEqual(Buffer.of(0x2d));
  expect(statuses).toEqual([2, 2]);
});

test("a CTAPHID_ERROR is thrown with its code", async () => {
  const client = await CtapHidClient.open(directPipe(createInterface()));
  await expect(client.request(Command.CBOR, NOTHING)).rejects.toThrow(new CtapHidFailure(0x03));
});
