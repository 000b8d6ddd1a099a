// All credentials of this key, FIDO2's and U2F's alike: making, finding, storing and forgetting them.
// CTAP 2.3 §6.1.2 steps 16 to 18, §6.2.2 step 7, §6.8 (managing them), §10.3 (interoperating with U2F)
import { isEqual } from "../../src/bytes/equal.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { wipe } from "../../src/bytes/wipe.ts";
import { hkdfSha256, sha256OfText } from "../../src/crypto/hash.ts";
import type { Platform } from "../../src/platform.ts";
import { Turns } from "../../src/turns.ts";
import { type CoseAlgorithm, schemeOf } from "./cose-key.ts";
import { Credential, type CredentialTraits, plainTraits } from "./credential.ts";
import { CredentialIndex } from "./credential-index.ts";
import { encodeCredentialRecord, parseCredentialRecord } from "./credential-record.ts";
import { keyOfLargeBlob } from "./large-blob-record.ts";
import type { RelyingParty, User } from "./parameters.ts";
import { openCredentialId, type SealedTraits, sealCredentialId } from "./sealed-id.ts";
import { CtapError, CtapStatus } from "./status.ts";

// What the U2F applet may know of FIDO2 goes through this file.
export { CoseAlgorithm } from "./cose-key.ts";
export type { Credential } from "./credential.ts";

/** Persistent: everything that a reset forgets. */
const PREFIX = "fido2/";
/** Persistent: `fido2/credential/<hex id>`, one record per discoverable credential. */
const CREDENTIAL_PREFIX = "fido2/credential/";
/** Persistent: 32 random bytes from which the key that seals credential ids is derived. */
const SEALING_SECRET = "fido2/sealing-secret";
/** Persistent: one counter for all credentials, U2F's too; a reset does not turn it back. */
const SIGNATURE_COUNTER = "fido2/signature-counter";
/** Persistent: 16 random bytes, others after each change of the discoverable credentials. CTAP 2.3 §6.4 "encCredStoreState" */
const STORE_STATE = "fido2/store-state";
const STORE_STATE_LENGTH = 16;

const DISCOVERABLE_ID_LENGTH = 32;
/** A reset forgets them all, and the large blobs of each, in one commit: there are no more than one can name. */
const MAX_DISCOVERABLE_CREDENTIALS = 50_000;
/** How many opened ids are kept ready to sign; reopening one costs about 0.15 ms. */
const MAX_OPENED = 256;

/** A credential that was just made, with its public key in the form of its algorithm (see curves.ts). */
export interface NewCredential {
  readonly credential: Credential;
  readonly publicKey: Uint8Array;
}

export class Credentials {
  readonly #platform: Platform;
  readonly #index = new CredentialIndex();
  #newest = 0;
  /** Volatile: sealed credentials that were opened lately, by id in hexadecimal, the latest last. */
  readonly #opened = new Map<string, Credential>();
  #sealingKey: Uint8Array | undefined;
  readonly #changes = new Turns();

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#loadIndex();
  }

  #loadIndex(): void {
    const loaded: Credential[] = [];
    for (const key of this.#platform.store.keys(CREDENTIAL_PREFIX)) {
      const record = this.#platform.store.get(key);
      if (record === undefined) continue;
      try {
        loaded.push(parseCredentialRecord(fromHex(key.slice(CREDENTIAL_PREFIX.length)), record));
      } catch (error) {
        this.#platform.log.error(`${key} cannot be read and is left alone`, error);
      }
    }
    loaded.sort((a, b) => createdOf(a) - createdOf(b));
    for (const credential of loaded) this.#index.add(credential);
    this.#newest = createdOf(loaded.at(-1));
  }

  /** How many discoverable credentials there are. */
  get discoverableCount(): number {
    return this.#index.size;
  }

  /** How many more there can be: getInfo's remainingDiscoverableCredentials, and what getCredsMetadata says of it. */
  get discoverableRoom(): number {
    return Math.max(0, MAX_DISCOVERABLE_CREDENTIALS - this.discoverableCount);
  }

  /** 16 bytes that are others after each change of the discoverable credentials. */
  get storeState(): Uint8Array {
    return this.#platform.store.get(STORE_STATE) ?? new Uint8Array(STORE_STATE_LENGTH);
  }

  /** Makes a discoverable credential; it exists only once `save` resolved. */
  createDiscoverable(
    rp: RelyingParty,
    user: User,
    algorithm: CoseAlgorithm,
    traits: CredentialTraits = plainTraits,
  ): NewCredential {
    const { privateKey, publicKey } = schemeOf(algorithm).generateKeyPair();
    this.#newest += 1;
    const account = { rp, user: { ...user, id: Uint8Array.from(user.id) }, created: this.#newest };
    const id = this.#platform.randomBytes(DISCOVERABLE_ID_LENGTH);
    const rpIdHash = sha256OfText(rp.id);
    return {
      credential: new Credential({ id, rpIdHash, algorithm, privateKey, traits, publicKey, account }),
      publicKey,
    };
  }

  /** Makes a credential that lives in its own id and takes no room in the store. */
  async createSealed(
    rpIdHash: Uint8Array,
    algorithm: CoseAlgorithm,
    { credProtect, thirdPartyPayment, credBlob }: SealedTraits = plainTraits,
  ): Promise<NewCredential> {
    if (this.#loadSealingKey() === undefined) await this.#changes.take(() => this.#createSealingSecret());
    const sealingKey = this.#loadSealingKey();
    if (sealingKey === undefined) throw new Error("a reset came between");
    const { privateKey, publicKey } = schemeOf(algorithm).generateKeyPair();
    const nonce = this.#platform.randomBytes(12);
    const traits = { ...plainTraits, credProtect, thirdPartyPayment, credBlob };
    const id = sealCredentialId(sealingKey, nonce, rpIdHash, algorithm, privateKey, traits);
    const fields = { id, rpIdHash: Uint8Array.from(rpIdHash), algorithm, privateKey, traits, publicKey };
    const credential = new Credential(fields);
    this.#keepOpened(credential);
    return { credential, publicKey };
  }

  /**
   * Stores a discoverable credential, in place of the one for the same relying party and user if there is one, both in
   * one commit. Rejects with KEY_STORE_FULL or the store's error, and then nothing has changed.
   */
  async save(credential: Credential): Promise<void> {
    const { account } = credential;
    if (account === undefined) throw new TypeError("only discoverable credentials are stored");
    await this.#changes.take(async () => {
      const replaced = this.#index.findByUser(credential.rpIdHash, account.user.id);
      if (replaced === undefined && this.discoverableRoom === 0) {
        throw new CtapError(CtapStatus.CTAP2_ERR_KEY_STORE_FULL);
      }
      await this.#commit({
        ...(replaced === undefined ? {} : this.#removalOf(replaced)),
        [keyOf(credential)]: encodeCredentialRecord(credential, account),
      });
      this.#index.add(credential);
    });
  }

  /** Forgets one discoverable credential. False when it is not stored any more. */
  delete(credential: Credential): Promise<boolean> {
    return this.#changes.take(async () => {
      if (!this.isStored(credential)) return false;
      await this.#commit(this.#removalOf(credential));
      this.#index.remove(credential);
      return true;
    });
  }

  /** Gives a discoverable credential other user names; the user handle stays. False when it is not stored any more. */
  updateUser(credential: Credential, names: Omit<User, "id">): Promise<boolean> {
    return this.#changes.take(async () => {
      const { account } = credential;
      if (account === undefined || !this.isStored(credential)) return false;
      const changed = credential.withUser({ ...names, id: account.user.id });
      await this.#commit({ [keyOf(credential)]: encodeCredentialRecord(changed, changed.account ?? account) });
      this.#index.update(changed);
      return true;
    });
  }

  /** The credential of that id, if it was made by this key for this relying party; undefined otherwise. */
  find(rpIdHash: Uint8Array, id: Uint8Array): Credential | undefined {
    const hex = toHex(id);
    const known = this.#index.findById(hex) ?? this.#opened.get(hex);
    if (known !== undefined) return isEqual(known.rpIdHash, rpIdHash) ? known : undefined;
    const sealingKey = this.#loadSealingKey();
    const credential = sealingKey && openCredentialId(sealingKey, rpIdHash, id);
    if (credential !== undefined) this.#keepOpened(credential);
    return credential;
  }

  /** The discoverable credential of that id, whoever it is for; undefined for any other id. */
  findStored(id: Uint8Array): Credential | undefined {
    return this.#index.findById(toHex(id));
  }

  /**
   * The discoverable credentials of a relying party, oldest first; without user verification only those that may be
   * found so. The list stays as it is when others are added.
   */
  findDiscoverable(rpIdHash: Uint8Array, userVerified = true): readonly Credential[] {
    return this.#index.findByRelyingParty(rpIdHash, userVerified);
  }

  /** One discoverable credential of each relying party that has any, in a settled order. */
  listRelyingParties(): readonly Credential[] {
    return [...this.#index.listRelyingParties()];
  }

  /** Whether a discoverable credential is still stored: another channel may have replaced or deleted it. */
  isStored(credential: Credential): boolean {
    return this.#index.findById(toHex(credential.id)) === credential;
  }

  /** The value for the next signature; a value is used once, whatever happens to the signature. */
  nextSignatureCount(): Promise<number> {
    return this.#platform.store.next(SIGNATURE_COUNTER);
  }

  /** Forgets every credential for ever, the sealed ones by forgetting what opens them. CTAP 2.3 §6.6 */
  async reset(): Promise<void> {
    await this.#changes.take(async () => {
      const keys = [...this.#platform.store.keys(PREFIX)];
      await this.#platform.store.commit(Object.fromEntries(keys.map((key) => [key, null])));
      this.#index.clear();
      this.#opened.clear();
      if (this.#sealingKey !== undefined) wipe(this.#sealingKey);
      this.#sealingKey = undefined;
    });
  }

  /** The power went: what was kept for speed alone is dropped. */
  powerCycle(): void {
    this.#opened.clear();
  }

  /** Commits a change of the discoverable credentials, and that there was one. */
  #commit(changes: Readonly<Record<string, Uint8Array | null>>): Promise<void> {
    return this.#platform.store.commit({
      ...changes,
      [STORE_STATE]: this.#platform.randomBytes(STORE_STATE_LENGTH),
    });
  }

  /** The records that go with a credential. */
  #removalOf(credential: Credential): Record<string, null> {
    const blob = keyOfLargeBlob(credential);
    const hasBlob = this.#platform.store.get(blob) !== undefined;
    return { [keyOf(credential)]: null, ...(hasBlob ? { [blob]: null } : {}) };
  }

  /** Undefined as long as no credential was ever sealed. */
  #loadSealingKey(): Uint8Array | undefined {
    if (this.#sealingKey !== undefined) return this.#sealingKey;
    const secret = this.#platform.store.get(SEALING_SECRET);
    if (secret === undefined) return undefined;
    this.#sealingKey = hkdfSha256(secret, new Uint8Array(0), "latchkey fido2 credential id", 32);
    return this.#sealingKey;
  }

  async #createSealingSecret(): Promise<void> {
    if (this.#platform.store.get(SEALING_SECRET) !== undefined) return; // the change before this one made it
    await this.#platform.store.commit({ [SEALING_SECRET]: this.#platform.randomBytes(32) });
  }

  #keepOpened(credential: Credential): void {
    this.#opened.set(toHex(credential.id), credential);
    if (this.#opened.size <= MAX_OPENED) return;
    for (const oldest of this.#opened.keys()) {
      this.#opened.delete(oldest);
      break;
    }
  }
}

function keyOf(credential: Credential): string {
  return CREDENTIAL_PREFIX + toHex(credential.id);
}

function createdOf(credential: Credential | undefined): number {
  return credential?.account?.created ?? 0;
}
