// Algorithm attributes: which algorithm a key slot is for. OpenPGP 3.4.1 §4.4.3.9, §4.4.3.11; OIDs RFC 4880bis §9.2
//
//   RSA   01  length of the modulus in bits (2)  length of the exponent in bits (2)  import format
//   EC    12 (ECDH), 13 (ECDSA) or 16 (EdDSA)  OID of the curve  [FF: imported with the public key]
import { concat } from "../../src/bytes/concat.ts";
import { isEqual } from "../../src/bytes/equal.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { encodeU16be } from "../../src/bytes/integer.ts";
import { Reader } from "../../src/bytes/reader.ts";
import {
  BRAINPOOL_P256R1,
  BRAINPOOL_P384R1,
  BRAINPOOL_P512R1,
  type EcCurve,
  ED448,
  ED25519,
  type EdCurve,
  P256,
  P384,
  P521,
  SECP256K1,
  X448,
  X25519,
  type XCurve,
} from "../../src/crypto/curves.ts";
import type { RsaModulusBits } from "../../src/crypto/rsa.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import { KEY_SLOTS, type KeySlot, keySlots } from "./key-slots.ts";

export type KeyAlgorithm =
  | { readonly kind: "rsa"; readonly bits: RsaModulusBits }
  | { readonly kind: "ec"; readonly curve: EcCurve }
  | { readonly kind: "ed"; readonly curve: EdCurve }
  | { readonly kind: "x"; readonly curve: XCurve };

/** Algorithm ids. */
const AlgorithmId = { RSA: 0x01, ECDH: 0x12, ECDSA: 0x13, EDDSA: 0x16 } as const;

const RSA_MODULUS_BITS = [2048, 3072, 4096] as const;
/** 65537 has 17 bits, which YubiKeys announce and yubikit asks for; others say 32. Both are taken. */
const RSA_EXPONENT_BITS = 17;
const RSA_EXPONENT_LIMIT = 32;
/** Standard (e, p, q), the same with the modulus, CRT, CRT with the modulus. */
const MAX_RSA_IMPORT_FORMAT = 3;
const WITH_PUBLIC_KEY = 0xff;

interface Curve {
  readonly oid: Uint8Array;
  readonly algorithm: Exclude<KeyAlgorithm, { kind: "rsa" }>;
}

const curves: readonly Curve[] = [
  { oid: fromHex("2a8648ce3d030107"), algorithm: { kind: "ec", curve: P256 } },
  { oid: fromHex("2b81040022"), algorithm: { kind: "ec", curve: P384 } },
  { oid: fromHex("2b81040023"), algorithm: { kind: "ec", curve: P521 } },
  { oid: fromHex("2b2403030208010107"), algorithm: { kind: "ec", curve: BRAINPOOL_P256R1 } },
  { oid: fromHex("2b240303020801010b"), algorithm: { kind: "ec", curve: BRAINPOOL_P384R1 } },
  { oid: fromHex("2b240303020801010d"), algorithm: { kind: "ec", curve: BRAINPOOL_P512R1 } },
  { oid: fromHex("2b8104000a"), algorithm: { kind: "ec", curve: SECP256K1 } },
  { oid: fromHex("2b06010401da470f01"), algorithm: { kind: "ed", curve: ED25519 } },
  { oid: fromHex("2b6571"), algorithm: { kind: "ed", curve: ED448 } },
  { oid: fromHex("2b060104019755010501"), algorithm: { kind: "x", curve: X25519 } },
  { oid: fromHex("2b656f"), algorithm: { kind: "x", curve: X448 } },
];

/** RSA 2048, in the words of most cards. */
const DEFAULT_ATTRIBUTES = encodeRsaAttributes(2048, RSA_EXPONENT_LIMIT);
/** The attestation key is made when it is first needed, and that should take no time. */
const DEFAULT_ATTESTATION_ATTRIBUTES = concat(Uint8Array.of(AlgorithmId.ECDSA), fromHex("2a8648ce3d030107"));

export function defaultAttributes(slot: KeySlot): Uint8Array {
  return slot === "att" ? DEFAULT_ATTESTATION_ATTRIBUTES : DEFAULT_ATTRIBUTES;
}

export interface AlgorithmAttributes {
  /** What is kept and shown. */
  readonly bytes: Uint8Array;
  readonly algorithm: KeyAlgorithm;
}

/** Throws StatusError 6A80 for what the slot does not do. */
export function parseAlgorithmAttributes(slot: KeySlot, bytes: Uint8Array): AlgorithmAttributes {
  const attributes = bytes[0] === AlgorithmId.RSA ? parseRsaAttributes(bytes) : parseEcAttributes(slot, bytes);
  if (attributes === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  return attributes;
}

export function isSameAlgorithm(a: KeyAlgorithm, b: KeyAlgorithm): boolean {
  if (a.kind === "rsa" || b.kind === "rsa") return a.kind === "rsa" && b.kind === "rsa" && a.bits === b.bits;
  return a.curve === b.curve;
}

/** FA: every algorithm of every slot, one data object each, tagged as the slot's attributes are. */
export function encodeAlgorithmInformation(): Uint8Array {
  return concat(
    ...KEY_SLOTS.flatMap((slot) => supportedBy(slot).map((bytes) => encodeTlv(keySlots[slot].attributes, bytes))),
  );
}

function supportedBy(slot: KeySlot): Uint8Array[] {
  const rsa = RSA_MODULUS_BITS.map((bits) => encodeRsaAttributes(bits, RSA_EXPONENT_BITS));
  const ec = curves.flatMap(({ oid, algorithm }) => {
    const [id] = algorithmIds(slot, algorithm);
    return id === undefined ? [] : [concat(Uint8Array.of(id), oid)];
  });
  return [...rsa, ...ec];
}

/**
 * Which ids a curve may have in a slot; the first is the one that is announced. The keys for deciphering and for
 * authentication can take each other's part (MANAGE SECURITY ENVIRONMENT), so each takes the other's id.
 */
function algorithmIds(slot: KeySlot, { kind }: KeyAlgorithm): readonly number[] {
  switch (kind) {
    case "rsa":
      return [AlgorithmId.RSA];
    case "ec":
      if (slot === "dec") return [AlgorithmId.ECDH, AlgorithmId.ECDSA];
      return slot === "aut" ? [AlgorithmId.ECDSA, AlgorithmId.ECDH] : [AlgorithmId.ECDSA];
    case "ed":
      return slot === "dec" ? [] : [AlgorithmId.EDDSA];
    case "x":
      // ykman 4 says EdDSA for X25519, which YubiKeys took until 5.6.
      return slot === "dec" ? [AlgorithmId.ECDH, AlgorithmId.EDDSA] : [];
  }
}

function encodeRsaAttributes(modulusBits: number, exponentBits: number): Uint8Array {
  return concat(
    Uint8Array.of(AlgorithmId.RSA),
    encodeU16be(modulusBits),
    encodeU16be(exponentBits),
    Uint8Array.of(0), // import format: standard
  );
}

function parseRsaAttributes(bytes: Uint8Array): AlgorithmAttributes | undefined {
  if (bytes.length !== 6) return undefined;
  const reader = new Reader(bytes.subarray(1));
  const modulusBits = reader.u16be();
  const bits = RSA_MODULUS_BITS.find((known) => known === modulusBits);
  const exponentBits = reader.u16be();
  const isSupported = exponentBits >= RSA_EXPONENT_BITS && exponentBits <= RSA_EXPONENT_LIMIT;
  if (bits === undefined || !isSupported || reader.u8() > MAX_RSA_IMPORT_FORMAT) return undefined;
  return { bytes: Uint8Array.from(bytes), algorithm: { kind: "rsa", bits } };
}

function parseEcAttributes(slot: KeySlot, bytes: Uint8Array): AlgorithmAttributes | undefined {
  const [id] = bytes;
  const rest = bytes.subarray(1);
  const found = curves.find(
    ({ oid }) =>
      isEqual(oid, rest) || (rest.at(-1) === WITH_PUBLIC_KEY && isEqual(oid, rest.subarray(0, rest.length - 1))),
  );
  if (id === undefined || found === undefined) return undefined;
  const ids = algorithmIds(slot, found.algorithm);
  const [announced] = ids;
  if (announced === undefined || !ids.includes(id)) return undefined;
  const isMisnamed = found.algorithm.kind === "x" && id !== announced;
  return { bytes: concat(Uint8Array.of(isMisnamed ? announced : id), rest), algorithm: found.algorithm };
}
