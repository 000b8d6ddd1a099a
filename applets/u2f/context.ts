// What each U2F command works with.
import type { Platform } from "../../src/platform.ts";
import type { Credentials } from "../fido2/credentials.ts";

export interface U2fContext {
  readonly platform: Platform;
  /** Those of the FIDO2 authenticator. */
  readonly credentials: Credentials;
}
