// What happens to the card while a command waits, for a touch or for a key: the command goes by what is so afterwards.
import { expect, test } from "vitest";
import { fromHex } from "../../src/bytes/hex.ts";
import { Algorithm, statusOf } from "../support/piv-client.ts";
import { createSelectedPiv, type PivRig } from "./rig.ts";

const digest = new Uint8Array(32).fill(7);

/** Its keys want a touch: slot 9A with the PIN, slot 9E without, the management key. `during` runs before one is granted. */
async function waitingRig(during: (rig: PivRig) => Promise<void> | void): Promise<PivRig> {
  const rig = await createSelectedPiv({ isPredictable: true });
  await rig.client.authenticate();
  await rig.client.verifyPin();
  for (const slot of [0x9a, 0x9e]) await rig.client.generate(slot, Algorithm.P256, { touch: 2 });
  await rig.client.setManagementKey(Algorithm.AES128, new Uint8Array(16).fill(9), 0xfe);
  rig.platform.presence.request = async () => {
    await during(rig);
    return "granted";
  };
  return rig;
}

test("An application that its owner resets while it waits for the touch uses no key", async () => {
  for (const slot of [0x9a, 0x9e]) {
    const { client, platform } = await waitingRig(({ applet }) => applet.reset());
    expect(await statusOf(client.sign(slot, Algorithm.P256, digest))).toBe(0x6982);
    expect([...platform.store.keys("piv/key/")]).toEqual(["piv/key/f9"]);
  }
});

test("Nor does the management key that was erased authenticate anybody", async () => {
  const mutual = await waitingRig(({ applet }) => applet.reset());
  expect(await mutual.send("0087089b047c028000")).toBe("6982");

  const external = await waitingRig(({ applet }) => applet.reset());
  expect(await external.send("0087089b047c028100")).toBe("7c1281100102030405060708090a0b0c0d0e0f109000");
  expect(await external.send("0087089b147c128210f8fa8d0fe415e95894f80b4f3b7210a4")).toBe("6982");
  expect(await external.send("00db3fff0a5c035fc10253030a0b0c")).toBe("6982");
});

test("A card that loses its power while it waits uses no key, though that asks for no PIN", async () => {
  for (const slot of [0x9a, 0x9e]) {
    const { client } = await waitingRig(({ applet }) => applet.deselect());
    expect(await statusOf(client.sign(slot, Algorithm.P256, digest))).toBe(0x6982);
  }
});

test("An application that is reset while it makes a key has none afterwards", async () => {
  const { applet, client, exchange, platform } = await createSelectedPiv();
  await client.authenticate();
  const generating = exchange(fromHex("0047009a05ac03800107"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  await applet.reset();
  expect(Buffer.from(await generating).toString("hex")).toBe("6982");
  expect([...platform.store.keys("piv/key/")]).toEqual(["piv/key/f9"]);
});
