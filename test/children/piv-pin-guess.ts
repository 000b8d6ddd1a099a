// A process made to be killed: guesses a PIV PIN wrongly, and ends by kill -9 the moment the try that the guess costs is
// on the disk, which is before the comparison.
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { createSelectedPiv } from "../piv/rig.ts";

const [path = "", key = "", record = ""] = process.argv.slice(2);
const store = await FileKeyStore.open(path, { kind: "key-file", key: fromHex(key) });
const { client } = await createSelectedPiv({ store });
const commit = store.commit.bind(store);
store.commit = async (changes) => {
  await commit(changes);
  if (record in changes) process.kill(process.pid, "SIGKILL");
};
if (record === "piv/pin-tries") await client.verifyPin("000000");
else await client.unblockPin("000000", "123456");
