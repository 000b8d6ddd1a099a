// RSA by OpenSSL, which blinds every private operation. RFC 8017: EMSA-PKCS1-v1_5 §9.2, RSADP §5.1.2, RSAES-PKCS1-v1_5
// §7.2, RSAPrivateKey A.1.2. Smart cards are handed a ready-made DigestInfo or cryptogram, so the padding is our work.
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generatePrime,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  sign,
  verify,
} from "node:crypto";
import { promisify } from "node:util";
import { derInteger, derSequence } from "./der.ts";
import { DerReader } from "./der-reader.ts";
import type { HashName } from "./hash.ts";

/**
 * Unsigned and big-endian. n and d have the modulus's length, the five of the Chinese remainder theorem half of that,
 * padded with zeros where need be; e has no leading zeros.
 */
export interface RsaPrivateKeyParts {
  readonly n: Uint8Array;
  readonly e: Uint8Array;
  readonly d: Uint8Array;
  readonly p: Uint8Array;
  readonly q: Uint8Array;
  /** d mod (p − 1). */
  readonly dp: Uint8Array;
  /** d mod (q − 1). */
  readonly dq: Uint8Array;
  /** 1/q mod p. */
  readonly qi: Uint8Array;
}

export type RsaModulusBits = 1024 | 2048 | 3072 | 4096;

const TEST_MESSAGE = Uint8Array.of(0);

/** 65537, Fermat's fourth number: the public exponent of every key that is generated here. */
export const F4 = Uint8Array.of(1, 0, 1);

/**
 * With e = 65537, on threads of the pool: half a second for 4096 bits, in which everything else goes on. From two
 * probable primes, FIPS 186-5 A.1.3: OpenSSL sets the two highest bits of each (which is above step 4.4's √2·2^(bits−1))
 * and tests it with 64 rounds of Miller and Rabin. That the two are too close (step 5.4) has a chance of 2^−98.
 *
 * Not by `generateKeyPair`: OpenSSL 3 searches for each prime in the steps of FIPS 186-5 A.1.6, without sieving them, and
 * for one after the other. Medians on two cores of 2.1 GHz, in ms, and what both cost one core:
 *
 *                      2048 bits   3072 bits   4096 bits
 *   generateKeyPair    166 (189)   455 (488)   1,070 (1,170)
 *   two primes          37 (66)    158 (228)     440 (540)
 */
export async function generateRsaKeyPair(modulusBits: RsaModulusBits): Promise<RsaPrivateKeyParts> {
  const [p, q] = await Promise.all([generateRsaPrime(modulusBits / 2), generateRsaPrime(modulusBits / 2)]);
  const parts = privateKeyParts(F4, p, q);
  for (const prime of [p, q]) prime.fill(0);
  // The pairwise consistency test, of which the private half takes 5 ms for 4096 bits: in the pool, too.
  const signature = await promisify(sign)("sha256", TEST_MESSAGE, importRsaPrivateKey(parts));
  if (!isTestSignature(parts, signature)) throw new Error("a generated RSA key that does not verify what it signs");
  return parts;
}

/** One whose predecessor the exponent does not divide: of those it has no inverse. FIPS 186-5 A.1.3 step 4.5 */
async function generateRsaPrime(bits: number): Promise<Uint8Array> {
  for (;;) {
    const prime = new Uint8Array(await promisify<number, ArrayBuffer>(generatePrime)(bits));
    if (toBigInt(prime) % toBigInt(F4) !== 1n) return prime; // all but one of 65,536 end here
  }
}

/**
 * The whole key of its exponent and primes, as OpenPGP and PIV import it. Throws RangeError unless the primes are
 * different, odd, of equal length and give a modulus of exactly twice that, e is odd, at least 3 and invertible, and
 * OpenSSL verifies with the key what it has signed with it: that shows whether p and q are primes.
 */
export function completeRsaPrivateKey(e: Uint8Array, p: Uint8Array, q: Uint8Array): RsaPrivateKeyParts {
  const parts = privateKeyParts(e, p, q);
  if (!worksInOpenssl(parts)) throw new RangeError("not an RSA key");
  return parts;
}

/** Throws RangeError for all that completeRsaPrivateKey does, but for what only using the key can show. */
function privateKeyParts(e: Uint8Array, p: Uint8Array, q: Uint8Array): RsaPrivateKeyParts {
  // BigInt is not constant-time, and Node offers no other arithmetic. Here it meets each private key once, when that has
  // just been sent by the host or drawn; no private operation is ever computed with it.
  const [bigE, bigP, bigQ] = [toBigInt(e), toBigInt(p), toBigInt(q)];
  const isWellFormed = p.length === q.length && bigP !== bigQ && isOdd(bigP) && isOdd(bigQ) && bigP > 1n && bigQ > 1n;
  if (!isWellFormed || !isOdd(bigE) || bigE < 3n) throw new RangeError("not the primes and exponent of an RSA key");
  const bigN = bigP * bigQ;
  if (bigN >> BigInt(p.length * 16 - 1) !== 1n) throw new RangeError("an RSA modulus that is too short");
  const lambda = ((bigP - 1n) * (bigQ - 1n)) / greatestCommonDivisor(bigP - 1n, bigQ - 1n); // FIPS 186-5 A.1.1
  const bigD = invert(bigE, lambda);
  return {
    n: fromBigInt(bigN, 2 * p.length),
    e: withoutLeadingZeros(e),
    d: fromBigInt(bigD, 2 * p.length),
    p: Uint8Array.from(p),
    q: Uint8Array.from(q),
    dp: fromBigInt(bigD % (bigP - 1n), p.length),
    dq: fromBigInt(bigD % (bigQ - 1n), p.length),
    qi: fromBigInt(invert(bigQ % bigP, bigP), p.length),
  };
}

/** RSAPrivateKey in DER. RFC 8017 A.1.2 */
export function encodeRsaPrivateKey(parts: RsaPrivateKeyParts): Uint8Array {
  const { n, e, d, p, q, dp, dq, qi } = parts;
  return derSequence(...[Uint8Array.of(0), n, e, d, p, q, dp, dq, qi].map(derInteger)); // version 0: two primes
}

/** What encodeRsaPrivateKey or OpenSSL encoded. Throws RangeError for anything else. */
export function parseRsaPrivateKey(der: Uint8Array): RsaPrivateKeyParts {
  const whole = new DerReader(der);
  const reader = whole.sequence();
  whole.end();
  const version = reader.unsignedInteger();
  if (version.length !== 1 || version[0] !== 0) throw new RangeError("an RSA key of more than two primes");
  const n = Uint8Array.from(reader.unsignedInteger());
  const e = Uint8Array.from(reader.unsignedInteger());
  const d = pad(reader.unsignedInteger(), n.length);
  const half = Math.ceil(n.length / 2);
  const next = () => pad(reader.unsignedInteger(), half);
  const parts = { n, e, d, p: next(), q: next(), dp: next(), dq: next(), qi: next() };
  reader.end();
  return parts;
}

/** RSAPublicKey in DER. RFC 8017 A.1.1 */
export function encodeRsaPublicKey(n: Uint8Array, e: Uint8Array): Uint8Array {
  return derSequence(derInteger(n), derInteger(e));
}

/** What OpenSSL signs and deciphers with. Worth keeping: the blinding that its first operation prepares takes as long again. */
export function importRsaPrivateKey(parts: RsaPrivateKeyParts): KeyObject {
  const { n, e, d, p, q, dp, dq, qi } = parts;
  const primes = { p: base64url(p), q: base64url(q), dp: base64url(dp), dq: base64url(dq), qi: base64url(qi) };
  const key = { kty: "RSA", n: base64url(n), e: base64url(e), d: base64url(d), ...primes };
  return createPrivateKey({ format: "jwk", key });
}

/** What OpenSSL verifies and enciphers with. */
export function importRsaPublicKey(n: Uint8Array, e: Uint8Array): KeyObject {
  return createPublicKey({ format: "jwk", key: { kty: "RSA", n: base64url(n), e: base64url(e) } });
}

/** RSASSA-PKCS1-v1_5 over a message. RFC 8017 §8.2 */
export function signRsa(key: KeyObject, hash: HashName, message: Uint8Array): Uint8Array {
  return sign(hash, message, key);
}

/**
 * EMSA-PKCS1-v1_5 around a DigestInfo that the host made, or any other bytes, and RSASP1; the modulus's length. Throws
 * RangeError when the DigestInfo leaves no room for eight bytes of padding.
 */
export function signRsaPkcs1(key: KeyObject, digestInfo: Uint8Array): Uint8Array {
  if (digestInfo.length > modulusLength(key) - 11) throw new RangeError("a DigestInfo too long for the RSA key");
  return privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digestInfo);
}

/** RSADP: the modulus's length, padding and all. Throws RangeError unless the cryptogram has that length and is below n. */
export function decipherRsaRaw(key: KeyObject, cryptogram: Uint8Array): Uint8Array {
  if (cryptogram.length !== modulusLength(key)) throw new RangeError("not a cryptogram of the RSA key's length");
  try {
    return privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, cryptogram);
  } catch (cause) {
    throw new RangeError("not a cryptogram of the RSA key", { cause });
  }
}

/**
 * RSAES-PKCS1-v1_5: the message, or undefined. Node 20 refuses this padding for private keys, in defence against
 * Bleichenbacher's attack: whoever learns in what way a padding is wrong deciphers by asking often. Here the padding is
 * taken off without a branch or an early exit on what was deciphered, and all that is wrong with it is one failure.
 * That there was a failure the card must say; the PIN before every deciphering and its pace are what limits asking.
 */
export function decipherRsaPkcs1(key: KeyObject, cryptogram: Uint8Array): Uint8Array | undefined {
  let encoded: Uint8Array;
  try {
    encoded = decipherRsaRaw(key, cryptogram);
  } catch {
    return undefined; // its length and size are known to whoever sent it
  }
  const start = startOfMessage(encoded);
  const message = start === 0 ? undefined : Uint8Array.from(encoded.subarray(start)); // not slice: a Buffer's is no copy
  encoded.fill(0);
  return message;
}

/** EM = 00 02 PS 00 M, PS of at least eight bytes other than zero. Where M starts, or 0. RFC 8017 §7.2.2 step 3 */
function startOfMessage(encoded: Uint8Array): number {
  let start = 0;
  let isSearching = -1; // masks: all ones or zero
  let wrong = 0;
  for (let i = 0; i < encoded.length; i++) {
    const byte = encoded[i] ?? 0;
    // The comparisons are with the public position alone; the byte goes through masks.
    if (i === 0) wrong |= byte;
    else if (i === 1) wrong |= byte ^ 2;
    else {
      const isSeparator = isZero(byte) & isSearching;
      start |= isSeparator & (i + 1);
      isSearching &= ~isSeparator;
      if (i < 10) wrong |= isSeparator;
    }
  }
  return start & isZero(wrong | isSearching);
}

/** −1 (all ones) for zero, 0 for any other number of 32 bits. */
function isZero(value: number): number {
  return ~(value | -value) >> 31;
}

function modulusLength(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}

function worksInOpenssl(parts: RsaPrivateKeyParts): boolean {
  try {
    return isTestSignature(parts, sign("sha256", TEST_MESSAGE, importRsaPrivateKey(parts)));
  } catch {
    return false; // such as a modulus too short for SHA-256
  }
}

function isTestSignature({ n, e }: RsaPrivateKeyParts, signature: Uint8Array): boolean {
  return verify("sha256", TEST_MESSAGE, importRsaPublicKey(n, e), signature);
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(bytes).toString("hex")}`);
}

function fromBigInt(value: bigint, length: number): Uint8Array {
  return Uint8Array.from(Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex"));
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}

function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

/** 1/value mod modulus, by Euclid's extended algorithm. Throws RangeError when they have a common divisor. */
function invert(value: bigint, modulus: bigint): bigint {
  let [remainder, nextRemainder, factor, nextFactor] = [modulus, value % modulus, 0n, 1n];
  while (nextRemainder !== 0n) {
    const quotient = remainder / nextRemainder;
    [remainder, nextRemainder] = [nextRemainder, remainder - quotient * nextRemainder];
    [factor, nextFactor] = [nextFactor, factor - quotient * nextFactor];
  }
  if (remainder !== 1n) throw new RangeError("an RSA exponent that has no inverse");
  return factor < 0n ? factor + modulus : factor;
}

function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes.subarray(bytes.findIndex((byte) => byte !== 0)));
}

/** Throws RangeError when the value is longer than it may be. */
function pad(value: Uint8Array, length: number): Uint8Array {
  if (value.length > length) throw new RangeError("a part of an RSA key longer than its modulus allows");
  const padded = new Uint8Array(length);
  padded.set(value, length - value.length);
  return padded;
}
