// kill -9 between the try that a guess at the PIN or the PUK costs and the comparison: the try is gone, whatever the
// guess was.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { keyFileSecret, storeDirectory } from "../support/store-directory.ts";

const guesser = join(import.meta.dirname, "../../dist/test/children/piv-pin-guess.js");
const directory = storeDirectory();

it.each(["pin", "puk"])(
  "A guess at the %s that is killed before it is compared costs a try, each of three times",
  async (name) => {
    const path = join(directory, name);
    const record = `piv/${name}-tries`;
    await (await FileKeyStore.create(path, [keyFileSecret])).close();
    const key = keyFileSecret.kind === "key-file" ? toHex(keyFileSecret.key) : "";
    for (let left = 2; left >= 0; left--) {
      const child = spawn(process.execPath, [guesser, path, key, record], { stdio: "inherit", timeout: 20_000 });
      expect(await once(child, "close")).toEqual([null, "SIGKILL"]);
      const after = await FileKeyStore.open(path, keyFileSecret);
      expect(after.get(record)).toEqual(Uint8Array.of(left));
      await after.close();
    }
  },
);
