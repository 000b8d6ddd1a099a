// A crash in the middle of a command that writes: the credentials are as before it, or as after it.
import { join } from "node:path";
import { expect, it } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import type { FileKeyStore } from "../../keystore/file-keystore.ts";
import { expectOldOrNew } from "../support/crash-sweep.ts";
import { Command, cborMap, makeCredentialParameters, send, sha256 } from "../support/fido-client.ts";
import { PinClient } from "../support/pin-client.ts";
import { createTestPlatform } from "../support/platform.ts";
import { storeDirectory } from "../support/store-directory.ts";

const directory = storeDirectory();

function open(store: FileKeyStore): Fido2Authenticator {
  return new Fido2Authenticator({ ...createTestPlatform(), store });
}

async function register(store: FileKeyStore, options: Readonly<Record<string, boolean>>): Promise<void> {
  const reply = await send(open(store), Command.MAKE_CREDENTIAL, makeCredentialParameters({ 7: cborMap(options) }));
  expect(reply.status).toBe(0);
}

it("of a registration that replaces a discoverable credential", async () => {
  const rk = (store: FileKeyStore) => register(store, { rk: true });
  await expectOldOrNew(join(directory, "replace"), rk, rk);
});

it("of a reset", async () => {
  const path = join(directory, "reset");
  const fill = async (store: FileKeyStore) => {
    await register(store, { rk: true });
    await register(store, { rk: false });
  };
  await expectOldOrNew(path, fill, async (store) => {
    expect((await send(open(store), Command.RESET)).status).toBe(0);
  });
});

it("of a credential's renaming and of its deletion", async () => {
  const found = (key: Fido2Authenticator) => key.credentials.findDiscoverable(sha256("example.com")).at(-1);
  const rk = (store: FileKeyStore) => register(store, { rk: true });
  await expectOldOrNew(join(directory, "rename"), rk, async (store) => {
    const key = open(store);
    const credential = found(key);
    expect(credential && (await key.credentials.updateUser(credential, { name: "other", displayName: "Other" }))).toBe(
      true,
    );
  });
  await expectOldOrNew(join(directory, "delete"), rk, async (store) => {
    const key = open(store);
    const credential = found(key);
    expect(credential && (await key.credentials.delete(credential))).toBe(true);
  });
});

it("of setting a PIN", async () => {
  const setPin = async (store: FileKeyStore) => void (await new PinClient(open(store)).setPin("first-pin"));
  await expectOldOrNew(join(directory, "set-pin"), async () => {}, setPin);
});
