// The accounts behind the card: found again after a restart, in their order, and never counting twice.
import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MAX_ACCOUNTS } from "../../applets/oath/parameters.ts";
import { encodeTlv, parseTlvs } from "../../src/iso7816/tlv.ts";
import { codeOf, createOathCard, createSelectedCard, encodePut, fill, type OathCard, SECRET } from "./rig.ts";

const name = (text: string) => encodeTlv(0x71, Buffer.from(text));

async function put(card: OathCard, ...sketches: Parameters<typeof encodePut>[0][]): Promise<void> {
  for (const sketch of sketches) expect((await card.send(0x01, encodePut(sketch))).sw).toBe("9000");
}

async function listed({ send }: OathCard): Promise<string[]> {
  return parseTlvs((await send(0xa1)).data).map(({ value }) => Buffer.from(value.subarray(1)).toString());
}

/** The same store in another process. */
function restart({ platform }: OathCard): Promise<OathCard> {
  return createSelectedCard({ store: platform.store });
}

describe("accounts", () => {
  it("are there after a restart, in the same order, and count on", async () => {
    const card = await createSelectedCard();
    await put(card, { name: "b" }, { name: "hotp", kind: 0x11 }, { name: "a" }, { name: "up", properties: 1 });
    await card.send(0x02, name("b"));
    await put(card, { name: "b", digits: 8 });
    await card.send(0x05, Buffer.concat([name("hotp"), name("counter")]));
    const first = await codeOf(card, "counter", 0);
    expect(await codeOf(card, "up", 5)).toMatch(/^\d{6}$/);
    await put(card, { name: "last" });
    expect(await listed(card)).toEqual(["b", "counter", "a", "up", "last"]);
    const again = await restart(card);
    expect(await listed(again)).toEqual(await listed(card));
    expect(first).toBe("755224");
    expect(await codeOf(again, "counter", 0)).toBe("287082");
    expect(await codeOf(again, "up", 5)).toBe("6a80");
    expect(await codeOf(again, "b", 1)).toBe("94287082");
  });

  it("take the place of a deleted one, as the first YubiKeys' do", async () => {
    const card = await createSelectedCard();
    await put(card, { name: "one" }, { name: "two" });
    await card.send(0x02, name("one"));
    await put(card, { name: "three" });
    expect(await listed(card)).toEqual(["three", "two"]);
    await card.send(0x05, Buffer.concat([name("three"), name("four")]));
    expect(await listed(card)).toEqual(["four", "two"]);
  });

  it("that are deleted leave nothing behind", async () => {
    const card = await createSelectedCard();
    const before = card.platform.store.snapshot();
    await put(card, { name: "hotp", kind: 0x11 }, { name: "up", properties: 1 });
    await codeOf(card, "up", 5);
    await card.send(0x02, name("hotp"));
    await card.send(0x02, name("up"));
    expect(card.platform.store.snapshot()).toEqual(before);
  });

  it("that cannot be read are left alone and do not stop the others", async () => {
    const card = await createSelectedCard();
    await put(card, { name: "a" }, { name: "b" });
    const [key = ""] = card.platform.store.keys("oath/account/");
    await card.platform.store.commit({ [key]: Uint8Array.of(9, 9) });
    const again = await restart(card);
    expect(await listed(again)).toEqual(["b"]);
    await put(again, { name: "c" });
    expect(again.platform.store.get(key)).toEqual(Uint8Array.of(9, 9));
  });

  it(`are ${MAX_ACCOUNTS} at most, after a restart too`, async () => {
    const card = await createSelectedCard();
    await fill(card, 0);
    const again = await restart(card);
    expect((await again.send(0x01, encodePut({ name: "one more" }))).sw).toBe("6a84");
    await again.send(0x02, name("filler 7"));
    await put(again, { name: "one more" });
    expect(again.oath.accounts.size).toBe(MAX_ACCOUNTS);
  });

  it("give each counter once, however many ask at the same time", async () => {
    const card = await createSelectedCard();
    await put(card, { name: "hotp", kind: 0x11 });
    const account = card.oath.accounts.require(Buffer.from("hotp"));
    const asked = Array.from({ length: 50 }, () => card.oath.accounts.moveCounter(account, (counter) => counter + 1));
    expect(new Set(await Promise.all(asked)).size).toBe(50);
  });

  it("that go while a touch is waited for give no code", async () => {
    const card = await createSelectedCard();
    await put(card, { name: "hotp", kind: 0x11, properties: 2 });
    const { presence } = card.platform;
    const request = presence.request.bind(presence);
    presence.request = async (...asked) => {
      await card.oath.accounts.delete(Buffer.from("hotp"));
      return request(...asked);
    };
    expect(await codeOf(card, "hotp", 0)).toBe("6984");
    expect([...card.platform.store.keys("oath/moving/")]).toEqual([]);
  });

  it("say in the prompt whose code it is", async () => {
    const card = await createSelectedCard();
    await put(card, { name: "Example:alice", properties: 2 });
    await codeOf(card, "Example:alice", 1);
    expect(card.platform.presence.prompts).toEqual([
      { applet: "OATH", action: "give a code", subject: "Example:alice" },
    ]);
  });
});

describe("an access code", () => {
  const key = Buffer.alloc(16, 7);
  const challenge = Buffer.alloc(8, 1);
  const setCode = Buffer.concat([
    encodeTlv(0x73, Uint8Array.of(0x21), key),
    encodeTlv(0x74, challenge),
    encodeTlv(0x75, createHmac("sha1", key).update(challenge).digest()),
  ]);

  it("is there after a restart, with a challenge that is another at each SELECT", async () => {
    const card = await createSelectedCard();
    expect((await card.send(0x03, setCode)).sw).toBe("9000");
    const again = createOathCard({ store: card.platform.store });
    const select = async () => parseTlvs((await again.send(0xa4, again.oath.aid, { p1: 4 })).data);
    const challenges = new Set<string>();
    for (let times = 0; times < 20; times++) {
      const [, salt, { value } = { value: Buffer.alloc(0) }, algorithm] = await select();
      expect(salt?.value).toEqual(card.platform.store.get("oath/salt"));
      expect(algorithm).toEqual({ tag: 0x7b, value: Uint8Array.of(1) });
      challenges.add(Buffer.from(value).toString("hex"));
    }
    expect(challenges.size).toBe(20);
    expect((await again.send(0xa1)).sw).toBe("6982");
  });

  it("whose record is damaged locks the accounts, and RESET opens them", async () => {
    const card = await createSelectedCard();
    await put(card, { name: "a" });
    await card.platform.store.commit({ "oath/access-code": Uint8Array.of(0xff) });
    expect((await card.send(0xa1)).sw).toBe("6f00");
    expect((await card.send(0x04, undefined, { p1: 0xde, p2: 0xad })).sw).toBe("9000");
    expect(await listed(card)).toEqual([]);
  });

  it("is nowhere in the log, nor is a secret or a name", async () => {
    const card = await createSelectedCard();
    await put(card, { name: "Example:alice" });
    await card.send(0x03, setCode);
    card.platform.store.failNextCommit("io");
    await card.send(0x01, encodePut({ name: "Example:alice", digits: 8 }));
    await card.send(0x04, undefined, { p1: 0xde, p2: 0xad });
    const log = card.platform.lines.join("\n");
    expect(log).toContain("OATH was reset");
    for (const secret of [SECRET, key, Buffer.from("alice")]) {
      expect(log).not.toContain(secret.toString("hex"));
      expect(log).not.toContain(secret.toString("latin1"));
    }
  });
});
