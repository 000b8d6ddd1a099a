// credBlob: a few bytes of the relying party, kept with a discoverable credential. CTAP 2.3 §12.2
import type { Extension } from "./extension.ts";

/** getInfo's maxCredBlobLength; the specification wants 32 at least. */
export const MAX_CRED_BLOB_LENGTH = 128;

export const credBlob: Extension = {
  id: "credBlob",
  /** Answers whether it is kept: a blob that is too long, or has no record to be in, does not fail the registration. */
  parseRegistration(inputs) {
    const blob = inputs.optionalBytes(this.id);
    if (blob === undefined) return undefined;
    return ({ discoverable }) => {
      const isKept = discoverable && blob.length <= MAX_CRED_BLOB_LENGTH;
      return { traits: isKept ? { credBlob: Uint8Array.from(blob) } : {}, output: () => isKept };
    };
  },
  /** An empty byte string stands for no blob. */
  parseAssertion(inputs) {
    if (inputs.optionalBoolean(this.id) !== true) return undefined;
    return () => (credential) => ({ output: credential.traits.credBlob ?? new Uint8Array(0) });
  },
};
