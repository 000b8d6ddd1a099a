// What a client can do wrong, by accident or on purpose: it loses its own connection and nothing else happens.
import { once } from "node:events";
import { Socket } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { MAX_TRANSFER_LENGTH, MAX_URBS_IN_FLIGHT } from "../../src/usbip/protocol.ts";
import { type BenchServer, connectRaw, importRaw, startServer } from "./bench-server.ts";
import {
  cmdSubmit,
  cmdUnlink,
  devlistRequest,
  getDeviceDescriptor,
  importRequest,
  type RawClient,
  setConfiguration,
  setup,
} from "./raw-client.ts";

/** Another client is served as if nothing had happened. */
async function expectServing({ port }: BenchServer, busid = "1-2"): Promise<void> {
  const client = await importRaw(port, busid);
  client.write(getDeviceDescriptor(1, 18, busid === "1-2" ? 0x0001_0003 : undefined));
  expect((await client.reply()).actualLength).toBe(18);
  await client.close();
}

const waitUntilFree = ({ server }: BenchServer) =>
  vi.waitFor(() => expect(server.exports.every(({ importedBy }) => importedBy === undefined)).toBe(true), {
    interval: 2,
    timeout: 3_000,
  });

describe("Before an import, the connection is closed over", () => {
  test.each([
    ["an unknown operation", Buffer.from("0111800700000000", "hex")],
    ["a reply's code", Buffer.from("0111000500000000", "hex")],
    ["another version", Buffer.from("0106800500000000", "hex")],
    ["another protocol", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["a transfer", getDeviceDescriptor(1)],
    ["zeros", Buffer.alloc(1000)],
  ])("%s", async (_name, bytes) => {
    const bench = await startServer({}, 2);
    const client = await connectRaw(bench.port);
    client.write(bytes);
    await client.closed();
    expect(bench.log.join("\n")).toMatch(/warn 127\.0\.0\.1:\d+: .*; connection closed/);
    await expectServing(bench);
  });
});

describe("After an import, the connection is closed and the device released over", () => {
  const submit = (changes: object) => cmdSubmit({ seqnum: 1, direction: 1, ep: 1, length: 64, ...changes });
  test.each([
    ["an unknown command", submit({ command: 5 })],
    ["command 0", submit({ command: 0 })],
    ["a RET_SUBMIT", submit({ command: 3 })],
    ["an operation", Buffer.concat([devlistRequest(), Buffer.alloc(40)])],
    ["a direction that is neither", submit({ direction: 2 })],
    ["the devid of another device", submit({ devid: 0x0001_0003 })],
    ["devid 0", submit({ devid: 0 })],
    ["an unlink with the devid of another device", cmdUnlink(1, 1, 0x0001_0003)],
    ["an OUT longer than the cap", submit({ direction: 0, length: MAX_TRANSFER_LENGTH + 1 })],
    ["an IN longer than the cap", submit({ length: MAX_TRANSFER_LENGTH + 1 })],
    ["a length of 2^32-1", submit({ direction: 0, length: 0xffff_ffff })],
    ["a negative length", submit({ length: 0x8000_0000 })],
    ["a seqnum that is already under way", Buffer.concat([submit({}), submit({})])],
  ])("%s", async (_name, bytes) => {
    const bench = await startServer({}, 2);
    const client = await importRaw(bench.port);
    client.write(setConfiguration(100));
    await client.reply();
    client.write(bytes);
    await client.closed();
    expect(bench.log.join("\n")).toContain("connection closed");
    await waitUntilFree(bench);
    await expectServing(bench, "1-1");
  });

  test("more transfers under way than the cap; as many as the cap are fine", async () => {
    const bench = await startServer({}, 2);
    const client = await importRaw(bench.port);
    client.write(setConfiguration(0));
    await client.reply();
    const pending = (seqnum: number) => cmdSubmit({ seqnum, direction: 1, ep: 1, length: 64 });
    for (let seqnum = 1; seqnum <= MAX_URBS_IN_FLIGHT; seqnum++) client.write(pending(seqnum));
    client.write(cmdUnlink(5000, 1));
    expect(await client.reply()).toMatchObject({ seqnum: 5000, status: -104 });
    client.write(pending(5001));
    expect(await client.unread()).toBe(0);
    client.write(pending(5002));
    await client.closed();
    await waitUntilFree(bench);
    await expectServing(bench);
  });
});

describe("A transfer at the caps", () => {
  test("of the longest length works both ways", async () => {
    const bench = await startServer();
    const client = await importRaw(bench.port);
    client.write(setConfiguration(1));
    await client.reply();
    client.write(cmdSubmit({ seqnum: 2, ep: 1, data: Buffer.alloc(MAX_TRANSFER_LENGTH, 7) }));
    expect(await client.reply()).toMatchObject({ status: 0, actualLength: MAX_TRANSFER_LENGTH });
    expect(bench.benches[0]?.received[0]?.length).toBe(MAX_TRANSFER_LENGTH);
    bench.benches[0]?.bulkIn.queue.push(new Uint8Array(MAX_TRANSFER_LENGTH).fill(9));
    client.write(cmdSubmit({ seqnum: 3, direction: 1, ep: 1, length: MAX_TRANSFER_LENGTH }));
    expect((await client.reply()).actualLength).toBe(MAX_TRANSFER_LENGTH);
    expect((await client.read(MAX_TRANSFER_LENGTH)).every((byte) => byte === 9)).toBe(true);
  });

  test("is not needed for a client that sends thousands of requests in one go: all are answered", async () => {
    const { port } = await startServer();
    const client = await importRaw(port);
    const count = 5_000;
    client.write(...Array.from({ length: count }, (_, index) => getDeviceDescriptor(index + 1)));
    const answers = await client.read(count * 66);
    expect(answers.readUInt32BE((count - 1) * 66 + 4)).toBe(count);
  });
});

describe("A frame that does not come whole", () => {
  test("is waited for, while other clients are served, and closing in the middle of it releases the device", async () => {
    const bench = await startServer({}, 2);
    const client = await importRaw(bench.port);
    client.write(getDeviceDescriptor(1).subarray(0, 47));
    expect(await client.unread()).toBe(0);
    await expectServing(bench);
    client.write(getDeviceDescriptor(1).subarray(47));
    expect((await client.reply()).seqnum).toBe(1);
    client.write(cmdSubmit({ seqnum: 2, ep: 1, data: Buffer.alloc(1000) }).subarray(0, 500));
    await client.close();
    await waitUntilFree(bench);
    await expectServing(bench, "1-1");
  });

  test.each([0, 1, 7])("before an import: the connection is closed after a while, %i bytes in", async (length) => {
    const bench = await startServer({ requestTimeoutMs: 60 });
    const client = await connectRaw(bench.port);
    client.write(devlistRequest().subarray(0, length));
    await client.closed();
    await expectServing(bench, "1-1");
  });

  test("but a connection that has imported may be silent for as long as it likes", async () => {
    const { port } = await startServer({ requestTimeoutMs: 40 });
    const client = await importRaw(port);
    await new Promise((resolve) => setTimeout(resolve, 120));
    client.write(getDeviceDescriptor(1));
    expect((await client.reply()).seqnum).toBe(1);
  });
});

describe("A client that sends and does not read", () => {
  const longestDescriptor = (seqnum: number) =>
    cmdSubmit({ seqnum, direction: 1, length: 255, setup: setup(0x80, 6, 0x0300, 0, 255) });

  /** Sends requests until the connection is gone or the server has taken none for `patience` ms; returns the bytes sent. */
  async function flood(client: RawClient, patience: number): Promise<number> {
    client.socket.pause();
    const burst = Buffer.concat(Array.from({ length: 200 }, (_, index) => longestDescriptor(index)));
    let sent = 0;
    for (let isTaken = true; isTaken && !client.socket.destroyed && sent < 400_000_000; ) {
      sent += burst.length;
      if (client.socket.write(burst)) continue;
      const gaveUp = AbortSignal.timeout(patience);
      isTaken = await Promise.race([
        once(client.socket, "drain", { signal: gaveUp }),
        once(client.socket, "close", { signal: gaveUp }),
      ]).then(
        () => true,
        () => false,
      );
    }
    return sent;
  }

  test("is not read from either: what the server holds for it stays bounded, and it can go on when it reads", async () => {
    const bench = await startServer({}, 2);
    const client = await importRaw(bench.port);
    const before = process.memoryUsage();
    const sent = await flood(client, 500);
    const after = process.memoryUsage();
    expect(sent).toBeLessThan(100_000_000);
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(60_000_000);
    await expectServing(bench);
    client.socket.resume();
    await client.read(48 + 4);
  }, 20_000);

  test("loses its connection if it keeps that up", async () => {
    const bench = await startServer({ stallTimeoutMs: 300 }, 2);
    const client = await importRaw(bench.port);
    await flood(client, 5_000);
    await expect.poll(() => client.socket.destroyed, { timeout: 5_000 }).toBe(true); // it may hear of it a moment later
    await waitUntilFree(bench);
    expect(bench.log.join("\n")).toContain("replies unread");
    await expectServing(bench, "1-1");
  }, 20_000);
});

describe("Releasing a device", () => {
  test("cancels all that waits, and the next host finds nothing of it", async () => {
    const bench = await startServer();
    const client = await importRaw(bench.port);
    client.write(setConfiguration(1), cmdSubmit({ seqnum: 2, direction: 1, ep: 1, length: 64 }));
    await client.reply();
    await client.close();
    await waitUntilFree(bench);
    const next = await importRaw(bench.port);
    next.write(setConfiguration(1), cmdSubmit({ seqnum: 2, direction: 1, ep: 1, length: 64 }));
    await next.reply();
    bench.benches[0]?.bulkIn.queue.push(Uint8Array.of(5));
    expect(await next.reply()).toMatchObject({ seqnum: 2, actualLength: 1 });
    expect(bench.log.filter((line) => line.includes("error"))).toEqual([]);
  });

  test("happens when the host closes, resets its connection, or closes its half of it", async () => {
    const bench = await startServer();
    for (const leave of ["destroy", "resetAndDestroy", "end"] as const) {
      const client = await importRaw(bench.port);
      client.socket[leave]();
      await waitUntilFree(bench);
    }
  });

  test("happens 100 times in a row without a trace", async () => {
    const bench = await startServer();
    for (let count = 0; count < 100; count++) {
      const client = await importRaw(bench.port);
      client.write(setConfiguration(1), cmdSubmit({ seqnum: 2, direction: 1, ep: 1, length: 64 }));
      await client.reply();
      await client.close();
      await waitUntilFree(bench);
    }
    expect(bench.log.filter((line) => / (error|warn) /.test(line))).toEqual([]);
  });

  test("survives a device that fails to reset; the fault is logged", async () => {
    const bench = await startServer({}, 2);
    const device = bench.server.exports[0]?.device as { reset(): void };
    const reset = vi.spyOn(device, "reset").mockImplementation(() => {
      throw new Error("a bug of ours");
    });
    const refused = await connectRaw(bench.port);
    refused.write(importRequest("1-1"));
    await refused.closed();
    expect(bench.log.join("\n")).toContain("a bug of ours");
    reset.mockRestore();
    const client = await importRaw(bench.port);
    vi.spyOn(device, "reset").mockImplementation(() => {
      throw new Error("another bug");
    });
    await client.close();
    await waitUntilFree(bench);
    expect(bench.log.join("\n")).toContain("another bug");
    await expectServing(bench);
  });
});

test("The kernel is asked to watch for a peer that vanished, and not to hold small replies back", async () => {
  const keepAlive = vi.spyOn(Socket.prototype, "setKeepAlive");
  const noDelay = vi.spyOn(Socket.prototype, "setNoDelay");
  const bench = await startServer();
  await importRaw(bench.port);
  const accepted = keepAlive.mock.contexts.at(-1) as Socket;
  expect(accepted.localPort).toBe(bench.port);
  expect(keepAlive).toHaveBeenLastCalledWith(true, 10_000);
  expect(noDelay.mock.contexts).toContain(accepted);
  keepAlive.mockRestore();
  noDelay.mockRestore();
});

test("256 connections are held: one more is closed at once, and another gets in when one has gone", async () => {
  const bench = await startServer();
  const held = await Promise.all(Array.from({ length: 256 }, () => connectRaw(bench.port)));
  const oneMore = await connectRaw(bench.port);
  await oneMore.closed();
  await held[0]?.close();
  await vi.waitFor(() => expectServing(bench, "1-1"));
});

describe("Closing the server", () => {
  test("ends every connection in an orderly way, with nothing sent after the last reply", async () => {
    const bench = await startServer();
    const client = await importRaw(bench.port);
    const idle = await connectRaw(bench.port);
    client.write(setConfiguration(1), cmdSubmit({ seqnum: 2, direction: 1, ep: 1, length: 64 }));
    await client.reply();
    const errors: Error[] = [];
    client.socket.on("error", (error) => errors.push(error));
    await bench.server.close();
    await Promise.all([client.closed(), idle.closed()]);
    expect(errors).toEqual([]);
    expect(await client.unread(0)).toBe(0);
    expect(bench.server.exports[0]?.importedBy).toBeUndefined();
  });

  test("does not wait for a client that keeps its half open", async () => {
    const bench = await startServer();
    const client = await importRaw(bench.port);
    client.socket.allowHalfOpen = true;
    client.socket.pause();
    const started = performance.now();
    await bench.server.close();
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
