// What an RSA key in slot 9A must do, held to OpenSSL.
import { createHash, type KeyObject, publicEncrypt, verify } from "node:crypto";
import { expect } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { type PivClient, padPkcs1 } from "../support/piv-client.ts";

const message = Buffer.from("Latchkey");
const SHA256_INFO = fromHex("3031300d060960864801650304020105000420");

/** Signs and deciphers with the key, whose public half is `publicKey`. The PIN has been given. */
export async function expectRsa(client: PivClient, publicKey: KeyObject, algorithm: number): Promise<void> {
  const length = (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  const digest = createHash("sha256").update(message).digest();
  const signature = await client.sign(0x9a, algorithm, padPkcs1(concat(SHA256_INFO, digest), length));
  expect(verify("sha256", message, publicKey, signature)).toBe(true);
  const padded = await client.sign(0x9a, algorithm, publicEncrypt({ key: publicKey, padding: 1 }, message));
  expect(Buffer.from(padded.subarray(-message.length))).toEqual(message);
}
