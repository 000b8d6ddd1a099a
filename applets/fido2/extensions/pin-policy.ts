// minPinLength and pinComplexityPolicy: what PINs this key takes, told to the relying parties that setMinPINLength
// named, and to no others. CTAP 2.3 §12.5, §12.6
import { isPinComplexityEnforced } from "../pin-policy.ts";
import type { Extension, Registration } from "./extension.ts";

export const minPinLength: Extension = {
  id: "minPinLength",
  parseRegistration(inputs) {
    if (inputs.optionalBoolean(this.id) !== true) return undefined;
    return (registration) =>
      isNamed(registration) ? { output: () => registration.context.settings.minPinLength } : {};
  },
};

export const pinComplexityPolicy: Extension = {
  id: "pinComplexityPolicy",
  parseRegistration(inputs) {
    if (inputs.optionalBoolean(this.id) !== true) return undefined;
    return (registration) =>
      isNamed(registration) ? { output: () => isPinComplexityEnforced(registration.context) } : {};
  },
};

function isNamed({ context, rpId }: Registration): boolean {
  return context.settings.minPinLengthRpIds.includes(rpId);
}
