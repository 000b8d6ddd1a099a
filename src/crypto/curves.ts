// The elliptic curves, and which engine does what with them. Everything in src/crypto hides that choice:
//
//   operation                                  engine                    why
//   ECDSA over a message, EdDSA, ECDH, XDH     node:crypto (OpenSSL)     constant time, 20 to 35 times faster
//   key pairs, public key of a scalar          node:crypto (OpenSSL)     the same
//   RSA, whole: also over a ready DigestInfo   node:crypto (OpenSSL)     the same, and blinded
//   hashes, HMAC, HKDF, AES, Triple DES        node:crypto (OpenSSL)     the same
//   ECDSA over a digest made elsewhere         @noble/curves             Node always hashes (see ecdsa-digest.ts)
//   the exponents of an RSA key's primes       BigInt                    Node has no arithmetic (see rsa.ts)
//   ML-DSA                                     @noble/post-quantum       Node 20's OpenSSL has none
//
// Private keys travel as raw big-endian scalars or seeds (X25519 and X448: RFC 7748's little-endian scalars), public
// keys as SEC1 §2.3.3 uncompressed points or RFC 8032 or RFC 7748 bytes. A KeyObject is only ever made by import, from
// a JWK where that is faster: reading DER costs OpenSSL 3.0 about 0.1 ms, for Edwards curves 0.3 (see also ec-key.ts).
// Never export one: in Node 20, `export` of a key that `generateKeyPair` made deadlocks when it meets a garbage
// collection (the generating job's destructor takes the lock that the export holds).

/** A Weierstrass curve for ECDSA and ECDH. */
export interface EcCurve {
  /** Its JOSE name, or RFC 5639's. */
  readonly name: JoseEcCurve["name"] | "brainpoolP256r1" | "brainpoolP384r1" | "brainpoolP512r1";
  /** OpenSSL's name. */
  readonly openssl: string;
  /** RFC 5480 §2.1.1.1, SEC 2, RFC 5639 §4.1. */
  readonly oid: string;
  /** Length of a scalar and of a coordinate. */
  readonly bytes: number;
}

/** A curve that JOSE and COSE have names for. RFC 7518 §6.2.1.1, RFC 8812 §3.1 */
export interface JoseEcCurve extends EcCurve {
  readonly name: "P-256" | "P-384" | "P-521" | "secp256k1";
}

export const P256: JoseEcCurve = { name: "P-256", openssl: "prime256v1", oid: "1.2.840.10045.3.1.7", bytes: 32 };
export const P384: JoseEcCurve = { name: "P-384", openssl: "secp384r1", oid: "1.3.132.0.34", bytes: 48 };
export const P521: JoseEcCurve = { name: "P-521", openssl: "secp521r1", oid: "1.3.132.0.35", bytes: 66 };
export const SECP256K1: JoseEcCurve = { name: "secp256k1", openssl: "secp256k1", oid: "1.3.132.0.10", bytes: 32 };
export const BRAINPOOL_P256R1 = brainpool("brainpoolP256r1", 7, 32);
export const BRAINPOOL_P384R1 = brainpool("brainpoolP384r1", 11, 48);
export const BRAINPOOL_P512R1 = brainpool("brainpoolP512r1", 13, 64);

function brainpool(name: EcCurve["name"], arc: number, bytes: number): EcCurve {
  return { name, openssl: name, oid: `1.3.36.3.3.2.8.1.1.${arc}`, bytes };
}

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

/** A Montgomery curve for Diffie-Hellman alone. */
export interface XCurve {
  /** Its JOSE name, RFC 8037 §2. */
  readonly name: "X25519" | "X448";
  readonly keyType: "x25519" | "x448";
  /** RFC 8410 §3. */
  readonly oid: string;
  /** Length of a private key, a public key and a shared secret. */
  readonly bytes: number;
}

export const X25519: XCurve = { name: "X25519", keyType: "x25519", oid: "1.3.101.110", bytes: 32 };
export const X448: XCurve = { name: "X448", keyType: "x448", oid: "1.3.101.111", bytes: 56 };

export interface KeyPair {
  /** A scalar or seed, of the curve's length. */
  readonly privateKey: Uint8Array;
  /** 04 x y for a Weierstrass curve, RFC 8032's or RFC 7748's encoding for the others. */
  readonly publicKey: Uint8Array;
}
