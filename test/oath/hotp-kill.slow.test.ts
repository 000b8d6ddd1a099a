// kill -9 at any moment: no HOTP counter is used twice, and at most the one code that was under way is lost.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FileKeyStore } from "../../keystore/file-keystore.ts";
import { toHex } from "../../src/bytes/hex.ts";
import { keyFileSecret, storeDirectory } from "../support/store-directory.ts";
import { createSelectedCard, encodePut, SECRET } from "./rig.ts";

const RUNS = 100;
const asker = join(import.meta.dirname, "../../dist/test/children/hotp-codes.js");
const path = join(storeDirectory(), "store");

/** What RFC 4226 hashes for a counter. */
function hmacOf(counter: number): string {
  const message = Buffer.alloc(8);
  message.writeUInt32BE(counter, 4);
  return createHmac("sha1", SECRET).update(message).digest("hex");
}

it(`A HOTP account counts on, whenever its process is killed, ${RUNS} times`, { timeout: 120_000 }, async () => {
  expect(existsSync(asker), "run npm run build first").toBe(true);
  const store = await FileKeyStore.create(path, [keyFileSecret]);
  const card = await createSelectedCard({ store });
  expect((await card.send(0x01, encodePut({ name: "hotp", kind: 0x11 }))).sw).toBe("9000");
  await store.close();
  const key = keyFileSecret.kind === "key-file" ? toHex(keyFileSecret.key) : "";
  let next = 0;
  for (let run = 0; run < RUNS; run++) {
    const child = spawn(process.execPath, [asker, path, key], { stdio: ["ignore", "pipe", "inherit"] });
    const limit = setTimeout(() => child.kill("SIGKILL"), 10_000);
    let output = "";
    child.stdout.on("data", (data: Buffer) => {
      if (output === "") setTimeout(() => child.kill("SIGKILL"), Math.random() * 20);
      output += data.toString();
    });
    await once(child, "close");
    clearTimeout(limit);
    const told = output.split("\n").filter((line) => line.length === 40);
    expect(told.length).toBeGreaterThan(0);
    // The code that was on its way when the process before was killed may be missing.
    if (told[0] !== hmacOf(next)) next++;
    for (const hmac of told) expect(hmac).toBe(hmacOf(next++));
  }
});
