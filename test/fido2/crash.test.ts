// A crash in the middle of a command that writes: the credentials are as before it, or as after it.
import { join } from "node:path";
import { expect, it } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import type { FileKeyStore } from "../../keystore/file-keystore.ts";
import { AttestationAdministration } from "../../src/control/attestation-administration.ts";
import { expectOldOrNew } from "../support/crash-sweep.ts";
import { Command, cborMap, makeCredentialParameters, send, sha256 } from "../support/fido-client.ts";
import { Permission, PinClient } from "../support/pin-client.ts";
import { createTestPlatform } from "../support/platform.ts";
import { storeDirectory } from "../support/store-directory.ts";

// CTAP 2.3 §6.11
const SET_MIN_PIN_LENGTH = 0x03;
const FORCE_CHANGE_PIN = 0x03;

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

it("of changing a PIN that has to be changed, which ends the persistent token, too", async () => {
  const prepare = async (store: FileKeyStore) => {
    const client = new PinClient(open(store));
    await client.setPin("first-pin");
    await client.getToken("first-pin", Permission.PCMR);
    const token = await client.getToken("first-pin", Permission.ACFG);
    expect((await client.configure(SET_MIN_PIN_LENGTH, cborMap([[FORCE_CHANGE_PIN, true]]), token)).status).toBe(0);
  };
  const change = async (store: FileKeyStore) => {
    expect((await new PinClient(open(store)).changePin("first-pin", "second-pin")).status).toBe(0);
  };
  await expectOldOrNew(join(directory, "change-pin"), prepare, change, ["fido2/pin-retries"]);
});

it("of making an authority and its first certificate, and of taking both away", async () => {
  const make = async (store: FileKeyStore) => {
    await new AttestationAdministration("00000001", { ...createTestPlatform(), store }).create({ kind: "batch" });
  };
  await expectOldOrNew(join(directory, "attestation"), async () => {}, make);
  await expectOldOrNew(join(directory, "no-attestation"), make, (store) =>
    new AttestationAdministration("00000001", { ...createTestPlatform(), store }).remove(),
  );
});
