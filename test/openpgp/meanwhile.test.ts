// What happens to the card while a command waits, for a touch or for a key: the command goes by what is so afterwards.
import { expect, test } from "vitest";
import { Key, openCard } from "../support/openpgp-client.ts";
import { createTestPlatform } from "../support/platform.ts";

const ED25519 = "162b06010401da470f01";

/** A presence that runs `during` before it grants the touch. */
async function openWaitingCard(during: () => Promise<void> | void) {
  const platform = createTestPlatform();
  const card = await openCard({ platform, verified: [0x81, 0x82, 0x83] });
  for (const [tag, key] of [
    [0xc1, Key.sig],
    [0xc3, Key.aut],
  ] as const) {
    await card.putData(tag, ED25519);
    await card.generate(key);
  }
  for (const tag of [0xd6, 0xd7, 0xd8, 0xd9]) expect(await card.putData(tag, "0120")).toBe("9000");
  platform.presence.request = async () => {
    await during();
    return "granted";
  };
  return card;
}

test("A card that its owner resets while it waits for the touch signs nothing", async () => {
  const card = await openWaitingCard(() => card.applet.reset());
  expect((await card.sign(Uint8Array.of(1))).sw).toBe("6982");
  expect([...card.platform.store.keys("openpgp/")]).toEqual([]);
});

test("Nor does it authenticate, decipher or attest", async () => {
  const authenticating = await openWaitingCard(() => authenticating.applet.reset());
  expect((await authenticating.authenticate(Uint8Array.of(1))).sw).toBe("6982");
  const deciphering = await openWaitingCard(() => deciphering.applet.reset());
  await deciphering.putData(0xd5, "00".repeat(16));
  expect((await deciphering.decipher(new Uint8Array(17).fill(2))).sw).toBe("6982");
  const attesting = await openWaitingCard(() => attesting.applet.reset());
  expect((await attesting.send(0xfb, 0x01, 0x00, "", { cla: 0x80 })).sw).toBe("6982");
  expect([...attesting.platform.store.keys("openpgp/")]).toEqual([]);
});

test("A card that loses its power while it waits has verified nobody", async () => {
  const card = await openWaitingCard(() => card.applet.deselect());
  expect((await card.sign(Uint8Array.of(1))).sw).toBe("6982");
});

test("A card that is reset while it makes a key has none afterwards", async () => {
  const card = await openCard({ verified: [0x83] });
  const generating = card.send(0x47, 0x80, 0x00, Key.sig); // RSA 2048
  await new Promise((resolve) => setTimeout(resolve, 5));
  await card.applet.reset();
  expect((await generating).sw).toBe("6982");
  expect([...card.platform.store.keys("openpgp/")]).toEqual([]);
});
