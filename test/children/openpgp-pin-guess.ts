// A process made to be killed: guesses a password of the OpenPGP card wrongly, and ends by kill -9 the moment the try that
// the guess costs is on the disk, which is before the comparison.
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { OpenPgpCard } from "../support/openpgp-client.ts";
import { createTestPlatform } from "../support/platform.ts";

const [path = "", key = ""] = process.argv.slice(2);
const store = await FileKeyStore.open(path, { kind: "key-file", key: fromHex(key) });
const commit = store.commit.bind(store);
store.commit = async (changes) => {
  await commit(changes);
  if ("openpgp/tries/PW1" in changes) process.kill(process.pid, "SIGKILL");
};
const card = new OpenPgpCard({ ...createTestPlatform(), store });
await card.select();
await card.verify(0x82, "654321");
