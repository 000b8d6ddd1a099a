// Attestations, and the attestation key: every certificate is read and verified by OpenSSL.
import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { P384 } from "../../src/crypto/curves.ts";
import { generateEcKeyPair } from "../../src/crypto/ec-key.ts";
import { encodeTlv, findTlv, parseTlvs } from "../../src/iso7816/tlv.ts";
import { Algorithm, type PivClient, statusOf } from "../support/piv-client.ts";
import { createPivRig, createSelectedPiv } from "./rig.ts";

const ATTESTATION_CERTIFICATE = 0x5fff01;

async function attestationCertificate(client: PivClient): Promise<X509Certificate> {
  const content = await client.getObject(ATTESTATION_CERTIFICATE);
  return new X509Certificate(findTlv(parseTlvs(content), 0x70) ?? content);
}

test.each([
  ["RSA 1024", 0x82, Algorithm.RSA1024],
  ["P-256", 0x9a, Algorithm.P256],
  ["P-384", 0x9c, Algorithm.P384],
  ["Ed25519", 0x9e, Algorithm.ED25519],
  ["X25519", 0x9d, Algorithm.X25519],
])("A %s key is attested by a certificate that chains to the attestation key's", async (_, slot, algorithm) => {
  const { client } = await createSelectedPiv();
  await client.authenticate();
  const publicKey = await client.generate(slot, algorithm, { pin: 2, touch: 3 });
  const attestation = new X509Certificate(await client.attest(slot));
  const authority = await attestationCertificate(client);

  expect(attestation.publicKey.equals(publicKey)).toBe(true);
  expect(attestation.subject).toBe(`CN=Latchkey PIV Attestation ${slot.toString(16)}`);
  expect(attestation.checkIssued(authority)).toBe(true);
  expect(attestation.verify(authority.publicKey)).toBe(true);
  expect(attestation.ca).toBe(false);
  // 41482.3.8: PIN policy once, touch policy cached; 41482.3.7: 12345678; 41482.3.3: 5.7.4; 41482.3.9: USB-A.
  const hex = toHex(attestation.raw);
  for (const [last, value] of [
    ["08", "04020203"],
    ["07", "0406020400bc614e"],
    ["03", "0403050704"],
    ["09", "040101"],
  ]) {
    expect(hex).toContain(`060a2b0601040182c40a03${last}${value}`);
  }
});

test("The attestation key is certified by itself, as an authority that certifies no others", async () => {
  const { client } = await createSelectedPiv();
  const authority = await attestationCertificate(client);
  expect(authority.verify(authority.publicKey)).toBe(true);
  expect(authority.ca).toBe(true);
  expect(authority.subject).toBe("CN=Latchkey PIV Attestation");
  expect(authority.subject).toBe(authority.issuer);
});

test("Each store has its own attestation key, and keeps it", async () => {
  const one = await createSelectedPiv();
  const other = await createSelectedPiv();
  const again = await createSelectedPiv({ store: one.platform.store });
  const [first, second, same] = await Promise.all(
    [one, other, again].map(async ({ client }) => (await attestationCertificate(client)).fingerprint256),
  );
  expect(second).not.toBe(first);
  expect(same).toBe(first);
});

test("Nothing is written before the application is selected for the first time, and nothing at the next", async () => {
  const { client, platform } = createPivRig();
  expect(platform.store.snapshot()).toEqual({});
  await client.select();
  const delivered = platform.store.snapshot();
  expect(Object.keys(delivered)).toEqual(["piv/key/f9", "piv/object/5fff01"]);
  await client.select();
  expect(platform.store.snapshot()).toEqual(delivered);
});

test("The owner may put another attestation key and certificate in, whose name the attestations then carry", async () => {
  const { client } = await createSelectedPiv();
  await client.authenticate();
  const { privateKey } = generateEcKeyPair(P384);
  await client.importKey(0xf9, Algorithm.P384, encodeTlv(0x06, privateKey));
  await client.generate(0x9a, Algorithm.P256);
  // Of another key, but what counts here is its name.
  const named = new X509Certificate(await client.attest(0x9a));
  await client.putObject(ATTESTATION_CERTIFICATE, concat(encodeTlv(0x70, named.raw), fromHex("710100fe00")));
  const attestation = new X509Certificate(await client.attest(0x9a));
  expect(attestation.issuer).toBe("CN=Latchkey PIV Attestation 9a");
  expect((await client.metadata(0xf9))[3]).toBe("02");
});

test.each(["", "7000", "70020000710101", "a5"])(
  "Without a certificate that can be read (%s) nothing is attested",
  async (hex) => {
    const { client } = await createSelectedPiv();
    await client.authenticate();
    await client.generate(0x9a, Algorithm.P256);
    await client.putObject(ATTESTATION_CERTIFICATE, fromHex(hex));
    expect(await statusOf(client.attest(0x9a))).toBe(0x6a80);
  },
);
