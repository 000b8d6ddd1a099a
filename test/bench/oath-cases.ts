// OATH: what an authenticator program waits for when it shows all codes. YKOATH, CALCULATE ALL
import { concat } from "../../src/bytes/concat.ts";
import { encodeTlv, parseTlvs } from "../../src/iso7816/tlv.ts";
import { type BenchCard, nothing } from "./card.ts";
import type { Case } from "./measure.ts";

const AID = "a0000005272101";
/** RFC 6238 appendix B: the step of second 59, whose code is 94287082 in eight digits. */
const CHALLENGE = Buffer.from("0000000000000001", "hex");
const SECRET = Buffer.from("12345678901234567890");
const CODE = "41397eea";
const MORE = 0x61;

export function oathCases(card: BenchCard): Case[] {
  /** An answer with what SEND REMAINING has to be asked for. */
  const whole = async (ins: number, p2: number, data: Uint8Array) => {
    const parts: Uint8Array[] = [];
    let response = await card.exchange({ ins, p2, data });
    for (; response.at(-2) === MORE; response = await card.exchange({ ins: 0xa5 }))
      parts.push(response.subarray(0, -2));
    if (response.at(-2) !== 0x90) throw new Error("CALCULATE ALL was refused");
    return concat(...parts, response.subarray(0, -2));
  };
  const fill = async (accounts: number) => {
    await card.select(AID);
    await card.send({ ins: 0x04, p1: 0xde, p2: 0xad });
    for (let number = 0; number < accounts; number++) {
      const name = encodeTlv(0x71, Buffer.from(`Bench${number}:user@example.org`));
      await card.send({ ins: 0x01, data: concat(name, encodeTlv(0x73, Uint8Array.of(0x21, 6), SECRET)) });
    }
  };
  return [
    { name: "oath.select", run: () => card.select(AID).then(nothing) },
    ...[1, 10, 32, 100, 1000].map((accounts) => ({
      name: `oath.calculateAll.${accounts}`,
      rounds: accounts > 100 ? 20 : 200,
      prepare: () => fill(accounts),
      run: async () => {
        const data = await whole(0xa4, 1, encodeTlv(0x74, CHALLENGE));
        return () => {
          const right = parseTlvs(data).filter(({ tag, value }) => tag === 0x76 && isRight(value));
          if (right.length !== accounts) throw new Error(`${right.length} right codes of ${accounts}`);
        };
      },
    })),
  ];
}

function isRight(value: Uint8Array): boolean {
  return Buffer.from(value.subarray(1)).toString("hex") === CODE;
}
