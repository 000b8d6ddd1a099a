// What the applet wants of an algorithm for key pairs; table.ts has them all.
import type { CertificateSigner } from "../../../src/crypto/x509.ts";
import { findTlv, type Tlv } from "../../../src/iso7816/tlv.ts";

export interface KeyPairBytes {
  /** A scalar or seed; of RSA, an RSAPrivateKey in DER. */
  readonly privateKey: Uint8Array;
  /** A point or an encoded u or y coordinate; of RSA, the modulus. */
  readonly publicKey: Uint8Array;
}

/** What is wrong with a client's data is a RangeError, everywhere here. */
export interface KeyAlgorithm {
  readonly id: number;
  /** As people write it: "RSA 2048", "ECC P-256". */
  readonly name: string;
  /** Whether it signs certificates of other keys well enough to be the attestation key. */
  readonly canAttest: boolean;
  generate(): Promise<KeyPairBytes>;
  /** The key in the data objects of IMPORT ASYMMETRIC KEY. */
  parseImport(objects: readonly Tlv[]): KeyPairBytes;
  /** The data objects in the template 7F49. SP 800-73-4 pt 2 §3.3.2 table 19 */
  encodePublicKey(publicKey: Uint8Array): Uint8Array;
  /** A SubjectPublicKeyInfo. */
  encodePublicKeyInfo(publicKey: Uint8Array): Uint8Array;
  /** What the key answers to a challenge, tag 81: a signature, or whatever RSA makes of it. */
  readonly answer?: (key: KeyPairBytes, challenge: Uint8Array) => Uint8Array;
  /** The secret shared with the holder of a public key, tag 85. */
  readonly agree?: (key: KeyPairBytes, peerPublicKey: Uint8Array) => Uint8Array;
  readonly certificateSigner?: (key: KeyPairBytes) => CertificateSigner;
}

/** In the template 7F49: the point, or what stands for one. */
export const POINT_TAG = 0x86;

/** A private key of exactly that length. */
export function requireImported(objects: readonly Tlv[], tag: number, length: number): Uint8Array {
  const value = findTlv(objects, tag);
  if (value?.length !== length) throw new RangeError("a private key of another length");
  return value;
}
