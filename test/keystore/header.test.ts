// What a header may ask of whoever opens it, which is before anything in it is known to be authentic.
import { describe, expect, it } from "vitest";
import { createSlot, encodeHeader, parseHeader, type Slot, unlockHeader } from "../../keystore/header.ts";
import { FileKeys, type Secret } from "../../keystore/keys.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { quickScrypt } from "../support/store-directory.ts";

const secret: Secret = { kind: "passphrase", passphrase: "correct horse" };
const dataKey = new Uint8Array(32).fill(1);
const storeId = new Uint8Array(16).fill(2);
const generation = new Uint8Array(16).fill(3);

function headerOf(slots: readonly Slot[]): Uint8Array {
  return encodeHeader({ storeId, generation, slots }, new FileKeys(dataKey, storeId, generation));
}

describe("a header", () => {
  it("has one to eight slots, each of which may cost a passphrase's work", async () => {
    const slot = await createSlot(secret, dataKey, storeId, quickScrypt);
    const eight = parseHeader(headerOf(Array(8).fill(slot)), "store");
    expect(toHex(await unlockHeader(eight, secret, "store"))).toBe(toHex(dataKey));
    expect(() => parseHeader(headerOf(Array(9).fill(slot)), "store")).toThrow("the header of store is damaged");
    expect(() => parseHeader(headerOf([]), "store")).toThrow("the header of store is damaged");
  });

  it("is not given more than 1 GiB to derive a key with", async () => {
    const { parameters, seal } = await createSlot(secret, dataKey, storeId, quickScrypt);
    const greedy = { parameters: { ...parameters, log2N: 24, r: 8, p: 1 }, seal }; // 16 GiB
    const header = parseHeader(headerOf([greedy]), "store");
    await expect(unlockHeader(header, secret, "store")).rejects.toThrow("this passphrase does not unlock store");
  });
});
