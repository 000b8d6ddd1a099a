// What FIDO2 can be told to do otherwise, as the command line names it.
import type { Fido2Options } from "../../applets/fido2/context.ts";

export interface FeatureOptions {
  /** Built-in user verification; off unless given. */
  readonly uv?: "ask" | "auto";
  readonly allAlgorithms?: boolean;
  readonly pqc?: boolean;
  readonly largeBlob?: "command" | "extension";
}

export function fido2Features(options: FeatureOptions): Pick<Fido2Options, keyof FeatureOptions> {
  const { uv = "off", allAlgorithms = false, pqc = false, largeBlob = "command" } = options;
  return { uv, allAlgorithms, pqc, largeBlob };
}
