// A directory for the stores of one test file, removed when it ends, and the cheap secret that opens them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { FileKeyStore } from "../../keystore/file-keystore.ts";
import type { Secret } from "../../keystore/keys.ts";
import { toHex } from "../../src/bytes/hex.ts";

/** Opens in microseconds, so that sweeps can open thousands of times. */
export const keyFileSecret: Secret = { kind: "key-file", key: new Uint8Array(32).fill(0x4c) };

/** scrypt that takes a millisecond: what it costs is not what these tests are about. */
export const quickScrypt = { log2N: 4, r: 8, p: 1 };

export function storeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "latchkey-store-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Everything that a store holds, as text that can be compared; the keystore's own counters left out, and `except`. */
export function contents(store: FileKeyStore, except: readonly string[] = []): string {
  const keys = [...store.keys("")].filter((key) => !key.startsWith("counter/") && !except.includes(key)).sort();
  return keys.map((key) => `${key}=${toHex(store.get(key) as Uint8Array)}`).join("\n");
}
