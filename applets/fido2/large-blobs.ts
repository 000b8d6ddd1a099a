// authenticatorLargeBlobs (0x0C): the large-blob array, which all credentials share; the platform encrypts each entry and
// knows whose it is. Read and written by fragments, but only ever replaced whole. CTAP 2.3 §6.10; the steps are
// §6.10.2's.
//
//   serialized large-blob array: CBOR array | LEFT(SHA-256(CBOR array), 16)
import { concat } from "../../src/bytes/concat.ts";
import { isEqual } from "../../src/bytes/equal.ts";
import { fromHex } from "../../src/bytes/hex.ts";
import { encodeU32le } from "../../src/bytes/integer.ts";
import type { CborMap, CborValue } from "../../src/cbor.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import type { Transport } from "../../src/transport.ts";
import type { Fido2Context } from "./context.ts";
import { Parameters } from "./parameters.ts";
import { isProtected, type PinUvAuth, parsePinUvAuth, verifyPinUvAuthParam } from "./pin-uv-auth.ts";
import { Permission } from "./pin-uv-auth-token.ts";
import { CtapError, CtapStatus } from "./status.ts";

const Request = {
  GET: 0x01,
  SET: 0x02,
  OFFSET: 0x03,
  LENGTH: 0x04,
  PIN_UV_AUTH_PARAM: 0x05,
  PIN_UV_AUTH_PROTOCOL: 0x06,
} as const;

const Response = { CONFIG: 0x01 } as const;

/** Persistent: the serialized large-blob array. */
const LARGE_BLOBS = "fido2/large-blobs";

/** An empty CBOR array and its hash. §6.10 */
const INITIAL = fromHex("8076be8b528d0075f7aae98d6fa57a6d3c");
const HASH_LENGTH = 16;
/** The shortest array there is, and its hash. */
const MIN_LENGTH = 1 + HASH_LENGTH;

/** getInfo's maxSerializedLargeBlobArray; the specification wants 1,024 at least. */
export const MAX_SERIALIZED_LARGE_BLOB_ARRAY = 65_536;

/** §6.10.2: what a fragment is shorter than a message. */
const FRAGMENT_OVERHEAD = 64;

/** What pinUvAuthParam signs begins with this: §6.10.2 step 3.6 */
const AUTH_PREFIX = concat(new Uint8Array(32).fill(0xff), Uint8Array.of(0x0c, 0x00));

/** A new array on its way in. Volatile. */
export interface LargeBlobsWrite {
  readonly buffer: Uint8Array;
  /** The specification's expectedNextOffset; expectedLength is the buffer's. */
  readonly nextOffset: number;
}

export async function largeBlobs(
  context: Fido2Context,
  data: Uint8Array,
  transport: Transport,
): Promise<CborMap | undefined> {
  if (context.options.largeBlob !== "command") throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_COMMAND);
  const parameters = Parameters.parse(data);
  const get = parameters.optionalInteger(Request.GET);
  const set = parameters.optionalBytes(Request.SET);
  const offset = parameters.optionalInteger(Request.OFFSET);
  const length = parameters.optionalInteger(Request.LENGTH);
  const auth = parsePinUvAuth(parameters, Request.PIN_UV_AUTH_PARAM, Request.PIN_UV_AUTH_PROTOCOL);

  // Steps 1 and 2: an offset, and one of the two.
  if (offset === undefined || offset < 0) throw invalidParameter("offset");
  if ((get === undefined) === (set === undefined)) throw invalidParameter("get or set, and not both");

  if (get !== undefined) return readFragment(context, parameters, get, offset);
  if (set !== undefined) await writeFragment(context, transport, auth, { set, offset, length });
  return undefined;
}

/** Step 2, "if get is present": anybody may read, since the platforms encrypt what they write. */
function readFragment(context: Fido2Context, parameters: Parameters, get: number, offset: number): CborMap {
  if (get < 0) throw invalidParameter("get");
  for (const key of [Request.LENGTH, Request.PIN_UV_AUTH_PARAM, Request.PIN_UV_AUTH_PROTOCOL]) {
    if (parameters.has(key)) throw invalidParameter(`parameter ${key} has no place beside get`);
  }
  requireFragmentLength(context, get);
  const stored = context.platform.store.get(LARGE_BLOBS) ?? INITIAL;
  if (offset > stored.length) throw invalidParameter("offset is beyond the end");
  return new Map<CborValue, CborValue>([[Response.CONFIG, stored.subarray(offset, offset + get)]]);
}

interface Fragment {
  readonly set: Uint8Array;
  readonly offset: number;
  /** Of the whole array; stands with the first fragment. */
  readonly length: number | undefined;
}

/** Step 3, "if set is present". */
async function writeFragment(
  context: Fido2Context,
  transport: Transport,
  auth: PinUvAuth,
  { set, offset, length }: Fragment,
): Promise<void> {
  const { state, platform } = context;
  requireFragmentLength(context, set.length);
  const write = offset === 0 ? beginWrite(length) : state.recallLargeBlobsWrite(transport);
  if (offset !== 0 && length !== undefined) throw invalidParameter("length stands at offset 0 alone");
  if (write === undefined || offset !== write.nextOffset) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_SEQ, "not the next fragment");
  }
  // A first fragment ends the write before it even if it is refused from here on.
  if (offset === 0) state.forgetLargeBlobsWrite(transport);

  if (isProtected(context) || context.settings.alwaysUv) {
    if (auth.param === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_PUAT_REQUIRED);
    const message = concat(AUTH_PREFIX, encodeU32le(offset), sha256(set));
    verifyPinUvAuthParam(context, auth, message, Permission.LARGE_BLOB_WRITE);
  }

  const nextOffset = offset + set.length;
  if (nextOffset > write.buffer.length) throw invalidParameter("more bytes than length said");
  write.buffer.set(set, offset);
  if (nextOffset < write.buffer.length) {
    state.rememberLargeBlobsWrite(transport, { ...write, nextOffset });
    return;
  }

  state.forgetLargeBlobsWrite(transport);
  const hashed = write.buffer.length - HASH_LENGTH;
  if (!isEqual(sha256(write.buffer.subarray(0, hashed)).subarray(0, HASH_LENGTH), write.buffer.subarray(hashed))) {
    throw new CtapError(CtapStatus.CTAP2_ERR_INTEGRITY_FAILURE, "the hash of the large-blob array");
  }
  await platform.store.commit({ [LARGE_BLOBS]: write.buffer });
}

function beginWrite(length: number | undefined): LargeBlobsWrite {
  if (length === undefined) throw invalidParameter("no length");
  if (length > MAX_SERIALIZED_LARGE_BLOB_ARRAY) {
    throw new CtapError(
      CtapStatus.CTAP2_ERR_LARGE_BLOB_STORAGE_FULL,
      `at most ${MAX_SERIALIZED_LARGE_BLOB_ARRAY} bytes`,
    );
  }
  if (length < MIN_LENGTH) throw invalidParameter("length");
  return { buffer: new Uint8Array(length), nextOffset: 0 };
}

function requireFragmentLength({ options }: Fido2Context, length: number): void {
  const maxFragmentLength = options.maxMsgSize - FRAGMENT_OVERHEAD;
  if (length > maxFragmentLength) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_LENGTH, `a fragment has at most ${maxFragmentLength} bytes`);
  }
}

function invalidParameter(what: string): CtapError {
  return new CtapError(CtapStatus.CTAP1_ERR_INVALID_PARAMETER, what);
}
