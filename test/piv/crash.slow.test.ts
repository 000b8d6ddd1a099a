// A crash in the middle of a command that writes several records: the store is as before it, or as after it.
import { join } from "node:path";
import { it } from "vitest";
import type { FileKeyStore } from "../../keystore/file-keystore.ts";
import { expectOldOrNew } from "../support/crash-sweep.ts";
import { Algorithm, DEFAULT_PUK, type PivClient, statusOf } from "../support/piv-client.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { createPivRig, createSelectedPiv } from "./rig.ts";

const directory = storeDirectory();

/** Runs `use` on a card that has the store, selected and authenticated. */
function on(use: (client: PivClient) => Promise<unknown>): (store: FileKeyStore) => Promise<void> {
  return async (store) => {
    const { client } = await createSelectedPiv({ store });
    await client.verifyPin();
    await client.authenticate();
    await use(client);
  };
}

const nothing = async () => {};

it("of the first selection, which makes the attestation key", async () => {
  await expectOldOrNew(join(directory, "first"), nothing, async (store) => {
    await createPivRig({ store }).client.select();
  });
});

it("of moving a key, and of replacing one", async () => {
  const generate = on((client) => client.generate(0x9a, Algorithm.P256));
  await expectOldOrNew(join(directory, "move"), generate, async (store) => {
    const { client } = await createSelectedPiv({ store });
    await client.authenticate();
    await client.moveKey(0x9a, 0x82);
  });
  await expectOldOrNew(join(directory, "replace"), generate, async (store) => {
    const { client } = await createSelectedPiv({ store });
    await client.authenticate();
    await client.generate(0x9a, Algorithm.ED25519);
  });
});

it("of a new management key, and of a data object", async () => {
  await expectOldOrNew(join(directory, "key"), on(nothing), async (store) => {
    const { client } = await createSelectedPiv({ store });
    await client.authenticate();
    await client.setManagementKey(Algorithm.AES256, new Uint8Array(32).fill(7));
  });
  await expectOldOrNew(join(directory, "object"), on(nothing), async (store) => {
    const { client } = await createSelectedPiv({ store });
    await client.authenticate();
    await client.putObject(0x5fc102, new Uint8Array(100).fill(7));
  });
});

it("of a reset, once both PINs are blocked", async () => {
  const fill = on(async (client) => {
    await client.generate(0x9a, Algorithm.P256);
    await client.putObject(0x5fc102, new Uint8Array(10));
    await client.setManagementKey(Algorithm.AES256, new Uint8Array(32).fill(7));
    for (let i = 0; i < 3; i++) await statusOf(client.verifyPin("000000"));
    for (let i = 0; i < 3; i++) await statusOf(client.unblockPin("000000", "123456"));
  });
  await expectOldOrNew(join(directory, "reset"), fill, async (store) => {
    const { client } = await createSelectedPiv({ store });
    await client.send(0xfb, 0x00, 0x00);
  });
});

it("of new numbers of tries, which come with the PIN and the PUK as delivered", async () => {
  // What is swept is the one commit of the command; the PIN is given, and its try is back, before.
  const prepare = on((client) => client.changePuk(DEFAULT_PUK, "87654321"));
  const path = join(directory, "tries");
  await expectOldOrNew(path, prepare, async (store) => {
    const { client } = await createSelectedPiv({ store });
    await client.authenticate();
    const commit = store.commit.bind(store);
    store.commit = async () => {}; // the try that VERIFY spends and gives back
    await client.verifyPin();
    store.commit = commit;
    await client.setPinRetries(9, 7);
  });
});
