// credProtect: when a credential may be used, or even be seen, without user verification. CTAP 2.3 §12.1
// What the levels mean is at Credential.isVisible.
import { CredProtect } from "../credential.ts";
import { CtapError, CtapStatus } from "../status.ts";
import type { Extension } from "./extension.ts";

export const credProtect: Extension = {
  id: "credProtect",
  parseRegistration(inputs) {
    const level = inputs.optionalInteger(this.id);
    if (level === undefined) return undefined;
    const known = Object.values(CredProtect).find((value) => value === level);
    // The specification names no error for a level that it does not define; other keys give this one.
    if (known === undefined) throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, "credProtect");
    return () => ({ traits: { credProtect: known }, output: () => known });
  },
};
