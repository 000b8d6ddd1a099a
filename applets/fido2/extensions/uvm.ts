// uvm: how the user was verified, and how that and the keys are protected: by software, each of them. WebAuthn Level 2
// §10.3; the numbers are from the FIDO Registry of Predefined Values §3.1 to §3.3
import type { CborValue } from "../../../src/cbor.ts";
import type { Fido2Context } from "../context.ts";
import { hasBuiltInUv } from "../user-verification.ts";
import type { Extension } from "./extension.ts";

/** USER_VERIFY_…. A PIN is typed at the platform, so it is external. */
const Method = { PRESENCE_INTERNAL: 0x0001, NONE: 0x0200, PASSCODE_EXTERNAL: 0x0800 } as const;
const KEY_PROTECTION_SOFTWARE = 0x0001;
const MATCHER_PROTECTION_SOFTWARE = 0x0001;

export const uvm: Extension = {
  id: "uvm",
  parseRegistration(inputs) {
    if (inputs.optionalBoolean(this.id) !== true) return undefined;
    return ({ context, userVerified }) => ({ output: () => encodeFactors(context, userVerified, true) });
  },
  parseAssertion(inputs) {
    if (inputs.optionalBoolean(this.id) !== true) return undefined;
    return ({ context, userVerified, userPresent }) => {
      const output = encodeFactors(context, userVerified, userPresent);
      return () => ({ output });
    };
  },
};

/** One factor. The built-in verification is a person who answers a prompt: no more than presence is claimed for it. */
function encodeFactors(context: Fido2Context, userVerified: boolean, userPresent: boolean): CborValue {
  const byPin = userVerified && !hasBuiltInUv(context);
  const byPresence = userPresent || userVerified ? Method.PRESENCE_INTERNAL : Method.NONE;
  return [[byPin ? Method.PASSCODE_EXTERNAL : byPresence, KEY_PROTECTION_SOFTWARE, MATCHER_PROTECTION_SOFTWARE]];
}
