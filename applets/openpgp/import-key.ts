// Key import: an extended header list. OpenPGP 3.4.1 §4.4.3.12, §7.2.8; ISO/IEC 7816-8
//
//   4D { control reference template, 7F48 { tag and length of each part }, 5F48 { the parts, one after the other } }
//
//   RSA   91 e, 92 p, 93 q [94 1/q mod p, 95 d mod (p − 1), 96 d mod (q − 1)] [97 n]
//   EC    92 private key [99 public key]
import { concat } from "../../src/bytes/concat.ts";
import { isEqual, isEqualConstantTime } from "../../src/bytes/equal.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { completeRsaPrivateKey } from "../../src/crypto/rsa.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { parseTlv, readTag, readTlv, readTlvLength, type Tlv } from "../../src/iso7816/tlv.ts";
import type { KeyAlgorithm } from "./algorithms.ts";
import type { OpenPgpContext } from "./context.ts";
import { parsing } from "./data-field.ts";
import { completeKeyMaterial, type KeyMaterial } from "./key-material.ts";
import { type KeySlot, slotOfTemplate } from "./key-slots.ts";
import { KeyOrigin } from "./keys.ts";

const EXTENDED_HEADER_LIST = 0x4d;
const PRIVATE_KEY_TEMPLATE = 0x7f48;
const CONCATENATED_KEY_DATA = 0x5f48;

const RsaPart = { E: 0x91, P: 0x92, Q: 0x93, N: 0x97 } as const;
const EcPart = { PRIVATE_KEY: 0x92, PUBLIC_KEY: 0x99 } as const;

type Parts = ReadonlyMap<number, Uint8Array>;

/** Imports the key, or, with a control reference template alone, deletes it, as Gnuk does. Throws StatusError. */
export async function importKey({ keys, persistent }: OpenPgpContext, data: Uint8Array): Promise<void> {
  const { slot, parts } = parseExtendedHeaderList(data);
  if (parts === undefined) return persistent.commit(keys.deletion(slot));
  const material = completeImport(keys.attributes(slot).algorithm, parts);
  return persistent.commit(keys.replacement(slot, material, KeyOrigin.IMPORTED));
}

function parseExtendedHeaderList(data: Uint8Array): { readonly slot: KeySlot; readonly parts: Parts | undefined } {
  return parsing(() => {
    const { tag, value } = parseTlv(data);
    if (tag !== EXTENDED_HEADER_LIST) throw new StatusError(StatusWord.WRONG_DATA);
    const reader = new Reader(value);
    const slot = slotOfTemplate(readTlv(reader));
    if (reader.remaining === 0) return { slot, parts: undefined };
    const parts = parseParts(readTlv(reader), readTlv(reader));
    reader.end();
    return { slot, parts };
  });
}

function parseParts(template: Tlv, keyData: Tlv): Parts {
  if (template.tag !== PRIVATE_KEY_TEMPLATE || keyData.tag !== CONCATENATED_KEY_DATA) {
    throw new StatusError(StatusWord.WRONG_DATA);
  }
  const heads = new Reader(template.value);
  const values = new Reader(keyData.value);
  const parts = new Map<number, Uint8Array>();
  while (heads.remaining > 0) {
    const tag = readTag(heads);
    parts.set(tag, values.bytes(readTlvLength(heads)));
  }
  values.end();
  return parts;
}

/** Throws StatusError 6A80 for what is no key of the algorithm. */
function completeImport(algorithm: KeyAlgorithm, parts: Parts): KeyMaterial {
  return parsing(() => {
    if (algorithm.kind === "rsa") return completeRsaImport(algorithm.bits, parts);
    const imported = parts.get(EcPart.PRIVATE_KEY);
    if (imported === undefined) throw new StatusError(StatusWord.WRONG_DATA);
    const material = completeKeyMaterial(algorithm, fitToLength(imported, algorithm.curve.bytes));
    const publicKey = parts.get(EcPart.PUBLIC_KEY);
    if (publicKey !== undefined && !isPublicKeyOf(material, publicKey)) throw new StatusError(StatusWord.WRONG_DATA);
    return material;
  });
}

/** The parts of the Chinese remainder theorem are computed, not believed. */
function completeRsaImport(bits: number, parts: Parts): KeyMaterial {
  const [e, p, q] = [parts.get(RsaPart.E), parts.get(RsaPart.P), parts.get(RsaPart.Q)];
  if (e === undefined || p === undefined || q === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  const primeLength = bits / 16;
  const key = completeRsaPrivateKey(e, fitToLength(p, primeLength), fitToLength(q, primeLength));
  const n = parts.get(RsaPart.N);
  if (n !== undefined && !isEqual(fitToLength(n, key.n.length), key.n)) throw new StatusError(StatusWord.WRONG_DATA);
  return { kind: "rsa", parts: key };
}

/** GnuPG sends integers without their leading zeros, or with one more. */
function fitToLength(value: Uint8Array, length: number): Uint8Array {
  if (value.length <= length) return concat(new Uint8Array(length - value.length), value);
  const surplus = value.subarray(0, value.length - length);
  if (!isEqualConstantTime(surplus, new Uint8Array(surplus.length))) throw new StatusError(StatusWord.WRONG_DATA);
  return value.subarray(value.length - length);
}

/** Points of X25519 and the Edwards curves may come with GnuPG's prefix 40. */
function isPublicKeyOf(material: KeyMaterial, publicKey: Uint8Array): boolean {
  if (material.kind === "rsa") return false;
  const known = material.pair.publicKey;
  return (
    isEqual(publicKey, known) || (material.kind !== "ec" && isEqual(publicKey, concat(Uint8Array.of(0x40), known)))
  );
}
