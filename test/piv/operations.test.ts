// What generated keys do, verified by OpenSSL. (What imported keys answer, byte for byte: test/transcripts/piv/import*.)
import { createHash, diffieHellman, generateKeyPairSync, verify } from "node:crypto";
import { expect, test } from "vitest";
import { fromHex } from "../../src/bytes/hex.ts";
import { Algorithm, statusOf } from "../support/piv-client.ts";
import { createSelectedPiv, type PivRig } from "./rig.ts";
import { expectRsa } from "./rsa-expectation.ts";

const message = Buffer.from("Latchkey");

async function readyRig(): Promise<PivRig> {
  const rig = await createSelectedPiv();
  await rig.client.authenticate();
  await rig.client.verifyPin();
  return rig;
}

test.each([
  ["P-256", Algorithm.P256, "sha256"],
  ["P-384", Algorithm.P384, "sha384"],
])("A generated %s key signs digests, and agrees on secrets", async (curve, algorithm, hash) => {
  const { client } = await readyRig();
  const publicKey = await client.generate(0x9a, algorithm);
  const digest = createHash(hash).update(message).digest();
  expect(verify(hash, message, publicKey, await client.sign(0x9a, algorithm, digest))).toBe(true);

  const peer = generateKeyPairSync("ec", { namedCurve: curve });
  const point = peer.publicKey
    .export({ format: "der", type: "spki" })
    .subarray(algorithm === Algorithm.P256 ? -65 : -97);
  const secret = await client.agree(0x9a, algorithm, point);
  expect(diffieHellman({ privateKey: peer.privateKey, publicKey }).equals(secret)).toBe(true);
});

test("A generated Ed25519 key signs messages", async () => {
  const { client } = await readyRig();
  const publicKey = await client.generate(0x9c, Algorithm.ED25519);
  expect(verify(null, message, publicKey, await client.sign(0x9c, Algorithm.ED25519, message))).toBe(true);
});

test("A generated X25519 key agrees on secrets", async () => {
  const { client } = await readyRig();
  const publicKey = await client.generate(0x9d, Algorithm.X25519);
  const peer = generateKeyPairSync("x25519");
  const point = peer.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const secret = await client.agree(0x9d, Algorithm.X25519, point);
  expect(diffieHellman({ privateKey: peer.privateKey, publicKey }).equals(secret)).toBe(true);
});

test("A generated RSA key signs and deciphers", async () => {
  const { client } = await readyRig();
  const publicKey = await client.generate(0x9a, Algorithm.RSA2048);
  await expectRsa(client, publicKey, Algorithm.RSA2048);
});

test("An RSA key does not mind being taken for one of another size, only a block of another length", async () => {
  const { client } = await readyRig();
  await client.generate(0x9a, Algorithm.RSA1024);
  const one = Buffer.alloc(128);
  one[127] = 1;
  expect(Buffer.from(await client.sign(0x9a, Algorithm.RSA2048, one))).toEqual(one);
  expect(await statusOf(client.sign(0x9a, Algorithm.RSA2048, new Uint8Array(256)))).toBe(0x6a80);
  expect(await statusOf(client.sign(0x9a, Algorithm.P256, one))).toBe(0x6a80);
});

test("While a key is generated the host is told to wait, and what is pulled out meanwhile has no key", async () => {
  const { applet, client } = await readyRig();
  const controller = new AbortController();
  const keepalives: string[] = [];
  const apdu = { cla: 0, ins: 0x47, p1: 0, p2: 0x9a, data: fromHex("ac03800106"), le: undefined, extended: false };
  const generating = applet.process(apdu, {
    name: "ccid",
    channel: 0,
    signal: controller.signal,
    keepalive: (status) => void keepalives.push(status),
  });
  controller.abort();
  await expect(generating).rejects.toThrow("6400");
  expect(keepalives).toEqual(["processing"]);
  expect(await statusOf(client.metadata(0x9a))).toBe(0x6a88);
});

test("A prompt for a touch names the slot, and the host is told of it", async () => {
  const { client, platform } = await readyRig();
  await client.generate(0x9a, Algorithm.ED25519, { touch: 2 });
  await client.sign(0x9a, Algorithm.ED25519, message);
  expect(platform.presence.prompts).toEqual([{ applet: "PIV", action: "use the key", subject: "slot 9a" }]);
});

test("All objects together have their limit; what replaces another counts once", async () => {
  const { client } = await readyRig();
  const content = new Uint8Array(3063).fill(0xa5);
  const statuses = new Set<number>();
  for (let id = 0x5f0000; id < 0x5f0100 && !statuses.has(0x6a84); id++) {
    statuses.add(await statusOf(client.putObject(id, content)));
  }
  expect(statuses).toEqual(new Set([0x9000, 0x6a84]));
  expect(await statusOf(client.putObject(0x5f0000, content))).toBe(0x9000);
  expect(await statusOf(client.putObject(0x5f0001, new Uint8Array(0)))).toBe(0x9000);
  expect(await statusOf(client.putObject(0x5f7777, content))).toBe(0x9000);
});

test.each([
  ["no-space", 0x6a84],
  ["io", 0x6581],
] as const)("What the store cannot keep (%s) is not done, and said so", async (code, statusWord) => {
  const { client, platform } = await readyRig();
  const before = platform.store.snapshot();
  for (const command of [
    () => client.generate(0x9a, Algorithm.P256),
    () => client.putObject(0x5fc102, message),
    () => client.verifyPin("000000"),
    () => client.setManagementKey(Algorithm.AES256, new Uint8Array(32)),
  ]) {
    platform.store.failNextCommit(code);
    expect(await statusOf(command())).toBe(statusWord);
    expect(platform.store.snapshot()).toEqual(before);
  }
});
