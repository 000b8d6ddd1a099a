// PIV the whole way, from the TCP socket to the store, with our own client: the algorithms that Debian's clients do not
// know, verified by OpenSSL. Commands and answers are longer than a USB packet, and than a short APDU.
import { diffieHellman, generateKeyPairSync, verify, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSecurityKey, MemoryKeyStore, PendingPresence, UsbIpServer } from "../../src/index.ts";
import { attachDevice } from "../support/attached-key.ts";
import { CcidClient } from "../support/ccid-client.ts";
import { Algorithm, PivClient } from "../support/piv-client.ts";
import { expectRsa } from "./rsa-expectation.ts";

const server = new UsbIpServer();
let reader: CcidClient;
let client: PivClient;

beforeAll(async () => {
  server.export(await createSecurityKey({ store: new MemoryKeyStore(), presence: new PendingPresence() }));
  const { address: host, port } = await server.listen({ port: 0 });
  reader = await CcidClient.open(await attachDevice({ host, port }));
  await reader.powerOn();
  client = new PivClient((command) => reader.transmit(command));
  await client.select();
  await client.authenticate();
  await client.verifyPin();
});
afterAll(() => server.close());

test.each([
  ["RSA 3072", Algorithm.RSA3072],
  ["RSA 4096", Algorithm.RSA4096],
])("%s", async (_, algorithm) => {
  const publicKey = await client.generate(0x9a, algorithm);
  await expectRsa(client, publicKey, algorithm);
  expect(new X509Certificate(await client.attest(0x9a)).publicKey.equals(publicKey)).toBe(true);
});

test("Ed25519", async () => {
  const message = Buffer.alloc(2000, "Latchkey");
  const publicKey = await client.generate(0x9a, Algorithm.ED25519);
  expect(verify(null, message, publicKey, await client.sign(0x9a, Algorithm.ED25519, message))).toBe(true);
});

test("X25519", async () => {
  const publicKey = await client.generate(0x9d, Algorithm.X25519);
  const peer = generateKeyPairSync("x25519");
  const point = peer.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const secret = await client.agree(0x9d, Algorithm.X25519, point);
  expect(diffieHellman({ privateKey: peer.privateKey, publicKey }).equals(secret)).toBe(true);
});

test("The longest object", async () => {
  const content = Uint8Array.from({ length: 3046 }, (_, i) => i); // what one command has room for
  await client.putObject(0x5fc105, content);
  expect(await client.getObject(0x5fc105)).toEqual(content);
});
