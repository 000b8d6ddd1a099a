import { createPublicKey, X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import {
  ecdsaCertificateSigner,
  eddsaCertificateSigner,
  rsaCertificateSigner,
} from "../../src/crypto/certificate-signers.ts";
import {
  BRAINPOOL_P256R1,
  BRAINPOOL_P384R1,
  BRAINPOOL_P512R1,
  ED448,
  ED25519,
  P256,
  P384,
  P521,
  SECP256K1,
  X448,
  X25519,
} from "../../src/crypto/curves.ts";
import { generateEcKeyPair, importEcPrivateKey, importEcPublicKey } from "../../src/crypto/ec-key.ts";
import { generateEdKeyPair, importEdPrivateKey } from "../../src/crypto/eddsa.ts";
import { importRsaPrivateKey, importRsaPublicKey, type RsaPrivateKeyParts } from "../../src/crypto/rsa.ts";
import {
  type Certificate,
  type CertificateHash,
  type CertificateSigner,
  encodeCertificate,
  encodeEcPublicKeyInfo,
  encodeEdPublicKeyInfo,
  encodeRsaPublicKeyInfo,
  NO_EXPIRY,
  subjectOf,
} from "../../src/crypto/x509.ts";
import { generateXdhKeyPair } from "../../src/crypto/xdh.ts";
import { readVectors } from "../support/vectors.ts";
import { type HexParts, toParts } from "./rsa-parts.ts";

const { signing } = readVectors<{ signing: { vectors: { key: HexParts }[] } }>("rsa");
const [rsa] = signing.vectors.map(({ key }) => toParts(key)) as [RsaPrivateKeyParts];

const issue = (subjectPublicKeyInfo: Uint8Array, signer: CertificateSigner, parts: Partial<Certificate> = {}) =>
  encodeCertificate(
    {
      serialNumber: Uint8Array.of(1),
      issuer: [["CN", "Issuer"]],
      subject: [
        ["C", "CH"],
        ["CN", "Subject é"],
      ],
      notBefore: "2024-01-01T00:00:00Z",
      notAfter: NO_EXPIRY,
      subjectPublicKeyInfo,
      extensions: [],
      ...parts,
    },
    signer,
  );

/** OpenSSL's own encoding of the key in a certificate. */
const keyInfoIn = (certificate: Uint8Array) =>
  toHex(new X509Certificate(certificate).publicKey.export({ format: "der", type: "spki" }));

const isSelfSigned = (certificate: Uint8Array) => {
  const read = new X509Certificate(certificate);
  return read.verify(read.publicKey);
};

describe("A certificate that its own key signed verifies in OpenSSL, which reads the key as we wrote it", () => {
  test.each(["sha256", "sha384", "sha512"] as const)("RSA over %s", (hash: CertificateHash) => {
    const keyInfo = encodeRsaPublicKeyInfo(rsa.n, rsa.e);
    const certificate = issue(keyInfo, rsaCertificateSigner(importRsaPrivateKey(rsa), hash));
    expect(isSelfSigned(certificate)).toBe(true);
    expect(keyInfoIn(certificate)).toBe(toHex(keyInfo));
    expect(toHex(importRsaPublicKey(rsa.n, rsa.e).export({ format: "der", type: "spki" }))).toBe(toHex(keyInfo));
  });

  test.each([
    { curve: P256, hash: "sha256" },
    { curve: P384, hash: "sha384" },
    { curve: P521, hash: "sha512" },
    { curve: SECP256K1, hash: "sha256" },
    { curve: BRAINPOOL_P256R1, hash: "sha256" },
    { curve: BRAINPOOL_P384R1, hash: "sha384" },
    { curve: BRAINPOOL_P512R1, hash: "sha512" },
  ] as const)("ECDSA, $curve.name over $hash", ({ curve, hash }) => {
    const { privateKey, publicKey } = generateEcKeyPair(curve);
    const keyInfo = encodeEcPublicKeyInfo(curve, publicKey);
    const key = importEcPrivateKey(curve, privateKey, publicKey);
    const certificate = issue(keyInfo, ecdsaCertificateSigner(key, hash));
    expect(isSelfSigned(certificate)).toBe(true);
    expect(keyInfoIn(certificate)).toBe(toHex(keyInfo));
    expect(toHex(importEcPublicKey(curve, publicKey).export({ format: "der", type: "spki" }))).toBe(toHex(keyInfo));
  });

  test.each([ED25519, ED448])("EdDSA, $name", (curve) => {
    const { privateKey, publicKey } = generateEdKeyPair(curve);
    const keyInfo = encodeEdPublicKeyInfo(curve, publicKey);
    const certificate = issue(keyInfo, eddsaCertificateSigner(curve, importEdPrivateKey(curve, privateKey, publicKey)));
    expect(isSelfSigned(certificate)).toBe(true);
    expect(keyInfoIn(certificate)).toBe(toHex(keyInfo));
  });

  test.each([X25519, X448])("$name, which signs nothing, certified by another", (curve) => {
    const { publicKey } = generateXdhKeyPair(curve);
    const keyInfo = encodeEdPublicKeyInfo(curve, publicKey);
    const certificate = issue(keyInfo, rsaCertificateSigner(importRsaPrivateKey(rsa), "sha256"));
    expect(new X509Certificate(certificate).verify(importRsaPublicKey(rsa.n, rsa.e))).toBe(true);
    expect(keyInfoIn(certificate)).toBe(toHex(keyInfo));
    expect(createPublicKey({ key: Buffer.from(keyInfo), format: "der", type: "spki" }).asymmetricKeyType).toBe(
      curve.keyType,
    );
  });
});

describe("The subject of a certificate", () => {
  const keyInfo = encodeRsaPublicKeyInfo(rsa.n, rsa.e);
  const signer = rsaCertificateSigner(importRsaPrivateKey(rsa), "sha256");
  const parent = issue(keyInfo, signer);

  test("goes into another one as its issuer, byte for byte", () => {
    const name = subjectOf(parent);
    expect(toHex(name)).toBe("3022310b30090603550406130243483113301106035504030c0a5375626a65637420c3a9");
    const child = issue(keyInfo, signer, { issuer: name, subject: [["CN", "Child"]] });
    const [readParent, readChild] = [new X509Certificate(parent), new X509Certificate(child)];
    expect(readChild.issuer).toBe(readParent.subject);
    expect(readChild.checkIssued(readParent)).toBe(true);
    expect(toHex(subjectOf(child))).not.toBe(toHex(name));
  });

  test("is not read from what is no certificate", () => {
    for (const hex of ["", "30", "3000", "30023000", "5000", "ffffffff"]) {
      expect(() => subjectOf(fromHex(hex))).toThrow(RangeError);
    }
    expect(() => subjectOf(parent.subarray(0, -1))).toThrow(RangeError);
  });
});
