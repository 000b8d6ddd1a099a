// kill -9 between the try that a guess of PW1 costs and the comparison: the try is gone, whatever the guess was.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { keyFileSecret, storeDirectory } from "../support/store-directory.ts";

const guesser = join(import.meta.dirname, "../../dist/test/children/openpgp-pin-guess.js");
const path = join(storeDirectory(), "store");

it("A guess that is killed before it is compared costs a try, each of three times; then there is none left", async () => {
  await (await FileKeyStore.create(path, [keyFileSecret])).close();
  const key = keyFileSecret.kind === "key-file" ? toHex(keyFileSecret.key) : "";
  const guess = async () => {
    const child = spawn(process.execPath, [guesser, path, key], { stdio: "inherit", timeout: 20_000 });
    return once(child, "close");
  };
  for (let left = 2; left >= 0; left--) {
    expect(await guess()).toEqual([null, "SIGKILL"]);
    const after = await FileKeyStore.open(path, keyFileSecret);
    expect(after.get("openpgp/tries/PW1")).toEqual(Uint8Array.of(left));
    await after.close();
  }
  expect(await guess()).toEqual([0, null]);
});
