// A key's OATH accounts for its owner, once in the key's own process and once through its socket: the same in both.
import { afterEach, describe, expect, it, vi } from "vitest";
import { MAX_ACCOUNTS } from "../../applets/oath/parameters.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import type { Administration } from "../../src/control/messages.ts";
import { OathAdministration } from "../../src/control/oath-administration.ts";
import { createOathCard, createSelectedCard, encodePut } from "../oath/rig.ts";
import { storeDirectory } from "../support/store-directory.ts";
import { bothWays, outcome, type RunningKey, startKey } from "./running-key.ts";

const directory = storeDirectory();
let running: RunningKey;

const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const uri = (type: string, label: string, parameters = "") =>
  `otpauth://${type}/${label}?secret=${SECRET}${parameters}`;

describe.each(bothWays(() => running))("the owner of a key, %s,", (_where, administration) => {
  afterEach(() => running.server.close());

  async function start(touch = true): Promise<Administration> {
    running = await startKey(directory);
    running.pending.subscribe((event) => event.kind === "asked" && running.pending.answer(event.waiting.id, touch));
    return administration();
  }

  it("adds, lists and deletes accounts", async () => {
    const owner = await start();
    const added = await owner.oath.add({ uri: uri("totp", "Example:alice", "&period=60&digits=8") });
    expect(added).toEqual({
      name: "60/Example:alice",
      issuer: "Example",
      account: "alice",
      type: "totp",
      algorithm: "SHA1",
      digits: 8,
      period: 60,
      touch: false,
    });
    await owner.oath.add({ uri: uri("hotp", "bob", "&counter=3&algorithm=SHA256"), touch: true });
    const listed = await owner.oath.list();
    expect(listed).toEqual([
      added,
      {
        name: "bob",
        issuer: null,
        account: "bob",
        type: "hotp",
        algorithm: "SHA256",
        digits: 6,
        period: null,
        touch: true,
      },
    ]);
    expect(JSON.stringify(listed)).not.toContain(SECRET);
    expect(await owner.oath.delete("60/Example:alice")).toEqual(added);
    expect(await outcome(owner.oath.delete("60/Example:alice"))).toBe("no-such-account");
    expect(await outcome(owner.oath.delete("bo"))).toBe("no-such-account");
    expect((await owner.oath.list()).map(({ name }) => name)).toEqual(["bob"]);
  });

  it("replaces an account only when that is said", async () => {
    const owner = await start();
    await owner.oath.add({ uri: uri("totp", "alice") });
    expect(await outcome(owner.oath.add({ uri: uri("totp", "alice", "&digits=8") }))).toBe("account-exists");
    expect((await owner.oath.add({ uri: uri("totp", "alice", "&digits=8"), replace: true })).digits).toBe(8);
    expect(await outcome(owner.oath.add({ uri: "otpauth://totp/a" }))).toBe("bad-request");
  });

  it("has codes computed, by a whole name or a part that is enough", async () => {
    const owner = await start();
    await owner.oath.add({ uri: uri("hotp", "Example:alice", "&counter=0") });
    await owner.oath.add({ uri: uri("hotp", "Example:alice2", "&counter=1"), touch: true });
    expect(await owner.oath.code("Example:alice")).toEqual({ name: "Example:alice", code: "755224", validUntil: null });
    expect(await owner.oath.code("EXAMPLE:ALICE2")).toMatchObject({ code: "287082" });
    expect(await outcome(owner.oath.code("alic"))).toBe("bad-request");
    expect(await outcome(owner.oath.code("carol"))).toBe("no-such-account");
    await owner.oath.add({ uri: uri("totp", "now") });
    expect(await owner.oath.code("now")).toMatchObject({ code: expect.stringMatching(/^\d{6}$/) });
  });

  it("is not waited for when it has gone: the touch is withdrawn, and nothing counted", async () => {
    running = await startKey(directory);
    const owner = administration();
    await owner.oath.add({ uri: uri("hotp", "alice", "&counter=0"), touch: true });
    const gone = new AbortController();
    const code = outcome(owner.oath.code("alice", gone.signal));
    await vi.waitFor(() => expect(running.pending.waiting).toHaveLength(1), { interval: 2 });
    gone.abort();
    await vi.waitFor(() => expect(running.pending.waiting).toEqual([]), { interval: 2 });
    await code;
    running.pending.subscribe((event) => event.kind === "asked" && running.pending.answer(event.waiting.id, true));
    expect(await owner.oath.code("alice")).toMatchObject({ code: "755224" });
  });

  it("gets no code, and counts nothing, when the touch is denied", async () => {
    const owner = await start(false);
    await owner.oath.add({ uri: uri("hotp", "alice", "&counter=0"), touch: true });
    expect(await outcome(owner.oath.code("alice"))).toBe("refused");
    const account = running.key.applications.oath.accounts.require(Buffer.from("alice"));
    expect(await running.key.applications.oath.accounts.moveCounter(account, () => undefined)).toBeUndefined();
    expect(running.key.platform.store.get("oath/moving/00000000")).toEqual(new Uint8Array(8));
  });

  it("resets everything", async () => {
    const owner = await start();
    await owner.oath.add({ uri: uri("totp", "alice") });
    await owner.oath.reset();
    expect(await owner.oath.list()).toEqual([]);
  });

  it("leaves nothing secret in the log", async () => {
    const owner = await start();
    await owner.oath.add({ uri: uri("hotp", "alice", "&counter=0") });
    const { code } = await owner.oath.code("alice");
    await outcome(owner.oath.add({ uri: uri("xotp", "alice") }));
    const log = running.logged.join("\n");
    for (const secret of [SECRET, code, "12345678901234567890", "3132333435"]) expect(log).not.toContain(secret);
  });
});

describe("the owner's codes", () => {
  it("go by the time of day and the account's period", async () => {
    const { oath, platform } = createOathCard();
    const owner = new OathAdministration(oath.accounts, platform, () => new Date(59_999));
    await owner.add({ uri: uri("totp", "rfc", "&digits=8") });
    expect(await owner.code("rfc")).toEqual({
      name: "rfc",
      code: "94287082",
      validUntil: "1970-01-01T00:01:00.000Z",
    });
    await owner.add({ uri: uri("totp", "slow", "&digits=8&period=60") });
    expect(await owner.code("slow")).toEqual({
      name: "60/slow",
      code: "84755224",
      validUntil: "1970-01-01T00:01:00.000Z",
    });
  });

  it("are one for each period where an account is only increasing, and none where it verifies", async () => {
    const card = await createSelectedCard();
    await card.send(0x01, encodePut({ name: "up", properties: 1 }));
    await card.send(0x01, encodePut({ name: "heads", kind: 0x31 }));
    const owner = new OathAdministration(card.oath.accounts, card.platform, () => new Date(59_000));
    expect((await owner.code("up")).code).toBe("287082");
    expect(await outcome(owner.code("up"))).toBe("refused");
    expect(await outcome(owner.code("heads"))).toBe("refused");
    expect((await owner.list()).map(({ type }) => type)).toEqual(["totp", "reverse-hotp"]);
  });

  it("take turns with the card's: no counter twice", async () => {
    const card = await createSelectedCard();
    await card.send(0x01, encodePut({ name: "hotp", kind: 0x11 }));
    const owner = new OathAdministration(card.oath.accounts, card.platform);
    const asked = Array.from({ length: 20 }, async (_, turn) => {
      if (turn % 2 === 0) return (await owner.code("hotp")).code;
      return Buffer.from((await card.send(0xa2, fromHex("7104686f74707400"), { p2: 1 })).data).toString("hex");
    });
    expect(new Set(await Promise.all(asked)).size).toBe(20);
    expect((await owner.code("hotp")).code).toBe("328281"); // oathtool --hotp -c 20
  });

  it(`are of ${MAX_ACCOUNTS} accounts at most`, async () => {
    const { oath, platform } = createOathCard();
    const owner = new OathAdministration(oath.accounts, platform);
    for (let made = 0; made < MAX_ACCOUNTS; made++) {
      const fields = { type: 0x20, algorithm: 1, digits: 6, properties: 0, secret: new Uint8Array(14) } as const;
      await oath.accounts.put({ ...fields, name: Buffer.from(`filler ${made}`) }, 0);
    }
    expect(await outcome(owner.add({ uri: uri("totp", "more") }))).toBe("no-space");
    expect(await outcome(owner.add({ uri: uri("totp", "filler%201"), replace: true }))).toBe("done");
  });
});
