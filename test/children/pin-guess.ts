// A process made to be killed: guesses a PIN wrongly, and ends by kill -9 the moment the try that the guess costs is on
// the disk, which is before the comparison.
import { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { Permission, PinClient } from "../support/pin-client.ts";
import { createTestPlatform } from "../support/platform.ts";

const [path = "", key = ""] = process.argv.slice(2);
const store = await FileKeyStore.open(path, { kind: "key-file", key: fromHex(key) });
const commit = store.commit.bind(store);
store.commit = async (changes) => {
  await commit(changes);
  if ("fido2/pin-retries" in changes) process.kill(process.pid, "SIGKILL");
};
const client = new PinClient(new Fido2Authenticator({ ...createTestPlatform(), store }));
await client.requestToken("a wrong PIN", Permission.CM);
