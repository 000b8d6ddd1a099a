// thirdPartyPayment: whether somebody other than the relying party may start a payment that a credential confirms. The
// key only remembers it, and says so with an assertion. CTAP 2.3 §12.9
import type { Extension } from "./extension.ts";

export const thirdPartyPayment: Extension = {
  id: "thirdPartyPayment",
  parseRegistration(inputs) {
    return inputs.optionalBoolean(this.id) === true ? () => ({ traits: { thirdPartyPayment: true } }) : undefined;
  },
  parseAssertion(inputs) {
    if (inputs.optionalBoolean(this.id) !== true) return undefined;
    return () => (credential) => ({ output: credential.traits.thirdPartyPayment });
  },
};
