// The test twin of the platform: a clock turned by hand, a person whose answers are scripted, a store that can be made
// to fail, and a log that is kept.
import { createHash, randomBytes } from "node:crypto";
import { KeyStoreError, type KeyStoreErrorCode } from "../../keystore/index.ts";
import { MemoryKeyStore } from "../../keystore/memory-keystore.ts";
import type { Logger } from "../../src/log.ts";
import type { Clock, Platform, PresenceOutcome, PresencePrompt, UserPresence } from "../../src/platform.ts";
import type { KeepaliveStatus, Transport } from "../../src/transport.ts";

export class TestClock implements Clock {
  #now = 1_000_000;

  now(): number {
    return this.#now;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

/** Grants whatever is asked, until told otherwise; remembers every prompt. */
export class ScriptedPresence implements UserPresence {
  readonly prompts: PresencePrompt[] = [];
  /** What the next prompts get, first come first served; "pending" leaves one open until its signal aborts. */
  readonly #script: (PresenceOutcome | "pending")[] = [];

  answer(...outcomes: readonly (PresenceOutcome | "pending")[]): void {
    this.#script.push(...outcomes);
  }

  async request(prompt: PresencePrompt, signal: AbortSignal): Promise<PresenceOutcome> {
    this.prompts.push(prompt);
    if (signal.aborted) return "cancelled";
    const outcome = this.#script.shift() ?? "granted";
    if (outcome !== "pending") return outcome;
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve("cancelled"), { once: true }));
  }

  poll(prompt: PresencePrompt): PresenceOutcome | "pending" {
    this.prompts.push(prompt);
    return this.#script.shift() ?? "granted";
  }

  reset(): void {
    this.#script.length = 0;
  }
}

/** A keystore in memory whose next commit can be made to fail. */
export class FragileKeyStore extends MemoryKeyStore {
  #failure: KeyStoreErrorCode | undefined;
  #countFailure: KeyStoreErrorCode | undefined;

  /** The next commit, and no other, rejects with this code and changes nothing. */
  failNextCommit(code: KeyStoreErrorCode): void {
    this.#failure = code;
  }

  override async commit(changes: Readonly<Record<string, Uint8Array | null>>): Promise<void> {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw new KeyStoreError(failure, "made to fail");
    await super.commit(changes);
  }

  /** The next counter that is asked for cannot be had. */
  failNextCount(code: KeyStoreErrorCode): void {
    this.#countFailure = code;
  }

  override async next(counter: string): Promise<number> {
    const failure = this.#countFailure;
    this.#countFailure = undefined;
    if (failure !== undefined) throw new KeyStoreError(failure, "made to fail");
    return super.next(counter);
  }

  /** Every record as text, to see whether anything changed. */
  snapshot(): Record<string, string> {
    const keys = [...this.keys("")].sort();
    return Object.fromEntries(keys.map((key) => [key, Buffer.from(this.get(key) ?? []).toString("hex")]));
  }
}

export interface TestPlatform extends Platform {
  readonly store: FragileKeyStore;
  readonly presence: ScriptedPresence;
  readonly clock: TestClock;
  /** "level message" of everything logged at error, warn, info and debug. */
  readonly lines: readonly string[];
}

/** `seed`: the random bytes are then the same in every run. */
export function createTestPlatform(options: { readonly seed?: string } = {}): TestPlatform {
  const lines: string[] = [];
  const put = (level: string) => (message: string, cause?: unknown) => {
    lines.push(`${level} ${message}${cause === undefined ? "" : `: ${String(cause)}`}`);
  };
  const log: Logger = {
    error: put("error"),
    warn: put("warn"),
    info: put("info"),
    debug: put("debug"),
    traffic: (describe) => void describe(),
  };
  const { seed } = options;
  return {
    device: { serialNumber: 12_345_678, firmwareVersion: [5, 7, 4] },
    store: new FragileKeyStore(),
    presence: new ScriptedPresence(),
    clock: new TestClock(),
    log,
    lines,
    randomBytes: seed === undefined ? (length) => randomBytes(length) : seededBytes(seed),
  };
}

/** SHA-256 in counter mode. */
function seededBytes(seed: string): (length: number) => Uint8Array {
  let block = 0;
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 32) {
      const digest = createHash("sha256").update(`${seed} ${block++}`).digest();
      bytes.set(digest.subarray(0, length - at), at);
    }
    return bytes;
  };
}

export interface TestTransport extends Transport {
  readonly keepalives: readonly KeepaliveStatus[];
  /** What CTAPHID_CANCEL does. */
  cancel(): void;
}

export function createTestTransport(channel = 1): TestTransport {
  const controller = new AbortController();
  const keepalives: KeepaliveStatus[] = [];
  return {
    name: "ctaphid",
    channel,
    signal: controller.signal,
    keepalive: (status) => void keepalives.push(status),
    keepalives,
    cancel: () => controller.abort(),
  };
}
