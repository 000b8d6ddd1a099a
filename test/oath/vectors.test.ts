// The RFCs' own vectors, through the card.
import { describe, expect, it } from "vitest";
import { readVectors } from "../support/vectors.ts";
import { codeOf, createSelectedCard, encodePut } from "./rig.ts";

interface Vector {
  readonly algorithm: number;
  readonly secret: string;
  readonly digits: number;
  readonly code: string;
  readonly counter?: number;
  readonly time?: number;
}

const { hotp, totp } = readVectors<Record<"hotp" | "totp", { source: string; vectors: readonly Vector[] }>>("oath");

describe(hotp.source, () => {
  it.each(hotp.vectors)("counter $counter: $code", async ({ algorithm, secret, digits, code, counter = 0 }) => {
    const card = await createSelectedCard();
    const account = { name: "a", kind: 0x10 | algorithm, digits, secret: Buffer.from(secret, "hex"), counter };
    expect((await card.send(0x01, encodePut(account))).sw).toBe("9000");
    expect(await codeOf(card, "a", 0)).toBe(code);
  });
});

describe(totp.source, () => {
  it.each(totp.vectors)("algorithm $algorithm at $time: $code", async (vector) => {
    const { algorithm, secret, digits, code, time = 0 } = vector;
    const card = await createSelectedCard();
    const account = { name: "a", kind: 0x20 | algorithm, digits, secret: Buffer.from(secret, "hex") };
    expect((await card.send(0x01, encodePut(account))).sw).toBe("9000");
    expect(await codeOf(card, "a", Math.floor(time / 30))).toBe(code);
  });
});
