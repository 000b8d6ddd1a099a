// Whatever a client sends: an answer that YKOATH knows, and no change unless that answer is 9000.
import { expect, it } from "vitest";
import { codeOf, createSelectedCard, encodePut } from "./rig.ts";

const INSTRUCTIONS = [0x01, 0x02, 0x03, 0x05, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xb1];
const WORDS = new Set(["9000", "6984", "6982", "6985", "6a80", "6a82", "6b00", "6d00", "6300"]);

/** Mulberry32: the same numbers in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

it("5,000 commands cut, stretched and turned at random", async () => {
  const card = await createSelectedCard();
  const sketches = [{ name: "a" }, { name: "b", kind: 0x11 }, { name: "c", properties: 3 }, { name: "d", kind: 0x31 }];
  for (const sketch of sketches) await card.send(0x01, encodePut(sketch));
  const name = Buffer.from("710161", "hex");
  const bodies = [
    ...sketches.map(encodePut),
    name,
    Buffer.concat([name, Buffer.from("71027a7a", "hex")]),
    Buffer.concat([name, Buffer.from("74080000000000000001", "hex")]),
    Buffer.from("710164750400000000", "hex"),
    Buffer.from("7300", "hex"),
    Buffer.from(`7311${"21".repeat(17)}74081122334455667788${`7514${"00".repeat(20)}`}`, "hex"),
    new Uint8Array(0),
  ];
  const pick = random(7);
  const seen = new Set<string>();
  for (let times = 0; times < 5000; times++) {
    const body = Buffer.from(bodies[pick(bodies.length)] ?? []);
    for (let turns = pick(3); turns > 0 && body.length > 0; turns--) body[pick(body.length)] = pick(256);
    const cut = Buffer.concat([
      body.subarray(0, pick(2) === 0 ? body.length : pick(body.length + 1)),
      Buffer.alloc(pick(8) === 0 ? 1 : 0),
    ]);
    const ins = INSTRUCTIONS[pick(INSTRUCTIONS.length)] ?? 0;
    const before = card.platform.store.snapshot();
    const { sw } = await card.send(ins, cut.length > 0 ? cut : undefined, { p1: pick(16) === 0 ? 1 : 0, p2: pick(3) });
    seen.add(sw);
    if (!WORDS.has(sw)) expect.fail(`${ins.toString(16)} ${cut.toString("hex")}: ${sw}`);
    if (sw !== "9000") expect(card.platform.store.snapshot()).toEqual(before);
  }
  expect(seen.size).toBeGreaterThanOrEqual(6);
  expect(card.platform.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  await card.send(0x01, encodePut({ name: "last" }));
  expect(await codeOf(card, "last", 1)).toBe("287082");
});
