// A process made to be killed: asks a card for one HOTP code after the other, whole, and tells its parent each.
import { writeSync } from "node:fs";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { createSelectedCard } from "../oath/rig.ts";

const [path = "", key = ""] = process.argv.slice(2);
const store = await FileKeyStore.open(path, { kind: "key-file", key: fromHex(key) });
const card = await createSelectedCard({ store });
for (;;) {
  const { data, sw } = await card.send(0xa2, fromHex("7104686f74707400"));
  if (sw !== "9000") throw new Error(sw);
  writeSync(1, `${toHex(data.subarray(3))}\n`);
}
