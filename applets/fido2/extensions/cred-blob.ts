// credBlob: a few bytes of the relying party, kept with the credential: in its record, or in its sealed id. CTAP 2.3 §12.2
import type { Extension } from "./extension.ts";

/** getInfo's maxCredBlobLength; the specification wants 32 at least. */
export const MAX_CRED_BLOB_LENGTH = 128;

export const credBlob: Extension = {
  id: "credBlob",
  /** Answers whether it is kept: a blob that is too long does not fail the registration. */
  parseRegistration(inputs) {
    const blob = inputs.optionalBytes(this.id);
    if (blob === undefined) return undefined;
    return () => {
      const isKept = blob.length <= MAX_CRED_BLOB_LENGTH;
      return { traits: isKept ? { credBlob: Uint8Array.from(blob) } : {}, output: () => isKept };
    };
  },
  /** An empty byte string stands for no blob. */
  parseAssertion(inputs) {
    if (inputs.optionalBoolean(this.id) !== true) return undefined;
    return () => (credential) => ({ output: credential.traits.credBlob ?? new Uint8Array(0) });
  },
};
