// kill -9 between the try that a PIN guess costs and the comparison: the try is gone, whatever the guess was.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { PinClient } from "../support/pin-client.ts";
import { createTestPlatform } from "../support/platform.ts";
import { keyFileSecret, storeDirectory } from "../support/store-directory.ts";

const guesser = join(import.meta.dirname, "../../dist/test/children/pin-guess.js");
const path = join(storeDirectory(), "store");

it("A guess that is killed before it is compared costs a try, each of five times", async () => {
  const store = await FileKeyStore.create(path, [keyFileSecret]);
  await new PinClient(new Fido2Authenticator({ ...createTestPlatform(), store })).setPin("correct-horse");
  await store.close();
  const key = keyFileSecret.kind === "key-file" ? toHex(keyFileSecret.key) : "";
  for (let left = 7; left >= 3; left--) {
    const child = spawn(process.execPath, [guesser, path, key], { stdio: "inherit", timeout: 20_000 });
    expect(await once(child, "close")).toEqual([null, "SIGKILL"]);
    const after = await FileKeyStore.open(path, keyFileSecret);
    expect(after.get("fido2/pin-retries")).toEqual(Uint8Array.of(left));
    await after.close();
  }
});
