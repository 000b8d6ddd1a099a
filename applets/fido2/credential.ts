// One credential: what it is, how it signs, and the secrets that extensions derive from it. Its two lasting forms are
// in credential-record.ts (discoverable) and sealed-id.ts (not discoverable). WebAuthn §4, CTAP 2.3 §5
import type { CborMap } from "../../src/cbor.ts";
import { hkdfSha256 } from "../../src/crypto/hash.ts";
import { type CoseAlgorithm, type Signer, schemeOf } from "./cose-key.ts";
import type { RelyingParty, User } from "./parameters.ts";

/** For whom a discoverable credential was made. */
export interface Account {
  readonly rp: RelyingParty;
  readonly user: User;
  /** Counts up with each discoverable credential: a greater number is a newer credential. */
  readonly created: number;
}

/** credProtect: when a credential may be used, or even be seen. CTAP 2.3 §12.1 */
export const CredProtect = {
  UV_OPTIONAL: 1,
  UV_OPTIONAL_WITH_CREDENTIAL_ID_LIST: 2,
  UV_REQUIRED: 3,
} as const;
export type CredProtect = (typeof CredProtect)[keyof typeof CredProtect];

/** What extensions made a credential remember. CTAP 2.3 §12 */
export interface CredentialTraits {
  readonly credProtect: CredProtect;
  /** Whether it was made with a largeBlobKey; discoverable credentials only. */
  readonly largeBlobKey: boolean;
  /** Whether it may have a blob by the largeBlob extension; discoverable credentials only. */
  readonly largeBlob: boolean;
  readonly thirdPartyPayment: boolean;
  readonly credBlob: Uint8Array | undefined;
}

export const plainTraits: CredentialTraits = {
  credProtect: CredProtect.UV_OPTIONAL,
  largeBlobKey: false,
  largeBlob: false,
  thirdPartyPayment: false,
  credBlob: undefined,
};

/** What a derived secret is for: one cannot be computed from another. */
const DerivedSecret = {
  CRED_RANDOM_WITHOUT_UV: "latchkey fido2 CredRandomWithoutUV",
  CRED_RANDOM_WITH_UV: "latchkey fido2 CredRandomWithUV",
  LARGE_BLOB_KEY: "latchkey fido2 largeBlobKey",
} as const;

export interface CredentialFields {
  readonly id: Uint8Array;
  readonly rpIdHash: Uint8Array;
  readonly algorithm: CoseAlgorithm;
  readonly privateKey: Uint8Array;
  readonly traits: CredentialTraits;
  /** Known to a credential that was just made, not to one that comes back from its id or record. */
  readonly publicKey?: Uint8Array | undefined;
  readonly account?: Account | undefined;
}

export class Credential {
  readonly id: Uint8Array;
  readonly rpIdHash: Uint8Array;
  readonly algorithm: CoseAlgorithm;
  readonly privateKey: Uint8Array;
  readonly traits: CredentialTraits;
  /** Present exactly in discoverable credentials. */
  readonly account: Account | undefined;
  #signer: Signer | undefined;

  constructor(fields: CredentialFields) {
    this.id = fields.id;
    this.rpIdHash = fields.rpIdHash;
    this.algorithm = fields.algorithm;
    this.privateKey = fields.privateKey;
    this.traits = fields.traits;
    this.account = fields.account;
    if (fields.publicKey !== undefined) {
      this.#signer = schemeOf(fields.algorithm).createSigner(fields.privateKey, fields.publicKey);
    }
  }

  /** The same credential for a user with other names. */
  withUser(user: User): Credential {
    const { account } = this;
    if (account === undefined) throw new TypeError("only discoverable credentials have a user");
    const changed = new Credential({ ...this, account: { ...account, user } });
    changed.#signer = this.#signer;
    return changed;
  }

  /** Signs with the algorithm's own hash; ECDSA signatures are in DER. The key is made ready once and kept. */
  sign(message: Uint8Array): Uint8Array {
    this.#signer ??= schemeOf(this.algorithm).createSigner(this.privateKey);
    return this.#signer(message);
  }

  /** The COSE_Key of the credential, computed from its private key. */
  encodePublicKey(): CborMap {
    const scheme = schemeOf(this.algorithm);
    return scheme.encodePublicKey(scheme.derivePublicKey(this.privateKey));
  }

  /**
   * Whether a client may learn of the credential, and use it. CTAP 2.3 §6.1.2 step 12, §6.2.2 step 7. `named`: the
   * client named its id.
   */
  isVisible(userVerified: boolean, named: boolean): boolean {
    if (userVerified) return true;
    switch (this.traits.credProtect) {
      case CredProtect.UV_OPTIONAL:
        return true;
      case CredProtect.UV_OPTIONAL_WITH_CREDENTIAL_ID_LIST:
        return named;
      case CredProtect.UV_REQUIRED:
        return false;
    }
  }

  /**
   * The 32 bytes from which hmac-secret computes: every credential has them, asked for or not, as §12.7 recommends.
   * They are derived instead of drawn, so that an id that is its own storage stays short.
   */
  deriveCredRandom(userVerified: boolean): Uint8Array {
    return this.#derive(userVerified ? DerivedSecret.CRED_RANDOM_WITH_UV : DerivedSecret.CRED_RANDOM_WITHOUT_UV);
  }

  /** The 32-byte largeBlobKey; undefined for a credential that was made without. CTAP 2.3 §12.3 lets it be derived. */
  deriveLargeBlobKey(): Uint8Array | undefined {
    return this.traits.largeBlobKey ? this.#derive(DerivedSecret.LARGE_BLOB_KEY) : undefined;
  }

  #derive(info: string): Uint8Array {
    return hkdfSha256(this.privateKey, this.id, info, 32);
  }
}
