// What the owner may do with PIV, once in the key's own process and once through its socket: the same in both.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import { Algorithm, PivClient, statusOf } from "../support/piv-client.ts";
import { createTestTransport } from "../support/platform.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { bothWays, type RunningKey, startKey } from "./running-key.ts";

const directory = storeDirectory();
let running: RunningKey;
let card: PivClient;
beforeEach(async () => {
  running = await startKey(directory);
  card = new PivClient((command) => running.key.card.exchange(command, createTestTransport()));
});
afterEach(() => running.server.close());

const delivered = {
  pin: { triesLeft: 3, maxTries: 3, isDefault: true },
  puk: { triesLeft: 3, maxTries: 3, isDefault: true },
  managementKey: { algorithm: "AES-192", isDefault: true, touch: false },
};
const attestationSlot = {
  slot: "f9",
  algorithm: "ECC P-256",
  pinPolicy: "once",
  touchPolicy: "never",
  origin: "generated",
  hasCertificate: true,
  certificateName: "Latchkey PIV Attestation",
};

describe.each(bothWays(() => running))("the owner of a key, %s,", (_where, administration) => {
  it("sees a new application, and what clients then did with it", async () => {
    expect(await administration().piv.info()).toEqual({ ...delivered, slots: [], objects: 0 });
    await card.select();
    await card.authenticate();
    await card.generate(0x9a, Algorithm.P384, { pin: 3, touch: 3 });
    const attestation = await card.attest(0x9a);
    await card.putObject(0x5fc105, concat(encodeTlv(0x70, attestation), fromHex("710100fe00")));
    await card.putObject(0x5fc10d, fromHex("a5"));
    await card.putObject(0x5fc10b, fromHex("7001a5710100fe00"));
    await card.setManagementKey(Algorithm.AES256, new Uint8Array(32).fill(9), 0xfe);
    await card.changePin("123456", "654321");
    expect(await statusOf(card.changePuk("87654321", "12345678"))).toBe(0x63c2);

    const none = { algorithm: null, pinPolicy: null, touchPolicy: null, origin: null };
    expect(await administration().piv.info()).toEqual({
      pin: { ...delivered.pin, isDefault: false },
      puk: { ...delivered.puk, triesLeft: 2 },
      managementKey: { algorithm: "AES-256", isDefault: false, touch: true },
      slots: [
        {
          slot: "9a",
          algorithm: "ECC P-384",
          pinPolicy: "always",
          touchPolicy: "cached",
          origin: "generated",
          hasCertificate: true,
          certificateName: "Latchkey PIV Attestation 9a",
        },
        { ...none, slot: "9d", hasCertificate: true, certificateName: null },
        { ...none, slot: "82", hasCertificate: true, certificateName: null },
        attestationSlot,
      ],
      objects: 4,
    });
  });

  it("resets it whatever its PINs are, and takes back what clients had shown", async () => {
    await card.select();
    await card.authenticate();
    await card.verifyPin();
    await card.generate(0x9a, Algorithm.P256);
    await card.putObject(0x5fc102, fromHex("a5"));
    await card.changePin("123456", "654321");
    await administration().piv.reset();
    expect(await administration().piv.info()).toEqual({ ...delivered, slots: [attestationSlot], objects: 1 });
    expect(await statusOf(card.send(0x20, 0x00, 0x80))).toBe(0x63c3);
    expect(await statusOf(card.putObject(0x5fc102, fromHex("a5")))).toBe(0x6982);
    await card.verifyPin();
  });
});
