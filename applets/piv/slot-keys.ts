// The key pairs in their slots, and how each is kept: one record a slot. Persistent.
//
//   version | algorithm | PIN policy | touch policy | origin | length (2) | private key | public key
import { concat } from "../../src/bytes/concat.ts";
import { type Infer, struct, u8, u16be } from "../../src/bytes/struct.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import type { Platform } from "../../src/platform.ts";
import type { KeyAlgorithm, KeyPairBytes } from "./algorithms/algorithm.ts";
import { findAlgorithm } from "./algorithms/table.ts";
import { KeyReference, type Origin, PinPolicy, slotName, TouchPolicy } from "./identifiers.ts";

const KEY_PREFIX = "piv/key/";

const Head = struct({ version: u8, algorithm: u8, pinPolicy: u8, touchPolicy: u8, origin: u8, privateLength: u16be });
type Head = Infer<typeof Head>;
const RECORD_VERSION = 1;

export interface Policies {
  readonly pinPolicy: number;
  readonly touchPolicy: number;
}

export interface SlotKey extends Policies {
  readonly algorithm: KeyAlgorithm;
  readonly origin: number;
  readonly pair: KeyPairBytes;
}

/** By their record: what an algorithm remembers of a key's bytes holds for as long as the key does. */
const parsed = new WeakMap<Uint8Array, SlotKey>();

export function keyRecord(slot: number): string {
  return `${KEY_PREFIX}${slotName(slot)}`;
}

export function findKey({ store }: Platform, slot: number): SlotKey | undefined {
  const record = store.get(keyRecord(slot));
  if (record === undefined) return undefined;
  let key = parsed.get(record);
  if (key === undefined) {
    key = parseKey(record);
    parsed.set(record, key);
  }
  return key;
}

/** Throws 6A88 when the slot is empty. */
export function requireKey(platform: Platform, slot: number): SlotKey {
  const key = findKey(platform, slot);
  if (key === undefined) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  return key;
}

export function encodeKey(algorithm: KeyAlgorithm, policies: Policies, origin: Origin, pair: KeyPairBytes): Uint8Array {
  const { pinPolicy, touchPolicy } = policies;
  const { privateKey, publicKey } = pair;
  const head: Head = {
    version: RECORD_VERSION,
    algorithm: algorithm.id,
    pinPolicy,
    touchPolicy,
    origin,
    privateLength: privateKey.length,
  };
  return Head.encode(head, concat(privateKey, publicKey));
}

/**
 * What the client asked for, or what the slot has of itself: the signature key wants the PIN each time, the card
 * authentication key never (SP 800-73-4 pt 1 §3.2.1 to §3.2.4). Throws 6A80 for policies that are not here: those of the
 * YubiKey Bio, and 0, which on a YubiKey is no value but the absence of one.
 */
export function resolvePolicies(slot: number, pin: number | undefined, touch: number | undefined): Policies {
  const pinPolicy = pin ?? defaultPinPolicy(slot);
  const touchPolicy = touch ?? TouchPolicy.NEVER;
  const { NEVER, ONCE, ALWAYS } = PinPolicy;
  const isKnown =
    [NEVER, ONCE, ALWAYS].some((policy) => policy === pinPolicy) &&
    Object.values(TouchPolicy).some((policy) => policy === touchPolicy);
  if (!isKnown) throw new StatusError(StatusWord.WRONG_DATA);
  return { pinPolicy, touchPolicy };
}

function defaultPinPolicy(slot: number): PinPolicy {
  switch (slot) {
    case KeyReference.SIGNATURE:
      return PinPolicy.ALWAYS;
    case KeyReference.CARD_AUTHENTICATION:
      return PinPolicy.NEVER;
    default:
      return PinPolicy.ONCE;
  }
}

function parseKey(record: Uint8Array): SlotKey {
  const head = Head.parse(record);
  const algorithm = findAlgorithm(head.algorithm);
  if (head.version !== RECORD_VERSION || algorithm === undefined) throw new RangeError("a PIV key of another version");
  const privateEnd = Head.size + head.privateLength;
  return {
    algorithm,
    pinPolicy: head.pinPolicy,
    touchPolicy: head.touchPolicy,
    origin: head.origin,
    pair: { privateKey: record.subarray(Head.size, privateEnd), publicKey: record.subarray(privateEnd) },
  };
}
