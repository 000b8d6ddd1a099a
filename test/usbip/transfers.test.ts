// The life of a URB, as bytes. The other end is Linux drivers/usb/usbip/vhci_rx.c, which ends the connection over any
// of these.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { UsbStall } from "../../src/usb/endpoint.ts";
import { type BenchServer, importRaw, startServer } from "./bench-server.ts";
import {
  cmdSubmit,
  cmdUnlink,
  getDeviceDescriptor,
  type RawClient,
  type RawRequest,
  setConfiguration,
  setup,
} from "./raw-client.ts";

const RET_SUBMIT = 3;
const RET_UNLINK = 4;
const EPIPE = -32;
const ECONNRESET = -104;

let bench: BenchServer["benches"][number];
let server: BenchServer;
let client: RawClient;

beforeEach(async () => {
  server = await startServer();
  bench = server.benches[0] as typeof bench;
  client = await importRaw(server.port);
  client.write(setConfiguration(1));
  await client.reply();
});

const submitIn = (seqnum: number, rest: Partial<RawRequest> = {}) =>
  cmdSubmit({ seqnum, direction: 1, ep: 1, length: 512, ...rest });
const submitOut = (seqnum: number, data: Uint8Array, rest: Partial<RawRequest> = {}) =>
  cmdSubmit({ seqnum, ep: 1, data, ...rest });

describe("RET_SUBMIT", () => {
  test("of an IN carries exactly actual_length bytes, in the same write as its header", async () => {
    client.chunks.length = 0;
    client.write(getDeviceDescriptor(2, 64));
    const reply = await client.reply();
    expect(reply).toMatchObject({ command: RET_SUBMIT, seqnum: 2, status: 0, actualLength: 18 });
    expect((await client.read(18)).toString("hex", 0, 2)).toBe("1201");
    expect(await client.unread()).toBe(0);
    expect(client.chunks).toEqual([48 + 18]);
  });

  test("of an OUT reports the bytes accepted and carries none", async () => {
    client.write(submitOut(2, Buffer.from("some data")));
    expect(await client.reply()).toMatchObject({ command: RET_SUBMIT, seqnum: 2, status: 0, actualLength: 9 });
    expect(await client.unread()).toBe(0);
    expect(bench.received.map((data) => Buffer.from(data).toString())).toEqual(["some data"]);
  });

  test("of a control OUT reports its data stage as accepted", async () => {
    client.write(cmdSubmit({ seqnum: 2, setup: setup(0x21, 9, 0x0200, 0, 4), data: Buffer.from("abcd") }));
    expect(await client.reply()).toMatchObject({ status: 0, actualLength: 4 });
    expect(bench.requests[0]?.setup).toEqual({
      bmRequestType: 0x21,
      bRequest: 9,
      wValue: 0x0200,
      wIndex: 0,
      wLength: 4,
    });
  });

  test("repeats the seqnum, and has 0 in devid, direction, ep and every field that means nothing here", async () => {
    client.write(getDeviceDescriptor(0xfedc_ba98));
    const { header } = await client.reply();
    expect(header.toString("hex")).toBe(`00000003fedcba98${"00".repeat(12)}0000000000000012${"00".repeat(20)}`);
  });

  test("never carries more than transfer_buffer_length: the rest waits for the next transfer", async () => {
    bench.bulkIn.queue.push(Buffer.from("abcdefghij"));
    client.write(submitIn(2, { length: 4 }), submitIn(3, { length: 4 }), submitIn(4, { length: 4 }));
    const parts: string[] = [];
    for (let count = 0; count < 3; count++) {
      parts.push((await client.read((await client.reply()).actualLength)).toString());
    }
    expect(parts).toEqual(["abcd", "efgh", "ij"]);
  });

  test("is cut, and the fault logged, if a device of ours ever gives more than was asked for", async () => {
    vi.spyOn(server.server.exports[0]?.device as object as { submit(): unknown }, "submit").mockResolvedValue(
      new Uint8Array(100),
    );
    client.write(submitIn(2, { length: 8 }));
    expect((await client.reply()).actualLength).toBe(8);
    expect(await client.unread()).toBe(8);
    expect(server.log.join("\n")).toContain("error endpoint 1 gave 100 bytes where 8 were asked for");
  });

  test("comes for a zero-length OUT too, which is otherwise ignored", async () => {
    client.write(submitOut(2, Buffer.alloc(0)));
    expect(await client.reply()).toMatchObject({ status: 0, actualLength: 0 });
    expect(bench.received).toEqual([]);
  });

  test("comes alike for an IN that is a multiple of the packet size: one transfer needs no zero-length packet", async () => {
    bench.bulkIn.queue.push(new Uint8Array(1024));
    client.write(submitIn(2, { length: 65_536 }));
    expect((await client.reply()).actualLength).toBe(1024);
    await client.read(1024);
  });

  test.each([0, 1, 5, 0x7fff_ffff, 0xffff_ffff])("ignores number_of_packets %i, which is garbage here", async (n) => {
    client.write(submitOut(2, Buffer.from("x"), { numberOfPackets: n }));
    expect((await client.reply()).status).toBe(0);
    client.write(getDeviceDescriptor(3));
    expect((await client.reply()).seqnum).toBe(3);
  });

  test("leaves with others of the same moment in one write", async () => {
    client.chunks.length = 0;
    client.write(getDeviceDescriptor(2), getDeviceDescriptor(3), submitOut(4, Buffer.from("x")));
    await client.read(66 + 66 + 48);
    expect(client.chunks).toEqual([180]);
  });
});

describe("A pending IN", () => {
  test("waits for data, without an empty or made-up answer, and blocks no other transfer", async () => {
    client.write(submitIn(2, { ep: 2, length: 64 }), getDeviceDescriptor(3));
    expect((await client.reply()).seqnum).toBe(3);
    await client.read(18);
    expect(await client.unread(100)).toBe(0);
    bench.interruptIn.queue.push(Uint8Array.of(7));
    expect(await client.reply()).toMatchObject({ seqnum: 2, status: 0, actualLength: 1 });
  });

  test("is answered in its turn when several wait on one endpoint", async () => {
    client.write(submitIn(2), submitIn(3), submitIn(4));
    await vi.waitFor(() => {
      bench.bulkIn.queue.push(Uint8Array.of(1));
      bench.bulkIn.queue.push(Uint8Array.of(2));
      bench.bulkIn.queue.push(Uint8Array.of(3));
    });
    for (const seqnum of [2, 3, 4]) {
      expect((await client.reply()).seqnum).toBe(seqnum);
      expect([...(await client.read(1))]).toEqual([seqnum - 1]);
    }
  });

  test("is not overtaken by one that comes together with what answers both", async () => {
    Object.assign(bench.bulkOut, {
      receive: ([...packets]: Uint8Array) => {
        for (const packet of packets) bench.bulkIn.queue.push(Uint8Array.of(packet));
      },
    });
    client.write(submitIn(2), submitIn(3));
    expect(await client.unread()).toBe(0);
    client.write(submitOut(4, Uint8Array.of(1, 2, 3)), submitIn(5));
    expect((await client.reply()).seqnum).toBe(4);
    for (const [seqnum, packet] of [
      [2, 1],
      [3, 2],
      [5, 3],
    ]) {
      expect((await client.reply()).seqnum).toBe(seqnum);
      expect([...(await client.read(1))]).toEqual([packet]);
    }
  });
});

describe("CMD_UNLINK", () => {
  test("of a pending transfer is answered with -ECONNRESET, and no RET_SUBMIT ever comes", async () => {
    client.write(submitIn(2), cmdUnlink(3, 2));
    const reply = await client.reply();
    expect(reply).toMatchObject({ command: RET_UNLINK, seqnum: 3, status: ECONNRESET });
    expect(reply.header.toString("hex", 8)).toBe(`${"00".repeat(12)}ffffff98${"00".repeat(24)}`);
    bench.bulkIn.queue.push(Uint8Array.of(1));
    expect(await client.unread(50)).toBe(0);
  });

  test("loses no data: what comes next goes to the next transfer", async () => {
    client.write(submitIn(2), submitIn(3), cmdUnlink(4, 2));
    expect((await client.reply()).command).toBe(RET_UNLINK);
    bench.bulkIn.queue.push(Uint8Array.of(1));
    expect((await client.reply()).seqnum).toBe(3);
    expect([...(await client.read(1))]).toEqual([1]);
  });

  test("cancels one transfer and not the endpoint's or device's others", async () => {
    client.write(submitIn(2), submitIn(3, { ep: 2 }), submitIn(4), cmdUnlink(5, 2));
    expect((await client.reply()).seqnum).toBe(5);
    bench.interruptIn.queue.push(Uint8Array.of(1));
    bench.bulkIn.queue.push(Uint8Array.of(2));
    expect((await client.reply()).seqnum).toBe(3);
    await client.read(1);
    expect((await client.reply()).seqnum).toBe(4);
  });

  test("of a transfer that was answered before has status 0", async () => {
    client.write(getDeviceDescriptor(2));
    await client.read(66);
    client.write(cmdUnlink(3, 2));
    expect(await client.reply()).toMatchObject({ command: RET_UNLINK, seqnum: 3, status: 0 });
  });

  test("that crosses with the completion gets the RET_SUBMIT first and then status 0: the data is not lost", async () => {
    bench.bulkIn.queue.push(Buffer.from("data"));
    client.write(submitIn(2), cmdUnlink(3, 2));
    expect(await client.reply()).toMatchObject({ command: RET_SUBMIT, seqnum: 2, status: 0, actualLength: 4 });
    expect((await client.read(4)).toString()).toBe("data");
    expect(await client.reply()).toMatchObject({ command: RET_UNLINK, seqnum: 3, status: 0 });
  });

  test("that crosses with a stall gets that stall first and then status 0", async () => {
    client.write(submitIn(2, { ep: 7 }), cmdUnlink(3, 2));
    expect(await client.reply()).toMatchObject({ command: RET_SUBMIT, seqnum: 2, status: EPIPE });
    expect(await client.reply()).toMatchObject({ command: RET_UNLINK, seqnum: 3, status: 0 });
  });

  test("of an OUT finds it done: the data has arrived", async () => {
    client.write(submitOut(2, Buffer.from("x")), cmdUnlink(3, 2));
    expect(await client.reply()).toMatchObject({ command: RET_SUBMIT, seqnum: 2, actualLength: 1 });
    expect(await client.reply()).toMatchObject({ command: RET_UNLINK, seqnum: 3, status: 0 });
    expect(bench.received).toHaveLength(1);
  });

  test("of a seqnum never seen, of itself, and twice of the same one has status 0", async () => {
    client.write(cmdUnlink(2, 999), cmdUnlink(3, 3), submitIn(4), cmdUnlink(5, 4), cmdUnlink(6, 4));
    const replies = await client.replies(4);
    expect(new Map(replies.map(({ seqnum, status }) => [seqnum, status]))).toEqual(
      new Map([
        [2, 0],
        [3, 0],
        [5, ECONNRESET],
        [6, 0],
      ]),
    );
    expect(replies.every(({ command }) => command === RET_UNLINK)).toBe(true);
  });

  test("may come for many at once, in any order", async () => {
    const seqnums = Array.from({ length: 100 }, (_, index) => index + 10);
    client.write(...seqnums.map((seqnum) => submitIn(seqnum)));
    client.write(...seqnums.toReversed().map((seqnum) => cmdUnlink(seqnum + 1000, seqnum)));
    const replies = await client.replies(seqnums.length);
    expect(replies.every(({ command, status }) => command === RET_UNLINK && status === ECONNRESET)).toBe(true);
    expect(new Set(replies.map(({ seqnum }) => seqnum))).toEqual(new Set(seqnums.map((seqnum) => seqnum + 1000)));
  });

  test("frees the seqnum for another transfer", async () => {
    client.write(submitIn(2), cmdUnlink(3, 2));
    await client.reply();
    client.write(submitIn(2));
    bench.bulkIn.queue.push(Uint8Array.of(1));
    expect(await client.reply()).toMatchObject({ command: RET_SUBMIT, seqnum: 2, status: 0 });
  });
});

describe("A stall", () => {
  test.each([
    ["an unknown control request", cmdSubmit({ seqnum: 2, direction: 1, length: 8, setup: setup(0xc0, 1, 0, 0, 8) })],
    ["an unknown string", cmdSubmit({ seqnum: 2, direction: 1, length: 255, setup: setup(0x80, 6, 0x03ee, 0, 18) })],
    ["an IN endpoint that is not there", submitIn(2, { ep: 7 })],
    ["an OUT endpoint that is not there", submitOut(2, Buffer.from("xyz"), { ep: 7 })],
    ["an endpoint used in the wrong direction", submitOut(2, Buffer.from("xyz"), { ep: 2 })],
    ["endpoint number 16", submitIn(2, { ep: 16 })],
    ["an endpoint number with the direction bit", submitIn(2, { ep: 0x81 })],
    ["endpoint number 2^32-1", submitOut(2, Buffer.from("xyz"), { ep: 0xffff_ffff })],
  ])("is -EPIPE with actual_length 0 and no data: %s", async (_name, request) => {
    client.write(request);
    expect(await client.reply()).toMatchObject({ command: RET_SUBMIT, seqnum: 2, status: EPIPE, actualLength: 0 });
    expect(await client.unread()).toBe(0);
    client.write(getDeviceDescriptor(3));
    expect(await client.reply()).toMatchObject({ seqnum: 3, status: 0 });
  });

  test("of endpoint 0 ends by itself; that of a data endpoint with CLEAR_FEATURE(ENDPOINT_HALT)", async () => {
    bench.fault = new UsbStall();
    client.write(submitOut(2, Buffer.from("a")));
    expect((await client.reply()).status).toBe(EPIPE);
    bench.fault = undefined;
    client.write(submitOut(3, Buffer.from("b")));
    expect((await client.reply()).status).toBe(EPIPE);
    client.write(cmdSubmit({ seqnum: 4, setup: setup(0x02, 1, 0, 0x01) }), submitOut(5, Buffer.from("c")));
    expect([(await client.reply()).status, (await client.reply()).status]).toEqual([0, 0]);
    expect(bench.received.map((data) => Buffer.from(data).toString())).toEqual(["c"]);
  });

  test("is also what a fault of ours looks like to the host; it is logged with its stack, and the device goes on", async () => {
    bench.fault = new Error("a bug of ours");
    client.write(submitOut(2, Buffer.from("a")));
    expect(await client.reply()).toMatchObject({ status: EPIPE, actualLength: 0 });
    expect(server.log.join("\n")).toMatch(/error a transfer to endpoint 1 failed: Error: a bug of ours\n\s+at /);
    bench.fault = undefined;
    client.write(submitOut(3, Buffer.from("b")));
    expect((await client.reply()).status).toBe(0);
  });
});

test("What a device keeps of an OUT does not change when the socket reads on", async () => {
  client.write(submitOut(2, Buffer.alloc(64, "a")));
  await client.reply();
  for (let seqnum = 3; seqnum < 50; seqnum++) {
    client.write(submitOut(seqnum, Buffer.alloc(64, "b")));
    await client.reply();
  }
  expect(Buffer.from(bench.received[0] as Uint8Array).toString()).toBe("a".repeat(64));
  expect(bench.received[0]?.buffer.byteLength).toBe(64);
});

test("The example of the kernel's documentation is understood: interrupt IN and OUT of 64 bytes on endpoint 1", async () => {
  const header = (seqnum: string, direction: string, flags: string) =>
    Buffer.from(
      `00000001${seqnum}00010002${direction}00000001${flags}00000040ffffffff000000000000000400000000${"00000000"}`,
      "hex",
    );
  const payload = Buffer.from(`ffffffff860008a784ce5ae2123763${"00".repeat(49)}`, "hex");
  client.write(header("00000d05", "00000001", "00000200"), header("00000d06", "00000000", "00000000"), payload);
  const out = await client.reply();
  expect(out.header.toString("hex", 0, 28)).toBe(`0000000300000d06${"00".repeat(16)}00000040`);
  bench.bulkIn.queue.push(payload);
  const reply = await client.reply();
  expect(reply.header.toString("hex", 0, 28)).toBe(`0000000300000d05${"00".repeat(16)}00000040`);
  expect(await client.read(64)).toEqual(payload);
});
