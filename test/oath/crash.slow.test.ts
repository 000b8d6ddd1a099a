// A crash in the middle of a command that writes: the accounts are as before it, or as after it.
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { it } from "vitest";
import type { FileKeyStore } from "../../keystore/file-keystore.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import { expectOldOrNew } from "../support/crash-sweep.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { createSelectedCard, encodePut, type OathCard } from "./rig.ts";

const directory = storeDirectory();
const name = (text: string) => encodeTlv(0x71, Buffer.from(text));
const key = Buffer.alloc(16, 7);
const challenge = Buffer.alloc(8, 1);
const all = encodeTlv(0x74, Buffer.from("0000000000000009", "hex"));

/** Commands on a card over the store, each of which has to be done. */
function commands(run: (card: OathCard) => Promise<unknown>): (store: FileKeyStore) => Promise<void> {
  return async (store) => {
    const card = await createSelectedCard({ store });
    const send: OathCard["send"] = async (...words) => {
      const answer = await card.send(...words);
      if (answer.sw !== "9000") throw new Error(answer.sw);
      return answer;
    };
    await run({ ...card, send });
  };
}

const prepare = commands(async ({ send }) => {
  await send(0x01, encodePut({ name: "totp", properties: 1 }));
  await send(0x01, encodePut({ name: "up", properties: 1 }));
  await send(0x01, encodePut({ name: "hotp", kind: 0x11 }));
});

it.each<[string, (card: OathCard) => Promise<unknown>]>([
  ["PUT of a new account with a counter", ({ send }) => send(0x01, encodePut({ name: "new", kind: 0x11, counter: 5 }))],
  ["PUT in the place of an account with a counter", ({ send }) => send(0x01, encodePut({ name: "hotp" }))],
  ["DELETE of an account with a counter", ({ send }) => send(0x02, name("hotp"))],
  ["RENAME", ({ send }) => send(0x05, Buffer.concat([name("hotp"), name("counter")]))],
  ["CALCULATE with HOTP", ({ send }) => send(0xa2, Buffer.concat([name("hotp"), encodeTlv(0x74)]), { p2: 1 })],
  ["CALCULATE ALL with two accounts that are only increasing", ({ send }) => send(0xa4, all, { p2: 1 })],
  [
    "SET CODE",
    ({ send }) => {
      const proof = createHmac("sha1", key).update(challenge).digest();
      const data = [encodeTlv(0x73, Uint8Array.of(0x21), key), encodeTlv(0x74, challenge), encodeTlv(0x75, proof)];
      return send(0x03, Buffer.concat(data));
    },
  ],
  ["RESET", ({ send }) => send(0x04, undefined, { p1: 0xde, p2: 0xad })],
])("of %s", async (title, run) => {
  await expectOldOrNew(join(directory, title.replaceAll(" ", "-")), prepare, commands(run));
});
