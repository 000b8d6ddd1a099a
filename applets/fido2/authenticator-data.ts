// Authenticator data: what a signature says about the authenticator. WebAuthn §6.1
//
//   rpIdHash 32 | flags 1 | signCount 4 | attestedCredentialData, if AT | extensions, if ED
//   attestedCredentialData: aaguid 16 | credentialIdLength 2 | credentialId | credentialPublicKey (COSE_Key)
import { concat } from "../../src/bytes/concat.ts";
import { encodeU16be } from "../../src/bytes/integer.ts";
import { bytes, struct, u8, u32be } from "../../src/bytes/struct.ts";
import { type CborMap, encodeCbor } from "../../src/cbor.ts";

/** Bits of `flags`. BE and BS stay clear: these credentials never leave the key. */
export const AuthenticatorDataFlags = { UP: 0x01, UV: 0x04, BE: 0x08, BS: 0x10, AT: 0x40, ED: 0x80 } as const;

const Head = struct({ rpIdHash: bytes(32), flags: u8, signCount: u32be });

export interface AuthenticatorData {
  readonly rpIdHash: Uint8Array;
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  readonly signCount: number;
  readonly attestedCredential?: {
    readonly aaguid: Uint8Array;
    readonly credentialId: Uint8Array;
    readonly publicKey: CborMap;
  };
  /** Outputs by extension id. */
  readonly extensions?: CborMap | undefined;
}

export function encodeAuthenticatorData(data: AuthenticatorData): Uint8Array {
  const { rpIdHash, signCount, attestedCredential, extensions } = data;
  const flags =
    (data.userPresent ? AuthenticatorDataFlags.UP : 0) |
    (data.userVerified ? AuthenticatorDataFlags.UV : 0) |
    (attestedCredential !== undefined ? AuthenticatorDataFlags.AT : 0) |
    (extensions !== undefined ? AuthenticatorDataFlags.ED : 0);
  const parts = [Head.encode({ rpIdHash, flags, signCount })];
  if (attestedCredential !== undefined) {
    const { aaguid, credentialId, publicKey } = attestedCredential;
    parts.push(aaguid, encodeU16be(credentialId.length), credentialId, encodeCbor(publicKey));
  }
  if (extensions !== undefined) parts.push(encodeCbor(extensions));
  return concat(...parts);
}
