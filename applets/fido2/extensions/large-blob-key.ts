// largeBlobKey: the key under which a platform encrypts a credential's entry in the large-blob array. CTAP 2.3 §12.3
// Its output is a member of the response, outside what is signed: the relying party is not to see it.
import type { CborValue } from "../../../src/cbor.ts";
import type { Parameters } from "../parameters.ts";
import { CtapError, CtapStatus } from "../status.ts";
import type { Extension } from "./extension.ts";

/** largeBlobKey in the response of authenticatorGetAssertion; that of authenticatorMakeCredential is in its own file. */
const ASSERTION_MEMBER = 0x07;

export const largeBlobKey: Extension = {
  id: "largeBlobKey",
  parseRegistration(inputs) {
    if (!isAskedFor(inputs)) return undefined;
    return ({ discoverable }) => {
      if (!discoverable) throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_OPTION, "largeBlobKey without rk");
      return { traits: { largeBlobKey: true } };
    };
  },
  parseAssertion(inputs) {
    if (!isAskedFor(inputs)) return undefined;
    return () => (credential) => ({
      members: new Map<CborValue, CborValue>([[ASSERTION_MEMBER, credential.deriveLargeBlobKey()]]),
    });
  },
};

/** It is asked for by true and by nothing else. */
function isAskedFor(inputs: Parameters): boolean {
  const asked = inputs.optionalBoolean("largeBlobKey");
  if (asked === false) throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_OPTION, "largeBlobKey is true or absent");
  return asked === true;
}
