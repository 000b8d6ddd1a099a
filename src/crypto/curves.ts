// The elliptic curves, and which engine does what with them. Everything in src/crypto hides that choice:
//
//   operation                                  engine                    why
//   ECDSA over a message, EdDSA, ECDH          node:crypto (OpenSSL)     constant time, 20 to 35 times faster
//   key pairs, public key of a scalar          node:crypto (OpenSSL)     the same
//   hashes, HMAC, HKDF, AES                    node:crypto (OpenSSL)     the same
//   ECDSA over a digest made elsewhere         @noble/curves             Node always hashes
//   ML-DSA                                     @noble/post-quantum       Node 20's OpenSSL has none
//
// Private keys travel as raw big-endian scalars or seeds, public keys as SEC1 §2.3.3 uncompressed points or RFC 8032
// bytes. A KeyObject is only ever made by import, from a JWK: reading DER costs OpenSSL 3.0 four to ten times that.
// Never export one: in Node 20, `export` of a key that `generateKeyPair` made deadlocks when it meets a garbage
// collection (the generating job's destructor takes the lock that the export holds).

/** A Weierstrass curve for ECDSA and ECDH. */
export interface EcCurve {
  /** Its JOSE name, RFC 7518 §6.2.1.1 and RFC 8812 §3.1. */
  readonly name: "P-256" | "P-384" | "P-521" | "secp256k1";
  /** OpenSSL's name. */
  readonly openssl: string;
  /** RFC 5480 §2.1.1.1, SEC 2. */
  readonly oid: string;
  /** Length of a scalar and of a coordinate. */
  readonly bytes: number;
}

export const P256: EcCurve = { name: "P-256", openssl: "prime256v1", oid: "1.2.840.10045.3.1.7", bytes: 32 };
export const P384: EcCurve = { name: "P-384", openssl: "secp384r1", oid: "1.3.132.0.34", bytes: 48 };
export const P521: EcCurve = { name: "P-521", openssl: "secp521r1", oid: "1.3.132.0.35", bytes: 66 };
export const SECP256K1: EcCurve = { name: "secp256k1", openssl: "secp256k1", oid: "1.3.132.0.10", bytes: 32 };

/** An Edwards curve for EdDSA. */
export interface EdCurve {
  /** Its JOSE name, RFC 8037 §2. */
  readonly name: "Ed25519" | "Ed448";
  readonly keyType: "ed25519" | "ed448";
  /** RFC 8410 §3. */
  readonly oid: string;
  /** Length of a seed and of a public key. */
  readonly bytes: number;
}

export const ED25519: EdCurve = { name: "Ed25519", keyType: "ed25519", oid: "1.3.101.112", bytes: 32 };
export const ED448: EdCurve = { name: "Ed448", keyType: "ed448", oid: "1.3.101.113", bytes: 57 };

export interface KeyPair {
  /** A scalar or seed, of the curve's length. */
  readonly privateKey: Uint8Array;
  /** 04 x y for a Weierstrass curve, RFC 8032's encoding for an Edwards curve. */
  readonly publicKey: Uint8Array;
}
