// Key pairs of node:crypto. A key that a generating job made must not be exported (src/crypto/curves.ts): these are read from
// the job's encodings, and can be.
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

export const publicKeyEncoding = { type: "spki", format: "der" } as const;
export const privateKeyEncoding = { type: "pkcs8", format: "der" } as const;

export interface NodeKeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function readPair(encoded: { readonly publicKey: Buffer; readonly privateKey: Buffer }): NodeKeyPair {
  return {
    publicKey: createPublicKey({ key: encoded.publicKey, format: "der", type: "spki" }),
    privateKey: createPrivateKey({ key: encoded.privateKey, format: "der", type: "pkcs8" }),
  };
}
