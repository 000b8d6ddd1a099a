import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CborError,
  type CborMap,
  type CborValue,
  decodeCbor,
  decodeCborMap,
  encodeCbor,
  sliceCborMember,
} from "../src/cbor.ts";
import { readVectors } from "./support/vectors.ts";

const vectors = readVectors<{ canonical: [string, CborValue][]; refused: [string, string][] }>("cbor");

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const unhex = (text: string) => Buffer.from(text, "hex");

describe("Known values", () => {
  test.each(vectors.canonical)("%s is encoded and decoded", (encoded, value) => {
    expect(hex(encodeCbor(value))).toBe(encoded);
    expect(decodeCbor(unhex(encoded))).toEqual(value);
  });

  test.each([
    ["1a00010000", 65_536],
    ["1affffffff", 2 ** 32 - 1],
    ["3affffffff", -(2 ** 32)],
  ])("%s, a 32-bit integer, is a number", (encoded, value) => {
    expect(hex(encodeCbor(value))).toBe(encoded);
    expect(hex(encodeCbor(BigInt(value)))).toBe(encoded);
    expect(decodeCbor(unhex(encoded))).toBe(value);
  });

  test.each([
    ["1b0000000100000000", 2n ** 32n],
    ["1b001fffffffffffff", 2n ** 53n - 1n],
    ["1bffffffffffffffff", 2n ** 64n - 1n],
    ["3b0000000100000000", -(2n ** 32n) - 1n],
    ["3bfffffffffffffffe", 1n - 2n ** 64n],
  ])("%s, a 64-bit integer, is a bigint", (encoded, value) => {
    expect(hex(encodeCbor(value))).toBe(encoded);
    expect(decodeCbor(unhex(encoded))).toBe(value);
  });

  test("A number from 2^32 on is encoded as an integer, not as a float", () => {
    expect(hex(encodeCbor(2 ** 32))).toBe("1b0000000100000000");
    expect(hex(encodeCbor(-(2 ** 32) - 1))).toBe("3b0000000100000000");
  });

  test("Byte strings carry no tag", () => {
    expect(hex(encodeCbor(Uint8Array.of(1, 2, 3)))).toBe("43010203");
    expect(hex(encodeCbor(Buffer.alloc(256)))).toBe(`590100${"00".repeat(256)}`);
    expect(decodeCbor(unhex("43010203"))).toEqual(Buffer.of(1, 2, 3));
  });
});

describe("Maps", () => {
  test("are sorted by type, then length, then bytes", () => {
    const map = new Map<CborValue, CborValue>([
      ["aa", 0],
      ["b", 0],
      [-25, 0],
      ["a", 0],
      [-1, 0],
      [100, 0],
      [1, 0],
      ["é", 0],
      [24, 0],
    ]);
    expect([...decodeCborMap(encodeCbor(map)).keys()]).toEqual([1, 24, 100, -1, -25, "a", "b", "aa", "é"]);
  });

  test("are sorted inside arrays and maps too", () => {
    const inner: CborMap = new Map([
      ["type", "public-key"],
      ["id", "x"],
    ]);
    const map: CborMap = new Map([[1, [inner]]]);
    expect(hex(encodeCbor(map))).toBe(
      `a10181a2626964617864${Buffer.from("typej").toString("hex")}${Buffer.from("public-key").toString("hex")}`,
    );
  });

  test("leave out entries that are undefined", () => {
    const map: CborMap = new Map<CborValue, CborValue>([
      [1, undefined],
      [2, 0],
    ]);
    expect(hex(encodeCbor(map))).toBe("a10200");
  });

  test("keep byte strings and negative numbers as keys of a request that nobody asks for", () => {
    expect(decodeCborMap(unhex("a2200041010a")).size).toBe(2);
  });

  test("are what decodeCborMap insists on", () => {
    expect(() => decodeCborMap(unhex("80"))).toThrow(CborError);
    expect(() => decodeCborMap(unhex("f6"))).toThrow(CborError);
  });
});

describe("Floats and simple values that mean nothing", () => {
  test.each(["f90000", "f93c00", "f97e00", "fa47c35000", "fb3ff199999999999a", "e0", "f0", "f3", "f820", "f8ff"])(
    "%s is taken, and comes out as undefined wherever it stands",
    (encoded) => {
      expect(decodeCbor(unhex(encoded))).toBe(undefined);
      expect(decodeCbor(unhex(`a301${encoded}0282${encoded}1863034163`))).toEqual(
        new Map<number, CborValue>([
          [1, undefined],
          [2, [undefined, 99]],
          [3, Buffer.of(0x63)],
        ]),
      );
    },
  );

  test("are told from bytes that only look like them", () => {
    expect(decodeCbor(unhex("8243f93c00f93c00"))).toEqual([Buffer.of(0xf9, 0x3c, 0x00), undefined]);
  });
});

describe("A member's bytes", () => {
  const map = unhex("a3012a02a161610041038107");

  test.each([
    [1, "2a"],
    [2, "a1616100"],
    [3, ""],
  ])("under the key %i are as they stood in the map", (key, encoded) => {
    expect(hex(sliceCborMember(map, key))).toBe(encoded);
  });

  test("are only to be had from a canonical map", () => {
    for (const bytes of ["", "82012a", "a2012a", "a1011801"]) {
      expect(() => sliceCborMember(unhex(bytes), 2)).toThrow(CborError);
    }
  });
});

describe("What is not canonical is refused", () => {
  test.each(vectors.refused)("%s: %s", (encoded) => {
    expect(() => decodeCbor(unhex(encoded))).toThrow(CborError);
  });

  test("also deep inside a map", () => {
    expect(() => decodeCbor(unhex("a10182001800"))).toThrow(CborError);
    expect(() => decodeCbor(unhex("a101a1016161ff"))).toThrow(CborError);
  });

  test("Four levels pass", () => {
    expect(decodeCbor(unhex("8181818100"))).toEqual([[[[0]]]]);
  });

  test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2n ** 64n, -(2n ** 64n)])(
    "%s has no encoding",
    (value) => {
      expect(() => encodeCbor(value)).toThrow(CborError);
    },
  );

  test("undefined alone, or a key of another type, has no encoding", () => {
    expect(() => encodeCbor(undefined)).toThrow(CborError);
    expect(() => encodeCbor([undefined])).toThrow(CborError);
    expect(() => encodeCbor(new Map([[true, 1]]))).toThrow(CborError);
    expect(() => encodeCbor(new Map([[Uint8Array.of(1), 1]]))).toThrow(CborError);
  });
});

describe("For any input", () => {
  const key = fc.oneof(fc.integer(), fc.string({ unit: "grapheme", maxLength: 30 }));
  const leaf = fc.oneof(
    fc.integer(),
    fc.bigInt({ min: 2n ** 32n, max: 2n ** 64n - 1n }),
    fc.string({ unit: "grapheme", maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.boolean(),
    fc.constant(null),
  );
  const { value } = fc.letrec<{ value: CborValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc.array(tie("value"), { maxLength: 5 }),
      fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map((entries): CborValue => new Map(entries)),
    ),
  }));

  test("a value comes back from its encoding", () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(plain(decodeCbor(encodeCbor(original)))).toEqual(original);
      }),
    );
  });

  test("what is accepted is encoded to the same bytes again", () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.nat({ max: 255 }), (original, at, byte) => {
        const bytes = Uint8Array.from(encodeCbor(original));
        bytes[at % bytes.length] = byte;
        const decoded = decodeOrError(bytes);
        // A key that only a request may hold, or CBOR's undefined, cannot be encoded again.
        if (decoded instanceof CborError || !isEncodable(decoded)) return;
        expect(hex(encodeCbor(decoded))).toBe(hex(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  test("random bytes are decoded or refused, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void decodeOrError(bytes)),
      { numRuns: 5000 },
    );
  });

  /** Buffers as the Uint8Arrays that they are, which `toEqual` tells apart. */
  function plain(value: CborValue): CborValue {
    if (value instanceof Uint8Array) return Uint8Array.from(value);
    if (Array.isArray(value)) return value.map(plain);
    return value instanceof Map ? new Map([...value].map(([k, v]) => [plain(k), plain(v)])) : value;
  }

  function decodeOrError(bytes: Uint8Array): CborValue | CborError {
    try {
      return decodeCbor(bytes);
    } catch (error) {
      if (error instanceof CborError) return error;
      throw error;
    }
  }

  function isEncodable(candidate: CborValue): boolean {
    if (candidate === undefined) return false;
    if (Array.isArray(candidate)) return candidate.every(isEncodable);
    if (!(candidate instanceof Map)) return true;
    return [...candidate].every(([k, v]) => (typeof k === "number" || typeof k === "string") && isEncodable(v));
  }
});
