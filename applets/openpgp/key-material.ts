// A private key and its public key: making, keeping and showing it. OpenPGP 3.4.1 §7.2.14 (public keys)
import { concat } from "../../src/bytes/concat.ts";
import { type EcCurve, type EdCurve, type KeyPair, X25519, type XCurve } from "../../src/crypto/curves.ts";
import { deriveEcPublicKey, generateEcKeyPair } from "../../src/crypto/ec-key.ts";
import { deriveEdPublicKey, generateEdKeyPair } from "../../src/crypto/eddsa.ts";
import {
  encodeRsaPrivateKey,
  generateRsaKeyPair,
  parseRsaPrivateKey,
  type RsaPrivateKeyParts,
} from "../../src/crypto/rsa.ts";
import { deriveXdhPublicKey, generateXdhKeyPair } from "../../src/crypto/xdh.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { KeyAlgorithm } from "./algorithms.ts";

export type KeyMaterial =
  | { readonly kind: "rsa"; readonly parts: RsaPrivateKeyParts }
  | { readonly kind: "ec"; readonly curve: EcCurve; readonly pair: KeyPair }
  | { readonly kind: "ed"; readonly curve: EdCurve; readonly pair: KeyPair }
  | { readonly kind: "x"; readonly curve: XCurve; readonly pair: KeyPair };

export async function generateKeyMaterial(algorithm: KeyAlgorithm): Promise<KeyMaterial> {
  switch (algorithm.kind) {
    case "rsa":
      return { kind: "rsa", parts: await generateRsaKeyPair(algorithm.bits) };
    case "ec":
      return { ...algorithm, pair: generateEcKeyPair(algorithm.curve) };
    case "ed":
      return { ...algorithm, pair: generateEdKeyPair(algorithm.curve) };
    case "x":
      return { ...algorithm, pair: generateXdhKeyPair(algorithm.curve) };
  }
}

/** The key of an imported scalar or seed, as long as the curve's. Throws RangeError for a scalar out of range. */
export function completeKeyMaterial(
  algorithm: Exclude<KeyAlgorithm, { kind: "rsa" }>,
  imported: Uint8Array,
): KeyMaterial {
  switch (algorithm.kind) {
    case "ec":
      return { ...algorithm, pair: withPublicKey(imported, deriveEcPublicKey(algorithm.curve, imported)) };
    case "ed":
      return { ...algorithm, pair: withPublicKey(imported, deriveEdPublicKey(algorithm.curve, imported)) };
    case "x": {
      // OpenPGP's Curve25519 secrets are big-endian integers; everything else about X25519 and X448 is little-endian.
      const scalar = algorithm.curve === X25519 ? imported.toReversed() : imported;
      return { ...algorithm, pair: withPublicKey(scalar, deriveXdhPublicKey(algorithm.curve, scalar)) };
    }
  }
}

function withPublicKey(privateKey: Uint8Array, publicKey: Uint8Array): KeyPair {
  return { privateKey: Uint8Array.from(privateKey), publicKey };
}

/** RSAPrivateKey in DER, or the private key and the public key one after the other. */
export function encodeKeyMaterial(material: KeyMaterial): Uint8Array {
  return material.kind === "rsa"
    ? encodeRsaPrivateKey(material.parts)
    : concat(material.pair.privateKey, material.pair.publicKey);
}

/** What encodeKeyMaterial encoded. */
export function parseKeyMaterial(algorithm: KeyAlgorithm, bytes: Uint8Array): KeyMaterial {
  if (algorithm.kind === "rsa") return { kind: "rsa", parts: parseRsaPrivateKey(bytes) };
  const { bytes: length } = algorithm.curve;
  return { ...algorithm, pair: { privateKey: bytes.subarray(0, length), publicKey: bytes.subarray(length) } };
}

/** 7F49: modulus and exponent, or the point; X25519 and the Edwards curves have no prefix before it. */
export function encodePublicKey(material: KeyMaterial): Uint8Array {
  return material.kind === "rsa"
    ? encodeTlv(0x7f49, encodeTlv(0x81, material.parts.n), encodeTlv(0x82, material.parts.e))
    : encodeTlv(0x7f49, encodeTlv(0x86, material.pair.publicKey));
}
