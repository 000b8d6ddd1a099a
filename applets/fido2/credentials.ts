// All credentials of this key, FIDO2's and U2F's alike: making, finding, storing and forgetting them. Discoverable ones
// are indexed by id, and by relying party in order of age, so that finding costs the same with ten as with ten
// thousand. CTAP 2.3 §6.1.2 steps 16 to 18, §6.2.2 step 7, §10 (interoperating with U2F)
import { isEqual } from "../../src/bytes/equal.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { hkdfSha256, sha256OfText } from "../../src/crypto/hash.ts";
import type { Platform } from "../../src/platform.ts";
import { type CoseAlgorithm, type Signer, schemeOf } from "./cose-key.ts";
import {
  Credential,
  encodeCredentialRecord,
  openCredentialId,
  parseCredentialRecord,
  sealCredentialId,
} from "./credential.ts";
import type { RelyingParty, User } from "./parameters.ts";

// What the U2F applet may know of FIDO2 goes through this file.
export { CoseAlgorithm, type Signer } from "./cose-key.ts";

/** Persistent: everything that a reset forgets. */
const PREFIX = "fido2/";
/** Persistent: `fido2/credential/<hex id>`, one record per discoverable credential. */
const CREDENTIAL_PREFIX = "fido2/credential/";
/** Persistent: 32 random bytes from which the key that seals credential ids is derived. */
const SEALING_SECRET = "fido2/sealing-secret";
/** Persistent: one counter for all credentials, U2F's too; a reset does not turn it back. */
const SIGNATURE_COUNTER = "fido2/signature-counter";

const DISCOVERABLE_ID_LENGTH = 32;
/** How many opened ids are kept ready to sign; reopening one costs about 0.15 ms. */
const MAX_OPENED = 256;

/**
 * A credential that was just made, with its public key in the form of its algorithm (see curves.ts), and what signs with
 * it now. That signer goes with the request: one that outlived each registration would cost a third of it in collecting.
 */
export interface NewCredential {
  readonly credential: Credential;
  readonly publicKey: Uint8Array;
  readonly sign: Signer;
}

export class Credentials {
  readonly #platform: Platform;
  /** Index of the discoverable credentials, by id in hexadecimal. */
  readonly #byId = new Map<string, Credential>();
  /** By rpIdHash in hexadecimal, oldest first. A list is never changed, only replaced: who holds one keeps it. */
  readonly #byRelyingParty = new Map<string, readonly Credential[]>();
  /** By relying party and user handle: there is one for each pair. */
  readonly #byAccount = new Map<string, Credential>();
  #newest = 0;
  /** Volatile: sealed credentials that were opened, by id in hexadecimal; the one that came first goes first. */
  readonly #opened = new Map<string, Credential>();
  #sealingKey: Uint8Array | undefined;
  /** The end of the queue of changes: what reads, decides and commits must not overlap another such. */
  #changes: Promise<unknown> = Promise.resolve();

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
    const lists = new Map<string, Credential[]>();
    for (const credential of loaded) {
      this.#byId.set(toHex(credential.id), credential);
      this.#byAccount.set(accountOf(credential), credential);
      const rpIdHash = toHex(credential.rpIdHash);
      const list = lists.get(rpIdHash);
      if (list === undefined) lists.set(rpIdHash, [credential]);
      else list.push(credential);
    }
    for (const [rpIdHash, list] of lists) this.#byRelyingParty.set(rpIdHash, list);
    this.#newest = createdOf(loaded.at(-1));
  }

  /** Makes a discoverable credential; it exists only once `save` resolved. */
  createDiscoverable(rp: RelyingParty, user: User, algorithm: CoseAlgorithm): NewCredential {
    const { privateKey, ...rest } = generateKey(algorithm);
    this.#newest += 1;
    const account = { rp, user: { ...user, id: Uint8Array.from(user.id) }, created: this.#newest };
    const id = this.#platform.randomBytes(DISCOVERABLE_ID_LENGTH);
    const rpIdHash = sha256OfText(rp.id);
    return { credential: new Credential({ id, rpIdHash, algorithm, privateKey, account }), ...rest };
  }

  /** Makes a credential that lives in its own id and takes no room in the store. */
  async createSealed(rpIdHash: Uint8Array, algorithm: CoseAlgorithm): Promise<NewCredential> {
    if (this.#loadSealingKey() === undefined) await this.#change(() => this.#createSealingSecret());
    const sealingKey = this.#loadSealingKey();
    if (sealingKey === undefined) throw new Error("a reset came between");
    const { privateKey, ...rest } = generateKey(algorithm);
    const nonce = this.#platform.randomBytes(12);
    const id = sealCredentialId(sealingKey, nonce, rpIdHash, algorithm, privateKey);
    return { credential: new Credential({ id, rpIdHash, algorithm, privateKey }), ...rest };
  }

  /**
   * Stores a discoverable credential, in place of the one for the same relying party and user if there is one, both in
   * one commit. Rejects with the store's error, and then nothing has changed.
   */
  async save(credential: Credential): Promise<void> {
    const { account } = credential;
    if (account === undefined) throw new TypeError("only discoverable credentials are stored");
    await this.#change(async () => {
      const replaced = this.#byAccount.get(accountOf(credential));
      await this.#platform.store.commit({
        ...(replaced === undefined ? {} : { [keyOf(replaced)]: null }),
        [keyOf(credential)]: encodeCredentialRecord(credential, account),
      });
      if (replaced !== undefined) this.#removeFromIndex(replaced);
      const list = this.findDiscoverable(credential.rpIdHash);
      this.#byId.set(toHex(credential.id), credential);
      this.#byAccount.set(accountOf(credential), credential);
      this.#byRelyingParty.set(toHex(credential.rpIdHash), [...list, credential]);
    });
  }

  /** The credential of that id, if it was made by this key for this relying party; undefined otherwise. */
  find(rpIdHash: Uint8Array, id: Uint8Array): Credential | undefined {
    const hex = toHex(id);
    const known = this.#byId.get(hex) ?? this.#opened.get(hex);
    if (known !== undefined) return isEqual(known.rpIdHash, rpIdHash) ? known : undefined;
    const sealingKey = this.#loadSealingKey();
    const credential = sealingKey && openCredentialId(sealingKey, rpIdHash, id);
    if (credential !== undefined) this.#keepOpened(credential);
    return credential;
  }

  /** The discoverable credentials of a relying party, oldest first. The list stays as it is when others are added. */
  findDiscoverable(rpIdHash: Uint8Array): readonly Credential[] {
    return this.#byRelyingParty.get(toHex(rpIdHash)) ?? [];
  }

  /** Whether a discoverable credential is still stored: another channel may have replaced or deleted it. */
  isStored(credential: Credential): boolean {
    return this.#byId.get(toHex(credential.id)) === credential;
  }

  /** The value for the next signature; a value is used once, whatever happens to the signature. */
  nextSignatureCount(): Promise<number> {
    return this.#platform.store.next(SIGNATURE_COUNTER);
  }

  /** Forgets every credential for ever, the sealed ones by forgetting what opens them. CTAP 2.3 §6.6 */
  async reset(): Promise<void> {
    await this.#change(async () => {
      const keys = [...this.#platform.store.keys(PREFIX)];
      await this.#platform.store.commit(Object.fromEntries(keys.map((key) => [key, null])));
      this.#byId.clear();
      this.#byRelyingParty.clear();
      this.#byAccount.clear();
      this.#opened.clear();
      this.#sealingKey?.fill(0);
      this.#sealingKey = undefined;
    });
  }

  /** The power went: what was kept for speed alone is dropped. */
  powerCycle(): void {
    this.#opened.clear();
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

  #removeFromIndex(credential: Credential): void {
    this.#byId.delete(toHex(credential.id));
    this.#byAccount.delete(accountOf(credential));
    const rpIdHash = toHex(credential.rpIdHash);
    const left = this.findDiscoverable(credential.rpIdHash).filter((other) => other !== credential);
    if (left.length > 0) this.#byRelyingParty.set(rpIdHash, left);
    else this.#byRelyingParty.delete(rpIdHash);
  }

  #keepOpened(credential: Credential): void {
    this.#opened.set(toHex(credential.id), credential);
    if (this.#opened.size <= MAX_OPENED) return;
    for (const oldest of this.#opened.keys()) {
      this.#opened.delete(oldest);
      break;
    }
  }

  /** Runs changes one after another; one that fails does not stop the next. */
  #change<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(run);
    this.#changes = result.catch(() => undefined);
    return result;
  }
}

function generateKey(algorithm: CoseAlgorithm) {
  const scheme = schemeOf(algorithm);
  const { privateKey, publicKey } = scheme.generateKeyPair();
  return { privateKey, publicKey, sign: scheme.createSigner(privateKey, publicKey) };
}

function keyOf(credential: Credential): string {
  return CREDENTIAL_PREFIX + toHex(credential.id);
}

function accountOf({ rpIdHash, account }: Credential): string {
  return `${toHex(rpIdHash)} ${account === undefined ? "" : toHex(account.user.id)}`;
}

function createdOf(credential: Credential | undefined): number {
  return credential?.account?.created ?? 0;
}
