// What every command of this authenticator works with; made once, in authenticator.ts.
import type { Platform } from "../../src/platform.ts";
import type { Credentials } from "./credentials.ts";
import type { Fido2State } from "./state.ts";

export interface Fido2Options {
  /** The longest message that the transport carries; getInfo reports it. CTAP 2.3 §11.2.4: 7,609 over CTAPHID. */
  readonly maxMsgSize: number;
}

export interface Fido2Context {
  readonly platform: Platform;
  readonly options: Fido2Options;
  readonly credentials: Credentials;
  readonly state: Fido2State;
}
