// The discoverable credentials in memory, found by id, by relying party, and by relying party and user handle, each in
// the same time with ten as with ten thousand. Volatile: made anew from the records at each start.
import { toHex } from "../../src/bytes/hex.ts";
import type { Credential } from "./credential.ts";

/** Those of one relying party, oldest first. */
interface RelyingPartyCredentials {
  /** By user handle in hexadecimal: a relying party has one per user. A Map keeps the order of insertion. */
  readonly byUser: Map<string, Credential>;
  /** The two lists that assertions ask for, until something changes. They are never written into: who holds one keeps it. */
  all: readonly Credential[] | undefined;
  visible: readonly Credential[] | undefined;
}

export class CredentialIndex {
  readonly #byId = new Map<string, Credential>();
  readonly #byRelyingParty = new Map<string, RelyingPartyCredentials>();

  get size(): number {
    return this.#byId.size;
  }

  findById(idHex: string): Credential | undefined {
    return this.#byId.get(idHex);
  }

  /** The credential whose place a new one for the same relying party and user takes. */
  findByUser(rpIdHash: Uint8Array, userId: Uint8Array): Credential | undefined {
    return this.#byRelyingParty.get(toHex(rpIdHash))?.byUser.get(toHex(userId));
  }

  /** Oldest first; without user verification only those that show themselves to whoever asks. */
  findByRelyingParty(rpIdHash: Uint8Array, userVerified: boolean): readonly Credential[] {
    const party = this.#byRelyingParty.get(toHex(rpIdHash));
    if (party === undefined) return [];
    party.all ??= [...party.byUser.values()];
    if (userVerified) return party.all;
    party.visible ??= party.all.filter((credential) => credential.isVisible(false, false));
    return party.visible;
  }

  /** One credential of each relying party, in the order in which the parties first came. */
  *listRelyingParties(): Iterable<Credential> {
    for (const { byUser } of this.#byRelyingParty.values()) {
      const [first] = byUser.values();
      if (first !== undefined) yield first;
    }
  }

  /** As the newest, in place of one for the same relying party and user. */
  add(credential: Credential): void {
    const user = userOf(credential);
    const rpIdHash = toHex(credential.rpIdHash);
    const party = this.#byRelyingParty.get(rpIdHash) ?? { byUser: new Map(), all: undefined, visible: undefined };
    this.#byRelyingParty.set(rpIdHash, party);
    const replaced = party.byUser.get(user);
    if (replaced !== undefined) this.#byId.delete(toHex(replaced.id));
    party.byUser.delete(user); // so that it goes to the end
    party.byUser.set(user, credential);
    this.#byId.set(toHex(credential.id), credential);
    forgetLists(party);
  }

  /** The same credential with other user names: it keeps its age. */
  update(credential: Credential): void {
    const party = this.#byRelyingParty.get(toHex(credential.rpIdHash));
    if (party === undefined) return;
    party.byUser.set(userOf(credential), credential);
    this.#byId.set(toHex(credential.id), credential);
    forgetLists(party);
  }

  remove(credential: Credential): void {
    const rpIdHash = toHex(credential.rpIdHash);
    const party = this.#byRelyingParty.get(rpIdHash);
    if (party === undefined || !this.#byId.delete(toHex(credential.id))) return;
    party.byUser.delete(userOf(credential));
    if (party.byUser.size === 0) this.#byRelyingParty.delete(rpIdHash);
    forgetLists(party);
  }

  clear(): void {
    this.#byId.clear();
    this.#byRelyingParty.clear();
  }
}

function userOf({ account }: Credential): string {
  if (account === undefined) throw new TypeError("only discoverable credentials are indexed");
  return toHex(account.user.id);
}

function forgetLists(party: RelyingPartyCredentials): void {
  party.all = undefined;
  party.visible = undefined;
}
