// The keystore's face: a small map of named records whose changes are all-or-nothing, as applets see it (Store), and
// the life of the whole file (KeyStore). memory-keystore.ts keeps it in memory only.

/** What an applet may do. Keys are ASCII paths that begin with the applet's name: "fido2/credential/…". */
export interface Store {
  /** The record, or undefined. Synchronous: everything is decrypted once, at unlock. The caller must not write into it. */
  get(key: string): Uint8Array | undefined;
  /** All keys that begin with `prefix`, in no order that may be relied on. */
  keys(prefix: string): Iterable<string>;
  /**
   * Sets (bytes) or deletes (null) any number of records: all durable when it resolves, or none when it rejects with
   * KeyStoreError. `get` shows the new values only once they are durable.
   */
  commit(changes: Readonly<Record<string, Uint8Array | null>>): Promise<void>;
  /**
   * The next value of a counter that never gives the same value twice nor goes back, across crashes too; it starts
   * at 1 and may skip. Cheap: it is not synced to disk each time.
   */
  next(counter: string): Promise<number>;
}

export interface KeyStore extends Store {
  /** Writes out what is under way, wipes the secrets in memory, and lets go of the file. */
  close(): Promise<void>;
}

export type KeyStoreErrorCode =
  | "not-found"
  | "wrong-secret"
  | "corrupt"
  | "newer-version"
  | "not-a-store"
  | "in-use"
  | "permission"
  | "no-space"
  | "io"
  | "closed";

/** `message` is one sentence for people that says what to do; it never holds a secret. */
export class KeyStoreError extends Error {
  override name = "KeyStoreError";
  readonly code: KeyStoreErrorCode;

  constructor(code: KeyStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
