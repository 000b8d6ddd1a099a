// The owner's part of the OpenPGP card, once in the key's own process and once through its socket: the same in both.
import { afterEach, describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import type { Administration } from "../../src/control/messages.ts";
import { Refusal } from "../../src/control/refusal.ts";
import { createTestTransport } from "../support/platform.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { bothWays, type RunningKey, startKey } from "./running-key.ts";

const directory = storeDirectory();
let running: RunningKey;
afterEach(() => running.server.close());

/** Sends commands to the card of the key; each has to be answered with 9000. */
async function send(...commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    expect(toHex(await running.key.card.exchange(fromHex(command), createTestTransport()))).toMatch(/9000$/);
  }
}

const PW3 = ["00a4040006d27600012401", "00200083083132333435363738"];

describe.each(bothWays(() => running))("the owner of a key, %s,", (_where, administration) => {
  async function start(): Promise<Administration> {
    running = await startKey(directory);
    return administration();
  }

  it("sees what the card holds, and none of its secrets", async () => {
    const owner = await start();
    const fingerprint = "ab".repeat(20);
    await send(
      ...PW3,
      "00da005b08446f653c3c4a6f65",
      "00da005e036a6f65",
      "00da00c10a162b06010401da470f01",
      "0047800002b60000",
      `00da00c714${fingerprint}`,
      "00da00ce0447868c00",
      "00da00c40101",
    );
    const info = await owner.openpgp.info();
    expect(info).toMatchObject({
      serial: running.key.serialNumber,
      version: "3.4",
      terminated: false,
      cardholder: "Doe<<Joe",
      login: "joe",
      url: "",
      tries: { pw1: 3, resettingCode: 0, pw3: 3 },
      signaturePinForced: false,
      kdf: false,
      signatures: 0,
    });
    expect(info.aid).toMatch(/^d276000124010304fffe[0-9]{8}0000$/);
    expect(info.keys).toEqual([
      {
        key: "sig",
        status: "generated",
        algorithm: "Ed25519",
        fingerprint,
        generated: "2008-01-10T21:20:00.000Z",
        touch: "off",
      },
      { key: "dec", status: "none", algorithm: "RSA 2048", fingerprint: null, generated: null, touch: "off" },
      { key: "aut", status: "none", algorithm: "RSA 2048", fingerprint: null, generated: null, touch: "off" },
      { key: "att", status: "none", algorithm: "P-256", fingerprint: null, generated: null, touch: "off" },
    ]);
  });

  it("sets touch policies, which a fixed one ends, and resets the card without its PINs", async () => {
    const owner = await start();
    await send(...PW3, "00da005b03426f62");
    const touch = async () => (await owner.openpgp.info()).keys.map((key) => key.touch);
    await owner.openpgp.setTouch({ key: "dec", policy: "cached" });
    await owner.openpgp.setTouch({ key: "sig", policy: "cached-fixed" });
    expect(await touch()).toEqual(["cached-fixed", "cached", "off", "off"]);
    const refused = await owner.openpgp.setTouch({ key: "sig", policy: "off" }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(Refusal);
    await owner.openpgp.reset();
    expect(await touch()).toEqual(["off", "off", "off", "off"]);
    expect((await owner.openpgp.info()).cardholder).toBe("");
  });

  it("brings a terminated card back, and sets no policy before", async () => {
    const owner = await start();
    await send(...PW3, "00e60000");
    expect((await owner.openpgp.info()).terminated).toBe(true);
    await expect(owner.openpgp.setTouch({ key: "sig", policy: "on" })).rejects.toThrow(/terminated/);
    await owner.openpgp.reset();
    expect((await owner.openpgp.info()).terminated).toBe(false);
    await send("00a4040006d27600012401");
  });
});

it("The socket refuses a key and a policy that there are not", async () => {
  running = await startKey(directory);
  const { administration } = running.client;
  await expect(administration.openpgp.setTouch({ key: "enc" as "dec", policy: "on" })).rejects.toThrow(
    /"key" has to be/,
  );
  await expect(administration.openpgp.setTouch({ key: "dec", policy: "yes" as "on" })).rejects.toThrow(
    /"policy" has to/,
  );
});
