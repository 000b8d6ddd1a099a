// A process made to be killed: commits numbered transactions to a store, each over several records, and tells its
// parent the number of each one after it was acknowledged. Now and then it compacts, so that the kill hits that too.
import { writeSync } from "node:fs";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { encodeU32be } from "../../src/bytes/integer.ts";
import { Reader } from "../../src/bytes/reader.ts";

const [path = "", key = ""] = process.argv.slice(2);
const store = await FileKeyStore.open(path, { kind: "key-file", key: fromHex(key) });
const last = store.get("last");
for (let n = last === undefined ? 0 : new Reader(last).u32be() + 1; ; n++) {
  const number = encodeU32be(n);
  await store.commit({
    last: number,
    [`left/${n % 50}`]: number,
    [`right/${n % 50}`]: number,
    [`old/${n - 50}`]: null,
    [`old/${n}`]: number,
  });
  writeSync(1, `${n}\n`);
  if (n % 40 === 39) void store.compact();
}
