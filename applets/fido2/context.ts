// What every command of this authenticator works with; made once, in authenticator.ts.
import type { Platform } from "../../src/platform.ts";
import type { Credentials } from "./credentials.ts";
import type { Identity } from "./identity.ts";
import type { PersistentToken } from "./persistent-token.ts";
import type { Pin } from "./pin.ts";
import type { PinUvAuthProtocol } from "./pin-uv-auth-protocol.ts";
import type { PinUvAuthToken } from "./pin-uv-auth-token.ts";
import type { Settings } from "./settings.ts";
import type { Fido2State } from "./state.ts";

export interface Fido2Options {
  /** The longest message that the transport carries; getInfo reports it. CTAP 2.3 §11.2.4: 7,609 over CTAPHID. */
  readonly maxMsgSize: number;
  /**
   * Built-in user verification, as a key with a fingerprint reader has it. "ask": the person at the presence prompt is
   * asked to verify themselves. "auto", for tests: a touch counts as verification. "off": there is none.
   */
  readonly uv: "off" | "ask" | "auto";
  /** Whether PINs that are easy to guess are refused; pin-policy.ts says which. */
  readonly pinComplexity: boolean;
  /** Whether getInfo lists the fully specified algorithms, which are accepted in any case. */
  readonly allAlgorithms: boolean;
  /** Whether ML-DSA is accepted and listed. */
  readonly pqc: boolean;
  /** How large blobs are kept: by authenticatorLargeBlobs and largeBlobKey, or by CTAP 2.3's largeBlob extension. */
  readonly largeBlob: "command" | "extension";
  /** Whether U2F is answered too, asked each time; without it getInfo does not promise it. */
  readonly u2f: () => boolean;
  /** getInfo's firmwareVersion. */
  readonly firmwareVersion: number;
  /** The transports that the key can be reached by, as getInfo names them. */
  readonly transports: readonly string[];
}

export interface Fido2Context {
  readonly platform: Platform;
  readonly options: Fido2Options;
  readonly credentials: Credentials;
  /** Volatile: what goes on from one request to the next. */
  readonly state: Fido2State;
  /** Persistent: alwaysUv, enterpriseAttestation, minPinLength, forcePinChange … */
  readonly settings: Settings;
  /** Persistent: whether a PIN is set, and its retries. */
  readonly pin: Pin;
  /** Volatile: the pinUvAuthToken in use. */
  readonly token: PinUvAuthToken;
  /** Persistent: the token of read-only credential management. */
  readonly persistentToken: PersistentToken;
  /** Persistent: what getInfo tells of the key to holders of that token. */
  readonly identity: Identity;
  /** By pinUvAuthProtocol number, the preferred first. `findProtocol` in pin-uv-auth.ts looks one up. */
  readonly protocols: ReadonlyMap<number, PinUvAuthProtocol>;
}
