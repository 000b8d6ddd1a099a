import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { P256, P384 } from "../../src/crypto/curves.ts";
import {
  derBitString,
  derBoolean,
  derExplicit,
  derInteger,
  derObjectIdentifier,
  derOctetString,
  derPrintableString,
  derSequence,
  derSetOf,
  derTime,
  derUtf8String,
} from "../../src/crypto/der.ts";
import { generateEcKeyPair, importEcPrivateKey } from "../../src/crypto/ec-key.ts";
import { signEcdsa } from "../../src/crypto/ecdsa.ts";
import {
  type Certificate,
  encodeCertificate,
  encodeEcdsaAlgorithm,
  encodeEcPublicKeyInfo,
  NO_EXPIRY,
  toSerialNumber,
} from "../../src/crypto/x509.ts";

describe("DER", () => {
  test.each([
    ["00", "020100"],
    ["", "020100"],
    ["7f", "02017f"],
    ["80", "02020080"],
    ["0000ff", "020200ff"],
    ["0100", "02020100"],
  ])("The integer %s is %s", (value, encoded) => {
    expect(toHex(derInteger(fromHex(value)))).toBe(encoded);
  });

  test.each([
    ["1.2.840.10045.3.1.7", "06082a8648ce3d030107"],
    ["2.5.4.3", "0603550403"],
    ["1.3.6.1.4.1.45724.2.1.1", "060b2b0601040182e51c020101"],
    ["2.999", "06028837"],
  ])("The object identifier %s is %s", (dotted, encoded) => {
    expect(toHex(derObjectIdentifier(dotted))).toBe(encoded);
  });

  test.each([
    [127, "047f"],
    [128, "048180"],
    [255, "0481ff"],
    [256, "04820100"],
    [65_536, "0483010000"],
  ])("A length of %i is written as %s", (length, head) => {
    const encoded = derOctetString(new Uint8Array(length));
    expect(toHex(encoded.subarray(0, head.length / 2))).toBe(head);
    expect(encoded).toHaveLength(head.length / 2 + length);
  });

  test("Times are UTCTime until 2049 and GeneralizedTime from 2050 on", () => {
    expect(Buffer.from(derTime("2049-12-31T23:59:59Z")).toString("latin1")).toBe("\x17\x0d491231235959Z");
    expect(Buffer.from(derTime("2050-01-01T00:00:00Z")).toString("latin1")).toBe("\x18\x0f20500101000000Z");
    expect(Buffer.from(derTime(NO_EXPIRY)).toString("latin1")).toBe("\x18\x0f99991231235959Z");
  });

  test("The rest", () => {
    expect(toHex(derBoolean(true))).toBe("0101ff");
    expect(toHex(derBoolean(false))).toBe("010100");
    expect(toHex(derBitString(Uint8Array.of(0x20), 5))).toBe("03020520");
    expect(toHex(derUtf8String("é"))).toBe("0c02c3a9");
    expect(toHex(derPrintableString("CH"))).toBe("13024348");
    expect(toHex(derSequence())).toBe("3000");
    expect(toHex(derSetOf(derBoolean(true)))).toBe("31030101ff");
    expect(toHex(derExplicit(3, derBoolean(true)))).toBe("a3030101ff");
  });
});

test("a serial number is positive and 16 bytes long, whatever the random bytes are", () => {
  expect(toHex(toSerialNumber(new Uint8Array(16).fill(0x00)))).toBe(`40${"00".repeat(15)}`);
  expect(toHex(toSerialNumber(new Uint8Array(16).fill(0xff)))).toBe(`7f${"ff".repeat(15)}`);
});

describe("A certificate", () => {
  const { privateKey, publicKey } = generateEcKeyPair(P256);
  const key = importEcPrivateKey(P256, privateKey, publicKey);
  const signer = {
    algorithm: encodeEcdsaAlgorithm("sha256"),
    sign: (tbs: Uint8Array) => signEcdsa(key, "sha256", tbs),
  };
  const certificate: Certificate = {
    serialNumber: fromHex("7f01020304"),
    issuer: [
      ["C", "CH"],
      ["O", "Someone"],
      ["CN", "Issuer é"],
    ],
    subject: [["CN", "Subject"]],
    notBefore: "2024-02-29T12:34:56Z",
    notAfter: NO_EXPIRY,
    subjectPublicKeyInfo: encodeEcPublicKeyInfo(P256, publicKey),
    extensions: [{ oid: "2.5.29.19", critical: true, value: derSequence(derBoolean(true)) }],
  };

  test("is read by OpenSSL field by field, and verifies", () => {
    const read = new X509Certificate(encodeCertificate(certificate, signer));
    expect(read.serialNumber).toBe("7F01020304");
    expect(read.issuer).toBe("C=CH\nO=Someone\nCN=Issuer é");
    expect(read.subject).toBe("CN=Subject");
    expect(read.validFrom).toBe("Feb 29 12:34:56 2024 GMT");
    expect(read.validTo).toBe("Dec 31 23:59:59 9999 GMT");
    expect(read.ca).toBe(true);
    expect(read.verify(read.publicKey)).toBe(true);
    expect(toHex(read.publicKey.export({ format: "der", type: "spki" }))).toBe(toHex(certificate.subjectPublicKeyInfo));
  });

  test("without extensions has none, not an empty list of them", () => {
    const read = new X509Certificate(encodeCertificate({ ...certificate, extensions: [] }, signer));
    expect(read.ca).toBe(false);
    expect(read.verify(read.publicKey)).toBe(true);
  });

  test("signed with P-384 and SHA-384 verifies too", () => {
    const pair = generateEcKeyPair(P384);
    const other = importEcPrivateKey(P384, pair.privateKey, pair.publicKey);
    const encoded = encodeCertificate(
      { ...certificate, subjectPublicKeyInfo: encodeEcPublicKeyInfo(P384, pair.publicKey) },
      { algorithm: encodeEcdsaAlgorithm("sha384"), sign: (tbs) => signEcdsa(other, "sha384", tbs) },
    );
    const read = new X509Certificate(encoded);
    expect(read.verify(read.publicKey)).toBe(true);
  });
});
