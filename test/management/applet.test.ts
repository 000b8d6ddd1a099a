// The management applet behind the card's dispatcher, by transcripts, and its record in the store.
import { describe, expect, test } from "vitest";
import { ManagementApplet } from "../../applets/management/applet.ts";
import { Capability } from "../../applets/management/capability.ts";
import { DeviceConfiguration } from "../../applets/management/configuration.ts";
import { Management } from "../../applets/management/management.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { encodeCbor } from "../../src/cbor.ts";
import type { Applet } from "../../src/iso7816/applet.ts";
import { ApduDispatcher } from "../../src/iso7816/dispatcher.ts";
import { FOREIGN_READER } from "../../src/transport.ts";
import { createTestPlatform, createTestTransport } from "../support/platform.ts";
import { type TranscriptCard, testTranscripts } from "../support/transcript.ts";

const EVERYTHING = 0x23b;

/** An applet that OATH stands in for: one that goes and comes with its capability. */
const oath: Applet = {
  name: "OATH",
  aid: fromHex("a0000005272101"),
  select: async () => new Uint8Array(0),
  process: async () => new Uint8Array(0),
  deselect: () => {},
};

function makeCard(platform = createTestPlatform()) {
  let resets = 0;
  const configuration = new DeviceConfiguration(platform, EVERYTHING);
  const management = new Management(platform, configuration, {
    formFactor: 1,
    partNumber: "LATCHKEY",
    async resetApplets() {
      resets += 1;
    },
  });
  let { enabled } = configuration;
  const applet = new ManagementApplet(management);
  const applets = () => ((enabled & Capability.OATH) === 0 ? [applet] : [oath, applet]);
  const card = new ApduDispatcher(applets, platform.log);
  const powerCycle = () => {
    card.reset();
    enabled = configuration.enabled;
  };
  const takeResets = () => {
    const counted = resets;
    resets = 0;
    return counted;
  };
  return { platform, configuration, management, card, powerCycle, takeResets };
}

describe("Transcripts of the management applet", () => {
  testTranscripts("management", (): TranscriptCard => {
    const { platform, card, powerCycle, takeResets } = makeCard();
    return {
      exchange: (command) => card.exchange(command, createTestTransport()),
      actions: {
        "power cycle": powerCycle,
        "the touch is denied": () => platform.presence.answer("denied"),
        "nothing was reset": () => expect(takeResets()).toBe(0),
        "the applets were reset": () => expect(takeResets()).toBe(1),
      },
    };
  });
});

test("DEVICE RESET asks for a long touch, and the transport for patience", async () => {
  const { platform, management } = makeCard();
  const transport = createTestTransport();
  await management.reset(transport);
  expect(platform.presence.prompts).toEqual([{ applet: "management", action: "erase the whole key", long: true }]);
  expect(transport.keepalives).toEqual(["upneeded", "processing"]);
});

test("In a reader that is not the key's own the applications are NFC's too, and those that are on are the same", async () => {
  const { card, configuration } = makeCard();
  const exchange = async (apdu: string, channel: number) => {
    const transport = { ...createTestTransport(channel), name: "ccid" } as const;
    return Buffer.from(await card.exchange(fromHex(apdu), transport)).toString("hex");
  };
  await exchange("00a4040008a000000527471117", 0);
  expect(await exchange("001d0000", 0)).not.toContain("0d02023b");
  expect(await exchange("001d0000", FOREIGN_READER)).toMatch(/0d02023b0e02023b1001019000$/);
  expect(await exchange("001c0000 05 04 0e02021b", 0)).toBe("9000");
  expect(configuration.enabled).toBe(EVERYTHING);
  expect(await exchange("001c0000 05 04 0e02021b", FOREIGN_READER)).toBe("9000");
  expect(configuration.enabled).toBe(0x21b);
  expect(await exchange("001c0000 09 08 0302023b 0e020010", FOREIGN_READER)).toBe("9000");
  expect(configuration.enabled).toBe(EVERYTHING);
});

test("The configuration is in the store, for the next process", async () => {
  const { platform, management } = makeCard();
  await management.writeConfig(fromHex("04 0302021b"));
  expect(new DeviceConfiguration(platform, EVERYTHING).enabled).toBe(0x21b);
});

test("What a write cannot keep, it does not pretend to have", async () => {
  const { platform, management, configuration } = makeCard();
  platform.store.failNextCommit("no-space");
  await expect(management.writeConfig(fromHex("04 0302021b"))).rejects.toThrow();
  expect(configuration.enabled).toBe(EVERYTHING);
  await management.writeConfig(fromHex("04 0302021b"));
  expect(configuration.enabled).toBe(0x21b);
});

test("Two changes at once are both kept", async () => {
  const { configuration } = makeCard();
  await Promise.all([configuration.change({ deviceFlags: 0x80 }), configuration.change({ autoEjectTimeout: 7 })]);
  expect(configuration.values).toMatchObject({ deviceFlags: 0x80, autoEjectTimeout: 7 });
});

test("An application that the key did not have when it was configured is on", async () => {
  const { platform, configuration } = makeCard();
  await configuration.enable(Capability.PIV);
  expect(configuration.enabled).toBe(Capability.PIV);
  expect(new DeviceConfiguration(platform, EVERYTHING | 0x400).enabled).toBe(Capability.PIV | 0x400);
});

test("A record of another version is not guessed at", async () => {
  const { platform, configuration } = makeCard();
  await platform.store.commit({ "management/configuration": encodeCbor(new Map([[0, 2]])) });
  expect(() => configuration.enabled).toThrow("not a record of this version");
});

test("The lock code is nowhere in the log", async () => {
  const { platform, management } = makeCard();
  await management.writeConfig(fromHex("12 0a10 000102030405060708090a0b0c0d0e0f"));
  expect(platform.lines.length).toBeGreaterThan(0);
  expect(platform.lines.join("\n")).not.toContain("000102030405");
});

test("Whatever is written, the key answers, keeps something on, and can be read", async () => {
  const { platform, configuration, card } = makeCard(createTestPlatform({ seed: "write config" }));
  const exchange = async (apdu: Uint8Array) => Buffer.from(await card.exchange(apdu, createTestTransport()));
  await exchange(fromHex("00a4040008a000000527471117"));
  const tags = [0x03, 0x06, 0x07, 0x08, 0x0b, 0x0c, 0x0e, 0x17, 0x01, 0x7f];
  const seen = new Set<number>();
  for (let round = 0; round < 1_000; round++) {
    const [count = 0, ins = 0, ...chance] = platform.randomBytes(48);
    const body = Array.from({ length: count % 4 }, (_, index) => {
      const [tag = 0, length = 0] = chance.slice(index * 2);
      const size = length < 32 ? length % 18 : [2, 2, 1, 1, 16, 0, 2, 1, 2, 1][tag % tags.length];
      return [tags[tag % tags.length] ?? 0, size ?? 0, ...chance.slice(20, 20 + (size ?? 0))];
    }).flat();
    const data = Uint8Array.from([ins < 8 ? ins : body.length, ...body]);
    const instruction = ins % 5 === 0 ? [0x00, 0x16, 0x11, 0x00] : [0x00, 0x1c, 0x00, 0x00];
    const answer = await exchange(Uint8Array.from([...instruction, data.length, ...data]));
    seen.add(answer.readUInt16BE(answer.length - 2));
    expect(configuration.enabled & EVERYTHING).not.toBe(0);
    const info = await exchange(fromHex("001d0000"));
    expect(info[0]).toBe(info.length - 3);
  }
  expect([...seen].sort()).toEqual([0x6a80, 0x9000]);
});
