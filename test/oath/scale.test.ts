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

/** Milliseconds of processor time for one run: what else the machine does is not in it. */
async function timed(times: number, run: () => Promise<unknown>): Promise<number> {
  const begun = process.cpuUsage();
  for (let time = 0; time < times; time++) await run();
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000 / times;
}

/** The least of several rounds, in which the small and the large one take turns. */
async function leastOf(
  small: readonly [times: number, run: () => Promise<unknown>],
  large: readonly [times: number, run: () => Promise<unknown>],
): Promise<{ readonly small: number; readonly large: number }> {
  const least = { small: Number.POSITIVE_INFINITY, large: Number.POSITIVE_INFINITY };
  for (let round = 0; round < 8; round++) {
    least.small = Math.min(least.small, await timed(...small));
    least.large = Math.min(least.large, await timed(...large));
  }
  return least;
}

it("CALCULATE ALL is linear, and a lookup constant", async () => {
  const [hundred, thousand] = [await filled(100), await filled(1000)];
  const all = async (card: OathCard) => {
    const { data, sw } = await card.send(0xa4, challenge, { p2: 1 });
    expect(sw).toBe("9000");
    return parseTlvs(data);
  };
  expect((await all(thousand)).filter(({ tag }) => tag === 0x76)).toHaveLength(1000);
  const whole = await leastOf([20, () => all(hundred)], [2, () => all(thousand)]);
  expect(whole.large / whole.small).toBeLessThan(25);
  const one = await leastOf(
    [100, () => codeOf(hundred, "Example99:user@example.org", 1)],
    [100, () => codeOf(thousand, "Example999:user@example.org", 1)],
  );
  expect(one.large / one.small).toBeLessThan(3);
});
