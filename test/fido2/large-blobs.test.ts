import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bytesOf, Command, cborMap, makeCredentialParameters, send } from "../support/fido-client.ts";
import { authenticate, type Members, Permission, type Token } from "../support/pin-client.ts";
import { createTestTransport } from "../support/platform.ts";
import { bytes, Fido2Rig, PIN } from "./rig.ts";

const INITIAL = bytes(Buffer.from("8076be8b528d0075f7aae98d6fa57a6d3c", "hex"));
const MAX_FRAGMENT = 7609 - 64;

/** An array of one entry, with its hash. */
function serialize(size: number): Buffer {
  const array = Buffer.concat([Buffer.of(0x81, 0x59, size >> 8, size & 0xff), Buffer.alloc(size, 7)]);
  return Buffer.concat([array, createHash("sha256").update(array).digest().subarray(0, 16)]);
}

class LargeBlobsRig extends Fido2Rig {
  command(members: Members) {
    const entries = Object.entries(members).filter(([, value]) => value !== undefined);
    return this.send(Command.LARGE_BLOBS, cborMap(entries.map(([key, value]) => [Number(key), value] as const)));
  }

  async read(): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let offset = 0; ; offset += MAX_FRAGMENT) {
      const { status, map } = await this.command({ 1: MAX_FRAGMENT, 3: offset });
      expect(status).toBe(0);
      const part = bytesOf(map.get(1));
      parts.push(part);
      if (part.length < MAX_FRAGMENT) return bytes(Buffer.concat(parts));
    }
  }

  /** Writes by fragments; the status of the last one that was sent. */
  async write(whole: Uint8Array, fragment = MAX_FRAGMENT, token?: Token): Promise<number> {
    for (let offset = 0; ; offset += fragment) {
      const set = whole.subarray(offset, offset + fragment);
      const length = offset === 0 ? whole.length : undefined;
      const { status } = await this.command({ 2: set, 3: offset, 4: length, ...proofOf(token, set, offset) });
      if (status !== 0 || offset + fragment >= whole.length) return status;
    }
  }
}

function proofOf(token: Token | undefined, set: Uint8Array, offset: number): Members {
  if (token === undefined) return {};
  const position = Buffer.alloc(4);
  position.writeUInt32LE(offset);
  const hash = createHash("sha256").update(set).digest();
  const message = Buffer.concat([Buffer.alloc(32, 0xff), Buffer.of(0x0c, 0x00), position, hash]);
  return { 5: authenticate(token.version, token.value, message), 6: token.version };
}

describe("The large-blob array", () => {
  test("is empty at first, with its hash", async () => {
    expect(await new LargeBlobsRig().read()).toEqual(INITIAL);
  });

  test.each([
    [100, MAX_FRAGMENT],
    [100, 1],
    [20_000, 1000],
    [60_000, MAX_FRAGMENT],
  ])("of %i bytes is written by fragments of %i, and read again", async (size, fragment) => {
    const rig = new LargeBlobsRig();
    const whole = serialize(size);
    expect(await rig.write(whole, fragment)).toBe(0);
    expect(await rig.read()).toEqual(bytes(whole));
    rig.authenticator.powerCycle();
    expect(await rig.read()).toEqual(bytes(whole));
  });

  test("may be as long as getInfo says, and no longer", async () => {
    const rig = new LargeBlobsRig();
    const limit = (await rig.send(Command.GET_INFO)).map.get(0x0b);
    expect(limit).toBeGreaterThanOrEqual(4096);
    expect(await rig.write(serialize(Number(limit) - 20))).toBe(0);
    expect((await rig.read()).length).toBe(limit);
    expect(await rig.write(serialize(Number(limit) - 19))).toBe(0x18);
    expect((await rig.read()).length).toBe(limit);
  });

  test("is read from anywhere, up to its end", async () => {
    const rig = new LargeBlobsRig();
    expect((await rig.command({ 1: 5, 3: 2 })).map.get(1)).toEqual(INITIAL.subarray(2, 7));
    expect((await rig.command({ 1: 5, 3: 15 })).map.get(1)).toEqual(INITIAL.subarray(15));
    expect((await rig.command({ 1: 5, 3: 17 })).map.get(1)).toEqual(new Uint8Array(0));
    expect((await rig.command({ 1: 0, 3: 0 })).map.get(1)).toEqual(new Uint8Array(0));
    expect((await rig.command({ 1: 5, 3: 18 })).status).toBe(0x02);
  });

  test("is forgotten by a reset", async () => {
    const rig = new LargeBlobsRig();
    await rig.write(serialize(10));
    expect((await rig.send(Command.RESET)).status).toBe(0);
    expect(await rig.read()).toEqual(INITIAL);
  });

  test("that cannot be stored stays as it was: KEY_STORE_FULL", async () => {
    const rig = new LargeBlobsRig();
    rig.platform.store.failNextCommit("no-space");
    expect(await rig.write(serialize(10))).toBe(0x28);
    expect(await rig.read()).toEqual(INITIAL);
  });
});

describe("A write", () => {
  test("that is not finished leaves the old array", async () => {
    const rig = new LargeBlobsRig();
    const whole = serialize(100);
    expect((await rig.command({ 2: whole.subarray(0, 50), 3: 0, 4: whole.length })).status).toBe(0);
    expect(await rig.read()).toEqual(INITIAL);
  });

  test("with a wrong hash is INTEGRITY_FAILURE, and has to begin anew", async () => {
    const rig = new LargeBlobsRig();
    const whole = serialize(100);
    whole[10] = (whole[10] ?? 0) ^ 1;
    expect(await rig.write(whole, 60)).toBe(0x3d);
    expect(await rig.read()).toEqual(INITIAL);
    expect((await rig.command({ 2: whole.subarray(60), 3: 60 })).status).toBe(0x04);
  });

  test("goes on only where it stopped, by the same client, and with no other command between", async () => {
    const rig = new LargeBlobsRig();
    const whole = serialize(100);
    const begin = () => rig.command({ 2: whole.subarray(0, 50), 3: 0, 4: whole.length });
    const go = { 2: whole.subarray(50), 3: 50 };
    expect((await rig.command(go)).status).toBe(0x04);
    await begin();
    expect((await rig.command({ 2: whole.subarray(51), 3: 51 })).status).toBe(0x04);
    expect((await rig.command(go)).status).toBe(0);
    await begin();
    const other = createTestTransport(2);
    const elsewhere = cborMap([
      [2, whole.subarray(50)],
      [3, 50],
    ]);
    expect((await send(rig.authenticator, Command.LARGE_BLOBS, elsewhere, other)).status).toBe(0x04);
    await begin();
    await rig.send(Command.GET_INFO);
    expect((await rig.command(go)).status).toBe(0x04);
    await begin();
    rig.authenticator.powerCycle();
    expect((await rig.command(go)).status).toBe(0x04);
  });

  test("that begins again forgets what came before", async () => {
    const rig = new LargeBlobsRig();
    await rig.command({ 2: serialize(200).subarray(0, 50), 3: 0, 4: serialize(200).length });
    expect(await rig.write(serialize(30), 20)).toBe(0);
    expect(await rig.read()).toEqual(bytes(serialize(30)));
  });

  test("that begins again without a token has to begin once more", async () => {
    const rig = new LargeBlobsRig();
    const client = rig.pinClient();
    await client.setPin(PIN);
    const token = await client.getToken(PIN, Permission.LBW);
    const whole = serialize(100);
    const [first, second] = [whole.subarray(0, 50), whole.subarray(50)];
    const begin = { 2: first, 3: 0, 4: whole.length };
    expect((await rig.command({ ...begin, ...proofOf(token, first, 0) })).status).toBe(0);
    expect((await rig.command(begin)).status).toBe(0x36);
    expect((await rig.command({ 2: second, 3: 50, ...proofOf(token, second, 50) })).status).toBe(0x04);
  });

  test("needs a token with lbw once a PIN is set, which a registration does not take away", async () => {
    const rig = new LargeBlobsRig();
    const client = rig.pinClient();
    await client.setPin(PIN);
    const whole = serialize(100);
    expect(await rig.write(whole)).toBe(0x36);
    expect(await rig.write(whole, 50, await client.getToken(PIN, Permission.MC, "example.com"))).toBe(0x33);
    const token = await client.getToken(PIN, Permission.LBW | Permission.MC, "example.com");
    const wrong = { ...proofOf(token, whole, 4) };
    expect((await rig.command({ 2: whole, 3: 0, 4: whole.length, ...wrong })).status).toBe(0x33);
    const proof = { ...proofOf(token, whole, 0), 6: undefined };
    expect((await rig.command({ 2: whole, 3: 0, 4: whole.length, ...proof })).status).toBe(0x14);
    expect((await rig.command({ 2: whole, 3: 0, 4: whole.length, ...proof, 6: 7 })).status).toBe(0x02);
    await rig.send(Command.MAKE_CREDENTIAL, makeCredentialParameters());
    expect(await rig.write(whole, 30, token)).toBe(0);
    expect(await rig.read()).toEqual(bytes(whole));
  });

  test("needs a token with alwaysUv, PIN or none", async () => {
    const rig = new LargeBlobsRig();
    await rig.pinClient().configure(0x02);
    expect(await rig.write(serialize(10))).toBe(0x36);
  });
});

describe("A malformed request is refused", () => {
  const set = serialize(100);
  test.each<readonly [string, Members, number]>([
    ["no offset", { 1: 10 }, 0x02],
    ["an offset below zero", { 1: 10, 3: -1 }, 0x02],
    ["neither get nor set", { 3: 0 }, 0x02],
    ["both get and set", { 1: 10, 2: set, 3: 0, 4: set.length }, 0x02],
    ["get below zero", { 1: -1, 3: 0 }, 0x02],
    ["get with a length", { 1: 10, 3: 0, 4: 10 }, 0x02],
    ["get with a pinUvAuthParam", { 1: 10, 3: 0, 5: Buffer.alloc(32) }, 0x02],
    ["get with a pinUvAuthProtocol", { 1: 10, 3: 0, 6: 2 }, 0x02],
    ["get of more than a fragment", { 1: MAX_FRAGMENT + 1, 3: 0 }, 0x03],
    ["get of more than a fragment with a length", { 1: MAX_FRAGMENT + 1, 3: 0, 4: 10 }, 0x02],
    ["get of more than a fragment beyond the end", { 1: MAX_FRAGMENT + 1, 3: 10_000 }, 0x03],
    ["set of more than a fragment", { 2: Buffer.alloc(MAX_FRAGMENT + 1), 3: 0, 4: 10_000 }, 0x03],
    ["set without a length", { 2: set, 3: 0 }, 0x02],
    ["a length of less than an empty array", { 2: Buffer.alloc(16), 3: 0, 4: 16 }, 0x02],
    ["a length at another offset", { 2: set, 3: 5, 4: set.length }, 0x02],
    ["more bytes than the length says", { 2: set, 3: 0, 4: set.length - 1 }, 0x02],
    ["get of text", { 1: "10", 3: 0 }, 0x11],
    ["set that is no byte string", { 2: "x", 3: 0, 4: 17 }, 0x11],
    ["an offset of text", { 1: 10, 3: "0" }, 0x11],
  ])("%s", async (_what, members, status) => {
    const rig = new LargeBlobsRig();
    expect((await rig.command(members)).status).toBe(status);
    expect(await rig.read()).toEqual(INITIAL);
  });

  test("the whole command, where the largeBlob extension is in its place", async () => {
    expect((await new LargeBlobsRig({ largeBlob: "extension" }).command({ 1: 10, 3: 0 })).status).toBe(0x01);
  });
});
