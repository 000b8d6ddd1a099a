// What the authenticator remembers between requests and forgets with the power. All of it is volatile.
import type { CborMap } from "../../src/cbor.ts";
import type { Clock } from "../../src/platform.ts";
import type { Transport } from "../../src/transport.ts";
import type { Credential } from "./credential.ts";
import type { AssertionExtensions } from "./extensions/table.ts";
import type { LargeBlobsWrite } from "./large-blobs.ts";

/** "If the request comes after 10 seconds of powering up": CTAP 2.3 §6.6. */
const RESET_WINDOW_MS = 10_000;
/** CTAP 2.3 §6.3 step 3. */
const NEXT_ASSERTION_WINDOW_MS = 30_000;

/** What authenticatorGetNextAssertion goes on from. CTAP 2.3 §6.2.2 step 12.2.2 */
export interface RememberedAssertion {
  readonly rpIdHash: Uint8Array;
  readonly clientDataHash: Uint8Array;
  readonly userPresent: boolean;
  readonly userVerified: boolean;
  readonly extensions: AssertionExtensions;
  /** Newest first is the order of answering; the list is oldest first. */
  readonly credentials: readonly Credential[];
  /** How many have been answered with; the specification's credentialCounter. */
  readonly answered: number;
}

/** What a "get next" of authenticatorCredentialManagement goes on from. CTAP 2.3 §6.8.3, §6.8.4 */
export interface RememberedEnumeration {
  /** Answers with the next element, or with undefined after the last. */
  readonly next: () => CborMap | undefined;
  readonly kind: "relying parties" | "credentials";
  /** Whether the token that began it still holds: the "get next" commands carry no pinUvAuthParam of their own. */
  readonly isAuthorized: () => boolean;
}

interface ChannelEnumeration {
  readonly remembered: RememberedEnumeration;
  readonly channel: string;
}

export class Fido2State {
  readonly #clock: Clock;
  #poweredUpAt: number;
  #assertion: { readonly remembered: RememberedAssertion; readonly channel: string; readonly at: number } | undefined;
  #largeBlobsWrite: { readonly remembered: LargeBlobsWrite; readonly channel: string } | undefined;
  /** One of each kind: a platform may list the credentials of each relying party before it asks for the next. */
  readonly #enumerations = new Map<RememberedEnumeration["kind"], ChannelEnumeration>();
  #timesForgotten = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#poweredUpAt = clock.now();
  }

  powerCycle(): void {
    this.#poweredUpAt = this.#clock.now();
    this.forgetSequences();
  }

  /** By it requestTouch sees whether the key was reset, or lost its power, meanwhile. */
  get timesForgotten(): number {
    return this.#timesForgotten;
  }

  /** Ends every sequence of every client. */
  forgetSequences(): void {
    this.#timesForgotten += 1;
    this.#assertion = undefined;
    this.#enumerations.clear();
    this.#largeBlobsWrite = undefined;
  }

  isWithinResetWindow(): boolean {
    return this.#clock.now() - this.#poweredUpAt <= RESET_WINDOW_MS;
  }

  /** Starts, or starts again, the 30 s in which the next assertion may be asked for. */
  rememberAssertion(transport: Transport, remembered: RememberedAssertion): void {
    this.#assertion = { remembered, channel: channelOf(transport), at: this.#clock.now() };
  }

  /** What was remembered for this channel, unless it is older than 30 s; a client cannot go on from another's. */
  recallAssertion(transport: Transport): RememberedAssertion | undefined {
    const assertion = this.#assertion;
    if (assertion?.channel !== channelOf(transport)) return undefined;
    if (this.#clock.now() - assertion.at <= NEXT_ASSERTION_WINDOW_MS) return assertion.remembered;
    this.#assertion = undefined;
    return undefined;
  }

  /** Any other command of the same client ends the sequence. CTAP 2.3 §6 "stateful commands" */
  forgetAssertion(transport: Transport): void {
    if (this.#assertion?.channel === channelOf(transport)) this.#assertion = undefined;
  }

  rememberEnumeration(transport: Transport, remembered: RememberedEnumeration): void {
    this.#enumerations.set(remembered.kind, { remembered, channel: channelOf(transport) });
  }

  /** What was remembered for this channel, as long as its token holds. */
  recallEnumeration(transport: Transport, kind: RememberedEnumeration["kind"]): RememberedEnumeration | undefined {
    const enumeration = this.#enumerations.get(kind);
    if (enumeration?.channel !== channelOf(transport)) return undefined;
    if (enumeration.remembered.isAuthorized()) return enumeration.remembered;
    this.#enumerations.delete(kind);
    return undefined;
  }

  /** Any other command of the same client ends the sequences, too; of one kind, or of both. */
  forgetEnumeration(transport: Transport, ...kinds: readonly RememberedEnumeration["kind"][]): void {
    for (const kind of kinds.length > 0 ? kinds : [...this.#enumerations.keys()]) {
      if (this.#enumerations.get(kind)?.channel === channelOf(transport)) this.#enumerations.delete(kind);
    }
  }

  rememberLargeBlobsWrite(transport: Transport, remembered: LargeBlobsWrite): void {
    this.#largeBlobsWrite = { remembered, channel: channelOf(transport) };
  }

  /** What this channel has begun to write; there is one write at a time. CTAP 2.3 §6.10.2 */
  recallLargeBlobsWrite(transport: Transport): LargeBlobsWrite | undefined {
    const write = this.#largeBlobsWrite;
    return write?.channel === channelOf(transport) ? write.remembered : undefined;
  }

  forgetLargeBlobsWrite(transport: Transport): void {
    if (this.#largeBlobsWrite?.channel === channelOf(transport)) this.#largeBlobsWrite = undefined;
  }
}

function channelOf(transport: Transport): string {
  return `${transport.name}:${transport.channel}`;
}
