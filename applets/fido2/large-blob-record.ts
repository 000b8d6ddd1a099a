// The blob of one credential, as the largeBlob extension stores it: compressed by the platform, and of no meaning to the
// key. Persistent: `fido2/large-blob/<hex credential id>`. CTAP 2.3 §12.4
import { toHex } from "../../src/bytes/hex.ts";
import { type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import type { Credential } from "./credential.ts";

export interface LargeBlob {
  /** DEFLATE of the relying party's data. */
  readonly blob: Uint8Array;
  /** Length of the data before it was compressed. */
  readonly originalSize: number;
}

const Member = { BLOB: 1, ORIGINAL_SIZE: 2 } as const;

export function keyOfLargeBlob(credential: Credential): string {
  return `fido2/large-blob/${toHex(credential.id)}`;
}

export function encodeLargeBlobRecord({ blob, originalSize }: LargeBlob): Uint8Array {
  return encodeCbor(
    new Map<CborValue, CborValue>([
      [Member.BLOB, blob],
      [Member.ORIGINAL_SIZE, originalSize],
    ]),
  );
}

/** Throws CborError or TypeError when the record is not one of ours. */
export function parseLargeBlobRecord(record: Uint8Array): LargeBlob {
  const map = decodeCborMap(record);
  const blob = map.get(Member.BLOB);
  const originalSize = map.get(Member.ORIGINAL_SIZE);
  if (!(blob instanceof Uint8Array) || typeof originalSize !== "number") throw new TypeError("not a large blob record");
  return { blob, originalSize };
}
