import { describe, expect, test } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { FrameSplitter, type Framing } from "../../src/usbip/frame-splitter.ts";

/** Two bytes, the second of which is the length of what follows. */
const framing: Framing = {
  headLength: 2,
  frameLength: (head) => {
    if (head[0] === 0xff) throw new RangeError("refused");
    return 2 + (head[1] ?? 0);
  },
};

const frames = [0, 5, 1, 0, 0, 40, 3].map((length, index) =>
  Uint8Array.of(index, length, ...new Array(length).fill(7)),
);
const stream = concat(...frames);

function split(chunks: Iterable<Uint8Array>): Uint8Array[] {
  const splitter = new FrameSplitter();
  const found: Uint8Array[] = [];
  for (const chunk of chunks) {
    splitter.feed(chunk);
    for (let frame = splitter.next(framing); frame !== undefined; frame = splitter.next(framing)) {
      found.push(frame.slice());
    }
  }
  return found;
}

function* cut(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("A frame splitter", () => {
  test("finds the same frames whatever the chunks", () => {
    for (let size = 1; size <= stream.length; size++) expect(split(cut(stream, size))).toEqual(frames);
  });

  test("finds the same frames when one chunk ends anywhere", () => {
    for (let at = 0; at <= stream.length; at++) {
      expect(split([stream.subarray(0, at), stream.subarray(at)])).toEqual(frames);
    }
  });

  test("takes more while frames of the chunk before are still to be had", () => {
    const splitter = new FrameSplitter();
    splitter.feed(stream.subarray(0, 10));
    expect(splitter.next(framing)).toEqual(frames[0]);
    splitter.feed(stream.subarray(10));
    for (const frame of frames.slice(1)) expect(splitter.next(framing)).toEqual(frame);
    expect(splitter.next(framing)).toBeUndefined();
  });

  test("follows a change of framing from one frame to the next", () => {
    const splitter = new FrameSplitter();
    splitter.feed(Uint8Array.of(0, 1, 9, 1, 2, 3));
    expect(splitter.next(framing)).toEqual(Uint8Array.of(0, 1, 9));
    expect(splitter.next({ headLength: 3, frameLength: () => 3 })).toEqual(Uint8Array.of(1, 2, 3));
  });

  test("gives frames whose slice is a copy, even of a Buffer", () => {
    const chunk = Buffer.from([0, 1, 9]);
    const splitter = new FrameSplitter();
    splitter.feed(chunk);
    const kept = splitter.next(framing)?.slice();
    chunk.fill(0);
    expect(kept).toEqual(Uint8Array.of(0, 1, 9));
  });

  test("throws what the framing refuses, whole or in pieces", () => {
    expect(() => split([Uint8Array.of(0xff, 0)])).toThrow("refused");
    expect(() => split([Uint8Array.of(0xff), Uint8Array.of(0)])).toThrow("refused");
  });

  test("takes a large frame that comes byte by byte in linear time", () => {
    const length = 1 << 20;
    const large: Framing = { headLength: 2, frameLength: () => length };
    const splitter = new FrameSplitter();
    const byte = Uint8Array.of(1);
    const started = performance.now();
    for (let count = 1; count < length; count++) {
      splitter.feed(byte);
      if (splitter.next(large) !== undefined) throw new Error(`a frame after ${count} bytes`);
    }
    splitter.feed(byte);
    expect(splitter.next(large)).toHaveLength(length);
    expect(performance.now() - started).toBeLessThan(3_000);
  });
});
