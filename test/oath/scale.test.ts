// A thousand accounts: CALCULATE ALL takes as long for each as with a hundred, and finding one takes no longer at all.
import { expect, it } from "vitest";
import { encodeTlv, parseTlvs } from "../../src/iso7816/tlv.ts";
import { codeOf, createSelectedCard, encodePut, type OathCard } from "./rig.ts";

const challenge = encodeTlv(0x74, Buffer.from("0000000000000001", "hex"));

async function filled(count: number): Promise<OathCard> {
  const card = await createSelectedCard();
  for (let at = 0; at < count; at++) {
    await card.send(0x01, encodePut({ name: `Example${at}:user@example.org` }));
  }
  return card;
}

/** In milliseconds: the quickest of several, as others use the machine, too. */
async function quickest(times: number, run: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time++) {
    const start = performance.now();
    await run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

it("CALCULATE ALL is linear, and a lookup constant", async () => {
  const [hundred, thousand] = [await filled(100), await filled(1000)];
  const all = async (card: OathCard) => {
    const { data, sw } = await card.send(0xa4, challenge, { p2: 1 });
    expect(sw).toBe("9000");
    return parseTlvs(data);
  };
  expect((await all(thousand)).filter(({ tag }) => tag === 0x76)).toHaveLength(1000);
  const small = await quickest(30, () => all(hundred));
  const large = await quickest(10, () => all(thousand));
  expect(large / small).toBeLessThan(20);
  const near = await quickest(300, () => codeOf(hundred, "Example99:user@example.org", 1));
  const far = await quickest(300, () => codeOf(thousand, "Example999:user@example.org", 1));
  expect(far / near).toBeLessThan(3);
});
