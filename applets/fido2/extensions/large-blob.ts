// largeBlob: a blob per credential, read and written with an assertion, for keys that take it whole in one message. It
// takes the place of authenticatorLargeBlobs and largeBlobKey: no key may have both. CTAP 2.3 §12.4
//
//   registration   { support: "required" or "preferred" }         unsigned { supported: bool }
//   assertion      { read: true }                                 unsigned { blob: bytes, originalSize: uint }
//                  { write: bytes, originalSize: uint }           unsigned { written: bool }
import type { CborValue } from "../../../src/cbor.ts";
import type { Fido2Context } from "../context.ts";
import { isPostQuantum } from "../cose-key.ts";
import type { Credential } from "../credential.ts";
import { encodeLargeBlobRecord, keyOfLargeBlob, type LargeBlob, parseLargeBlobRecord } from "../large-blob-record.ts";
import { CtapError, CtapStatus } from "../status.ts";
import type { AssertionOutcome, AssertionRequest, Extension } from "./extension.ts";

/** A blob and a signature have to fit one message together, and a signature by ML-DSA has up to 4,627 bytes. */
const MAX_LENGTH = 4096;
const MAX_LENGTH_POST_QUANTUM = 2048;

export const largeBlob: Extension = {
  id: "largeBlob",
  parseRegistration(inputs) {
    const input = inputs.optionalMap(this.id);
    if (input === undefined) return undefined;
    const support = readMember(() => input.optionalText("support"));
    if (support !== "required" && support !== "preferred") throw malformed("support");
    return ({ discoverable }) => {
      // Only a credential with a record can own another one; a sealed id would leave its blob behind when it is forgotten.
      if (!discoverable && support === "required")
        throw new CtapError(CtapStatus.CTAP2_ERR_UNSUPPORTED_OPTION, this.id);
      return { traits: { largeBlob: discoverable }, unsignedOutput: cborMap(["supported", discoverable]) };
    };
  },
  parseAssertion(inputs) {
    const input = inputs.optionalMap(this.id);
    if (input === undefined) return undefined;
    const read = readMember(() => input.optionalBoolean("read"));
    const write = readMember(() => input.optionalBytes("write"));
    const originalSize = readMember(() => input.optionalInteger("originalSize"));
    if (read !== undefined) {
      if (write !== undefined || originalSize !== undefined) throw malformed("read and write");
      return read
        ? ({ context }) =>
            (credential) =>
              readBlob(context, credential)
        : undefined;
    }
    if (write === undefined || originalSize === undefined || originalSize < 0) throw malformed("write");
    const blob = { blob: Uint8Array.from(write), originalSize };
    return (request) => (credential) => writeBlob(request, credential, blob);
  },
};

function readBlob({ platform }: Fido2Context, credential: Credential): AssertionOutcome {
  const record = platform.store.get(keyOfLargeBlob(credential));
  if (record === undefined) return {};
  const { blob, originalSize } = parseLargeBlobRecord(record);
  return { unsignedOutput: cborMap(["blob", blob], ["originalSize", originalSize]) };
}

/**
 * Writes only for the credential that the client named, after a touch, and after user verification where there is
 * one; answers whether it did. Resolves once the blob is durable.
 */
async function writeBlob(
  { context, hasAllowList, userPresent, userVerified }: AssertionRequest,
  credential: Credential,
  blob: LargeBlob,
): Promise<AssertionOutcome> {
  const { platform, credentials, pin } = context;
  const limit = isPostQuantum(credential.algorithm) ? MAX_LENGTH_POST_QUANTUM : MAX_LENGTH;
  const isAllowed =
    hasAllowList &&
    userPresent &&
    (userVerified || !pin.isSet) &&
    credential.traits.largeBlob &&
    blob.blob.length <= limit;
  const written = isAllowed && credentials.isStored(credential);
  if (written) await platform.store.commit({ [keyOfLargeBlob(credential)]: encodeLargeBlobRecord(blob) });
  return { unsignedOutput: cborMap(["written", written]) };
}

/** Every way in which a member of the input can be wrong is INVALID_CBOR here: so the conformance tests have it. */
function readMember<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof CtapError) throw malformed(error.message);
    throw error;
  }
}

function malformed(what: string): CtapError {
  return new CtapError(CtapStatus.CTAP2_ERR_INVALID_CBOR, `largeBlob: ${what}`);
}

function cborMap(...entries: readonly (readonly [string, CborValue])[]) {
  return new Map<CborValue, CborValue>(entries);
}
