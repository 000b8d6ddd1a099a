// 10,000 random frames from clients that know half the protocol, while another client works on. The seed is fixed:
// a failure can be run again.
import { describe, expect, test } from "vitest";
import { type BenchServer, connectRaw, importRaw, startServer } from "./bench-server.ts";
import {
  cmdSubmit,
  cmdUnlink,
  devlistRequest,
  FIRST_DEVID,
  getDeviceDescriptor,
  importRequest,
  RawClient,
  setup,
} from "./raw-client.ts";

const FRAMES = 10_000;
const SECOND_DEVID = FIRST_DEVID + 1;

/** xorshift32 */
function createRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

type Random = ReturnType<typeof createRandom>;

const randomBytes = (random: Random, length: number) => Buffer.from(Array.from({ length }, () => random(256)));
const pick = <T>(random: Random, from: readonly T[]) => from[random(from.length)] as T;

/** Mostly a request that could be meant, with fields that are off; sometimes noise; sometimes cut short or too long. */
function randomFrame(random: Random, seqnum: number): Buffer {
  const data = randomBytes(random, pick(random, [0, 0, 1, 7, 64, 512, 3000]));
  const request = {
    seqnum: pick(random, [seqnum, seqnum, seqnum, seqnum - 1, random(0xffff_ffff)]),
    devid: pick(random, [FIRST_DEVID, FIRST_DEVID, FIRST_DEVID, FIRST_DEVID, SECOND_DEVID]),
    direction: pick(random, [0, 1, 1, 1, 2]),
    ep: pick(random, [0, 0, 0, 1, 1, 2, 3, 15, 16, 0x81, 0xffff_ffff]),
    command: pick(random, [1, 1, 1, 1, 1, 1, 1, 1, 2, 3]),
    numberOfPackets: random(0xffff_ffff),
    setup: setup(
      pick(random, [0x80, 0x81, 0x82, 0x00, 0x01, 0x02, 0x21, 0xa1, 0x23, 0xc0, random(256)]),
      random(14),
      random(0x10000),
      random(4),
      pick(random, [data.length, 0, 18, 255, 0xffff]),
    ),
    data,
  };
  const frame = pick(random, [
    () => cmdSubmit(request),
    () => cmdSubmit({ ...request, direction: 1, data: Buffer.alloc(0), length: pick(random, [0, 64, 512, 65_536]) }),
    () => cmdSubmit({ ...request, length: random(5000) }),
    () => cmdUnlink(seqnum, Math.max(seqnum - random(20), 0)),
    () => cmdSubmit({ ...request, length: random(0xffff_ffff) }),
    () => devlistRequest(),
    () => importRequest(pick(random, ["1-1", "1-2", "1-9"])),
    () => randomBytes(random, 48),
  ])();
  return random(50) === 0 ? frame.subarray(0, random(frame.length)) : frame;
}

/** A well-behaved host on the second device, from the first frame to the last. */
async function work({ port, benches }: BenchServer, isOver: () => boolean): Promise<number> {
  const client = await importRaw(port, "1-2");
  client.write(cmdSubmit({ seqnum: 1, devid: SECOND_DEVID, setup: setup(0, 9, 1) }));
  await client.reply();
  let seqnum = 2;
  for (; !isOver(); seqnum += 3) {
    client.write(getDeviceDescriptor(seqnum, 18, SECOND_DEVID));
    expect(await client.reply()).toMatchObject({ seqnum, status: 0, actualLength: 18 });
    await client.read(18);
    client.write(cmdSubmit({ seqnum: seqnum + 1, devid: SECOND_DEVID, ep: 1, data: Buffer.from("ping") }));
    expect(await client.reply()).toMatchObject({ seqnum: seqnum + 1, status: 0, actualLength: 4 });
    benches[1]?.received.splice(0);
    client.write(cmdSubmit({ seqnum: seqnum + 2, devid: SECOND_DEVID, direction: 1, ep: 1, length: 64 }));
    benches[1]?.bulkIn.queue.push(Buffer.from("pong"));
    expect(await client.reply()).toMatchObject({ seqnum: seqnum + 2, status: 0, actualLength: 4 });
    await client.read(4);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return seqnum;
}

describe("10,000 random frames", () => {
  test("harm nobody but who sends them, and leave nothing behind", async () => {
    const server = await startServer({}, 2);
    const random = createRandom(0x1a7c_4e11);
    let isOver = false;
    const worker = work(server, () => isOver);
    const connections = { opened: 0, imported: 0 };
    let heapAtHalf = 0;
    for (let sent = 0; sent < FRAMES; ) {
      const client = await RawClient.connect(server.port);
      client.socket.resume();
      connections.opened++;
      if (random(4) > 0) {
        client.write(importRequest("1-1"));
        await client.read(8);
        connections.imported++;
      }
      for (let left = 1 + random(10); left > 0 && !client.socket.destroyed && sent < FRAMES; left--) {
        const frames = Array.from({ length: 1 + random(4) }, () => randomFrame(random, sent++));
        client.write(...frames);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await client.close();
      server.benches[0]?.received.splice(0);
      server.benches[0]?.requests.splice(0);
      if (heapAtHalf === 0 && sent > FRAMES / 2) heapAtHalf = process.memoryUsage().heapUsed;
    }
    isOver = true;
    expect(await worker).toBeGreaterThan(100);
    expect(connections.imported).toBeGreaterThan(100);
    expect(process.memoryUsage().heapUsed - heapAtHalf).toBeLessThan(50_000_000);

    const faults = server.log.filter((line) => / error /.test(line));
    expect(faults).toEqual([]);
    const client = await connectRaw(server.port);
    client.write(devlistRequest());
    expect((await client.read(12)).readUInt32BE(8)).toBe(2);
    const again = await importRaw(server.port);
    again.write(getDeviceDescriptor(1));
    expect((await again.reply()).actualLength).toBe(18);
  }, 20_000);
});
