// Ed25519, which signs a message (not a digest), and X25519, which agrees on secrets: Yubico's additions of firmware 5.7.
// Keys and points are as in RFC 8032 and RFC 7748, little-endian.
import { eddsaCertificateSigner } from "../../../src/crypto/certificate-signers.ts";
import { ED25519, X25519 } from "../../../src/crypto/curves.ts";
import { deriveEdPublicKey, generateEdKeyPair, importEdPrivateKey, signEddsa } from "../../../src/crypto/eddsa.ts";
import { encodeEdPublicKeyInfo } from "../../../src/crypto/x509.ts";
import { computeXdh, deriveXdhPublicKey, generateXdhKeyPair, importXdhPrivateKey } from "../../../src/crypto/xdh.ts";
import { encodeTlv } from "../../../src/iso7816/tlv.ts";
import { type KeyAlgorithm, type KeyPairBytes, POINT_TAG, requireImported } from "./algorithm.ts";

const ImportTag = { ED25519: 0x07, X25519: 0x08 } as const;

export function ed25519(id: number): KeyAlgorithm {
  const keyObject = ({ privateKey, publicKey }: KeyPairBytes) => importEdPrivateKey(ED25519, privateKey, publicKey);
  return {
    id,
    name: "Ed25519",
    canAttest: true,
    generate: async () => generateEdKeyPair(ED25519),
    parseImport(objects) {
      const privateKey = requireImported(objects, ImportTag.ED25519, ED25519.bytes);
      return { privateKey, publicKey: deriveEdPublicKey(ED25519, privateKey) };
    },
    encodePublicKey: (publicKey) => encodeTlv(POINT_TAG, publicKey),
    encodePublicKeyInfo: (publicKey) => encodeEdPublicKeyInfo(ED25519, publicKey),
    answer: (key, message) => signEddsa(keyObject(key), message),
    certificateSigner: (key) => eddsaCertificateSigner(ED25519, keyObject(key)),
  };
}

export function x25519(id: number): KeyAlgorithm {
  return {
    id,
    name: "X25519",
    canAttest: false,
    generate: async () => generateXdhKeyPair(X25519),
    parseImport(objects) {
      const privateKey = requireImported(objects, ImportTag.X25519, X25519.bytes);
      return { privateKey, publicKey: deriveXdhPublicKey(X25519, privateKey) };
    },
    encodePublicKey: (publicKey) => encodeTlv(POINT_TAG, publicKey),
    encodePublicKeyInfo: (publicKey) => encodeEdPublicKeyInfo(X25519, publicKey),
    agree: ({ privateKey, publicKey }, peerPublicKey) =>
      computeXdh(X25519, importXdhPrivateKey(X25519, privateKey, publicKey), peerPublicKey),
  };
}
