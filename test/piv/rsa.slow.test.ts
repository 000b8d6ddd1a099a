// RSA keys of the two lengths that take seconds to generate, verified by OpenSSL like the others.
import { X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { Algorithm } from "../support/piv-client.ts";
import { createSelectedPiv } from "./rig.ts";
import { expectRsa } from "./rsa-expectation.ts";

it.each([
  ["3072", Algorithm.RSA3072],
  ["4096", Algorithm.RSA4096],
])("A generated RSA %s key signs, deciphers and is attested", async (_, algorithm) => {
  const { client } = await createSelectedPiv();
  await client.authenticate();
  await client.verifyPin();
  const publicKey = await client.generate(0x9a, algorithm);
  await expectRsa(client, publicKey, algorithm);
  expect(new X509Certificate(await client.attest(0x9a)).publicKey.equals(publicKey)).toBe(true);
});
