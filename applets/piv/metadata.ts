// GET METADATA: what a client may know of a key or a PIN without showing anything. Yubico, firmware 5.3 and later.
//
//   01 algorithm | 02 PIN policy, touch policy | 03 origin | 04 public key | 05 is it as delivered | 06 tries, tries left
//   PIN and PUK: 01 05 06    management key: 01 02 05    key pairs: 01 02 03 04
import { concat } from "../../src/bytes/concat.ts";
import type { CommandApdu } from "../../src/iso7816/apdu.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { encodeTlv } from "../../src/iso7816/tlv.ts";
import type { PivContext } from "./context.ts";
import { AlgorithmId, isKeySlot, KeyReference, PinPolicy } from "./identifiers.ts";
import { isManagementKeyDefault, readManagementKey } from "./management-key.ts";
import type { ReferenceData } from "./reference-data.ts";
import { requireKey } from "./slot-keys.ts";

const MetadataTag = {
  ALGORITHM: 0x01,
  POLICY: 0x02,
  ORIGIN: 0x03,
  PUBLIC_KEY: 0x04,
  DEFAULT: 0x05,
  TRIES: 0x06,
} as const;

export async function getMetadata(context: PivContext, { p1, p2: reference }: CommandApdu): Promise<Uint8Array> {
  if (p1 !== 0x00) throw new StatusError(StatusWord.INCORRECT_P1_P2);
  switch (reference) {
    case KeyReference.PIN:
      return describeReference(context.pin);
    case KeyReference.PUK:
      return describeReference(context.puk);
    case KeyReference.MANAGEMENT:
      return describeManagementKey(context);
    default:
      return describeKey(context, reference);
  }
}

function describeReference(reference: ReferenceData): Uint8Array {
  return concat(
    encodeNumbers(MetadataTag.ALGORITHM, AlgorithmId.PIN),
    encodeNumbers(MetadataTag.DEFAULT, reference.isDefault ? 1 : 0),
    encodeNumbers(MetadataTag.TRIES, reference.maxTries, reference.triesLeft),
  );
}

function describeManagementKey({ platform }: PivContext): Uint8Array {
  const key = readManagementKey(platform);
  return concat(
    encodeNumbers(MetadataTag.ALGORITHM, key.algorithm),
    encodeNumbers(MetadataTag.POLICY, PinPolicy.DEFAULT, key.touchPolicy),
    encodeNumbers(MetadataTag.DEFAULT, isManagementKeyDefault(key) ? 1 : 0),
  );
}

function describeKey({ platform }: PivContext, slot: number): Uint8Array {
  if (!isKeySlot(slot)) throw new StatusError(StatusWord.REFERENCED_DATA_NOT_FOUND);
  const { algorithm, pinPolicy, touchPolicy, origin, pair } = requireKey(platform, slot);
  return concat(
    encodeNumbers(MetadataTag.ALGORITHM, algorithm.id),
    encodeNumbers(MetadataTag.POLICY, pinPolicy, touchPolicy),
    encodeNumbers(MetadataTag.ORIGIN, origin),
    encodeTlv(MetadataTag.PUBLIC_KEY, algorithm.encodePublicKey(pair.publicKey)),
  );
}

function encodeNumbers(tag: number, ...numbers: readonly number[]): Uint8Array {
  return encodeTlv(tag, Uint8Array.from(numbers));
}
