// Attestation certificates, read by node:crypto; and the longer lists of a card that shows its attestation key.
import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { toHex } from "../../src/bytes/hex.ts";
import { inside, Key, type OpenPgpCard, openCard } from "../support/openpgp-client.ts";

const SIG_CERTIFICATE = 2;

async function attest(card: OpenPgpCard, reference: number, occurrence: number): Promise<X509Certificate> {
  await card.expect(0xfb, reference, 0x00, "", { cla: 0x80 });
  await card.expect(0xa5, occurrence, 0x04, "60045c027f21");
  return new X509Certificate(await card.getData(0x7f21));
}

/** The DER inside the extension 1.3.6.1.4.1.41482.5.n, found by its OID, in hexadecimal. */
function extension(certificate: X509Certificate, n: number): string | undefined {
  const oid = `060a2b0601040182c40a05${n.toString(16).padStart(2, "0")}04`;
  const found = new RegExp(`${oid}(..)(.*)`).exec(toHex(certificate.raw));
  return found?.[2]?.slice(0, Number.parseInt(found[1] ?? "", 16) * 2);
}

test("A generated key is attested by the attestation key that the card makes itself", async () => {
  const card = await openCard({ verified: [0x81, 0x83] });
  await card.putData(0x5b, Buffer.from("Doe<<Jo"));
  await card.putData(0xc1, "132a8648ce3d030107");
  const point = (await card.generate(Key.sig)).get(0x86) ?? new Uint8Array(0);
  await card.putData(0xc7, "ab".repeat(20));
  await card.putData(0xce, "5f000000");
  const certificate = await attest(card, 0x01, SIG_CERTIFICATE);
  const issuer = new X509Certificate(await card.getData(0xfc));

  expect(certificate.subject).toBe("CN=Latchkey OPGP Attestation SIG");
  expect(certificate.issuer).toBe("CN=Latchkey OPGP Attestation");
  expect(certificate.verify(issuer.publicKey)).toBe(true);
  expect(issuer.verify(issuer.publicKey)).toBe(true);
  expect(toHex(certificate.publicKey.export({ format: "der", type: "spki" }))).toMatch(new RegExp(`${toHex(point)}$`));
  expect(Object.fromEntries(Array.from({ length: 9 }, (_, i) => [i + 1, extension(certificate, i + 1)]))).toEqual({
    1: "0c07446f653c3c4a6f",
    2: "020101",
    3: "0403050704",
    4: `0414${"ab".repeat(20)}`,
    5: "04045f000000",
    6: "020100",
    7: "020400bc614e", // 12345678
    8: "040100",
    9: "040100",
  });
});

test("Each of the keys has its own certificate, and an imported attestation key signs under its own certificate's name", async () => {
  const card = await openCard({ verified: [0x82, 0x83] });
  const own = await openCard({ verified: [0x82, 0x83] });
  for (const [tag, attributes] of [
    [0xc2, "122b060104019755010501"],
    [0xc3, "162b06010401da470f01"],
  ] as const) {
    expect(await card.putData(tag, attributes)).toBe("9000");
  }
  await card.generate(Key.dec);
  await card.generate(Key.aut);
  // Some other attestation certificate: that of the other card's own key.
  await own.putData(0xc3, "132a8648ce3d030107");
  await own.generate(Key.aut);
  await attest(own, 0x03, 0);
  expect(await card.putData(0xda, "162b06010401da470f01")).toBe("9000");
  expect(await card.importKey(Key.att, [[0x92, new Uint8Array(32).fill(7)]])).toBe("9000");
  expect(await card.putData(0xfc, await own.getData(0xfc))).toBe("9000");

  const dec = await attest(card, 0x02, 1);
  const aut = await attest(card, 0x03, 0);
  expect([dec.subject, aut.subject]).toEqual(["CN=Latchkey OPGP Attestation DEC", "CN=Latchkey OPGP Attestation AUT"]);
  expect(dec.issuer).toBe("CN=Latchkey OPGP Attestation");
  expect(extension(dec, 6)).toBeUndefined(); // only the signature key counts
  expect(dec.raw.toString("hex")).toContain("06032b6570"); // signed with Ed25519
});

test.each(["132b81040022", "132b81040023", "162b6571", "132b2403030208010107"])(
  "An attestation key of %s signs",
  async (attributes) => {
    const card = await openCard({ verified: [0x81, 0x83] });
    await card.putData(0xda, attributes);
    await card.putData(0xc1, "162b06010401da470f01");
    await card.generate(Key.sig);
    const certificate = await attest(card, 0x01, SIG_CERTIFICATE);
    expect(certificate.verify(new X509Certificate(await card.getData(0xfc)).publicKey)).toBe(true);
  },
);

test("A card that lists its attestation key has a fourth place in every list, as a YubiKey has", async () => {
  const card = await openCard({ verified: [0x83], openpgp: { manufacturer: 0x0006, isYubiKey: true } });
  expect(toHex(await card.getData(0x4f))).toBe("d2760001240103040006123456780000");
  const data = await card.getData(0x6e);
  expect(toHex(inside(data, 0x6e, 0x5f52))).toBe("00730000e0059000");
  const lengths = [0xc5, 0xc6, 0xcd, 0xde].map((tag) => inside(data, 0x6e, 0x73, tag).length);
  expect(lengths).toEqual([80, 80, 16, 8]);
  expect(toHex(inside(data, 0x6e, 0x73, 0xda))).toBe("132a8648ce3d030107");
  expect(toHex(inside(data, 0x6e, 0x73, 0xd9))).toBe("0020");
  await card.generate(Key.att);
  expect(toHex(await card.getData(0xde))).toBe("0100020003008101");
});
