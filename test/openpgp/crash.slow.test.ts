// A crash in the middle of a command that writes several records: the card is as before it, or as after it.
import { join } from "node:path";
import { expect, it } from "vitest";
import type { FileKeyStore } from "../../keystore/file-keystore.ts";
import type { Platform } from "../../src/platform.ts";
import { expectOldOrNew } from "../support/crash-sweep.ts";
import { Key, OpenPgpCard } from "../support/openpgp-client.ts";
import { createTestPlatform } from "../support/platform.ts";
import { storeDirectory } from "../support/store-directory.ts";

const directory = storeDirectory();
const KDF = `8101038201088304000000208408${"30".repeat(8)}8720${"11".repeat(32)}8820${"33".repeat(32)}`;

async function open(store: FileKeyStore, ...verified: readonly (0x81 | 0x82 | 0x83)[]): Promise<OpenPgpCard<Platform>> {
  const card = new OpenPgpCard<Platform>({ ...createTestPlatform({ seed: "crash" }), store });
  await card.select();
  for (const reference of verified) {
    expect(await card.verify(reference, reference === 0x83 ? "12345678" : "123456")).toBe("9000");
  }
  return card;
}

/** A card with a signature key, which has signed, and a changed PW1. */
async function fill(store: FileKeyStore): Promise<void> {
  const card = await open(store, 0x81, 0x83);
  expect(await card.putData(0xc1, "162b06010401da470f01")).toBe("9000");
  await card.generate(Key.sig);
  await card.putData(0xc7, "11".repeat(20));
  await card.putData(0xce, "5f000000");
  await card.putData(0xd3, "3132333435363738");
  expect((await card.sign(Uint8Array.of(1))).sw).toBe("9000");
  expect((await card.send(0x24, 0x00, 0x81, "313233343536363534333231")).sw).toBe("9000");
}

/** Each with what is done before the command itself, on a card of its own, so that only the command is cut. */
const commands: readonly (readonly [string, (card: OpenPgpCard<Platform>) => Promise<unknown>])[] = [
  ["of attributes that delete a key", (card) => card.putData(0xc1, "132a8648ce3d030107")],
  ["of a key that is generated", (card) => card.generate(Key.sig)],
  ["of a key that is imported", (card) => card.importKey(Key.sig, [[0x92, new Uint8Array(32).fill(5)]])],
  ["of a key that is deleted", (card) => card.send(0xdb, 0x3f, 0xff, "4d02b600")],
  ["of a KDF-DO", (card) => card.putData(0xf9, KDF)],
  ["of PIN retries", (card) => card.send(0xf2, 0x00, 0x00, "050505")],
  ["of a resetting code", (card) => card.putData(0xd3, "3837363534333231")],
  ["of a new PW1 by PW3", (card) => card.send(0x2c, 0x02, 0x81, "313233343536")],
  ["of TERMINATE DF", (card) => card.send(0xe6, 0x00, 0x00)],
];

it.each(commands)("%s", async (name, command) => {
  let card: OpenPgpCard<Platform> | undefined;
  const prepare = async (store: FileKeyStore) => {
    await fill(store);
    card = await open(store, 0x83);
  };
  await expectOldOrNew(join(directory, name.replaceAll(" ", "-")), prepare, async () => {
    await command(card as OpenPgpCard<Platform>);
  });
});

it("of ACTIVATE FILE", async () => {
  const terminate = async (store: FileKeyStore) => {
    await fill(store);
    expect((await (await open(store, 0x83)).send(0xe6, 0x00, 0x00)).sw).toBe("9000");
  };
  await expectOldOrNew(join(directory, "activate"), terminate, async (store) => {
    const card = new OpenPgpCard({ ...createTestPlatform(), store });
    expect((await card.send(0xa4, 0x04, 0x00, "d27600012401")).sw).toBe("6285");
    await card.expect(0x44, 0x00, 0x00);
  });
});

it("of an attestation for which the card makes its attestation key", async () => {
  let card: OpenPgpCard<Platform> | undefined;
  const prepare = async (store: FileKeyStore) => {
    card = await open(store, 0x82, 0x83);
    await card.putData(0xc1, "162b06010401da470f01");
    await card.generate(Key.sig);
  };
  await expectOldOrNew(join(directory, "attest"), prepare, async () => {
    await card?.expect(0xfb, 0x01, 0x00, "", { cla: 0x80 });
  });
});
