// KDF-DO: how the host is to hash passwords before it sends them, and the hashes of the factory's passwords, which the
// card takes over when the object is put. OpenPGP 3.4.1 §4.3.2; what follows for the passwords is as YubiKeys and Gnuk
// have it: all three are reset. But the specification leaves it to the host to align passwords and object: one that has
// changed them before it puts the object keeps them, and one that does afterwards changes them from what they were:
// volatile.ts.
//
//   81 01 03    KDF_ITERSALTED_S2K (00: none, and nothing follows)
//   82 01 hh    08 SHA-256, 0A SHA-512
//   83 04 …     how many bytes are hashed
//   84 …        salt for PW1; 85 for the resetting code and 86 for PW3, where they have their own
//   87 …, 88 …  the hashes of the initial PW1 and PW3
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";
import { parseTlvs } from "../../src/iso7816/tlv.ts";
import type { OpenPgpContext } from "./context.ts";
import { parsing } from "./data-field.ts";
import type { PasswordName } from "./passwords.ts";
import { type Changes, dataObjectKey } from "./persistent.ts";

export const KDF = 0xf9;
const Tag = { ALGORITHM: 0x81, HASH: 0x82, COUNT: 0x83, SALT_PW1: 0x84, INITIAL_PW1: 0x87, INITIAL_PW3: 0x88 } as const;
const KDF_NONE = 0x00;
const KDF_ITERSALTED_S2K = 0x03;
/** RFC 4880 §9.4. */
const hashLengths: ReadonlyMap<number | undefined, number> = new Map([
  [0x08, 32],
  [0x0a, 64],
]);
const COUNT_LENGTH = 4;
const MAX_SALT_LENGTH = 64;

/** What GET DATA answers while there is none. */
export const NO_KDF = Uint8Array.of(Tag.ALGORITHM, 1, KDF_NONE);

interface Kdf {
  readonly hashLength: number;
  readonly initialPw1: Uint8Array;
  readonly initialPw3: Uint8Array;
}

/** Puts the object and resets the passwords, unless they fit it already. Throws StatusError 6A80. */
export function kdfChanges({ passwords, persistent }: OpenPgpContext, object: Uint8Array): Changes {
  const before = parseKdf(persistent.dataObject(KDF) ?? NO_KDF);
  const kdf = object.length === 0 ? undefined : parseKdf(object);
  const changes = { [dataObjectKey(KDF)]: kdf === undefined ? null : object };
  const isAligned = (name: PasswordName) => isPasswordOf(kdf, before, passwords.verifier(name)?.length);
  const noResettingCode = passwords.reset("RC");
  if (isAligned("PW1") && isAligned("PW3")) return { ...changes, ...(isAligned("RC") ? {} : noResettingCode) };
  if (kdf === undefined)
    return { ...changes, ...passwords.reset("PW1"), ...noResettingCode, ...passwords.reset("PW3") };
  return {
    ...changes,
    ...passwords.replacement("PW1", kdf.initialPw1),
    ...noResettingCode,
    ...passwords.replacement("PW3", kdf.initialPw3),
  };
}

/**
 * Whether a password of that length is what the host makes of one now, where it was not before: a hash from now on, or a
 * hash no more. From one KDF to another nothing tells.
 */
function isPasswordOf(kdf: Kdf | undefined, before: Kdf | undefined, length: number | undefined): boolean {
  if (kdf !== undefined) return before === undefined && length === kdf.hashLength;
  return before !== undefined && length !== before.hashLength;
}

/** Undefined for an object that says that there is no KDF. Throws StatusError 6A80. */
function parseKdf(object: Uint8Array): Kdf | undefined {
  const fields = new Map(parsing(() => parseTlvs(object)).map(({ tag, value }) => [tag, value]));
  const algorithm = fields.get(Tag.ALGORITHM);
  if (algorithm?.length === 1 && algorithm[0] === KDF_NONE && fields.size === 1) return undefined;
  const hash = fields.get(Tag.HASH);
  const hashLength = hash?.length === 1 ? hashLengths.get(hash[0]) : undefined;
  const initialPw1 = fields.get(Tag.INITIAL_PW1);
  const initialPw3 = fields.get(Tag.INITIAL_PW3);
  const isWellFormed =
    algorithm?.length === 1 &&
    algorithm[0] === KDF_ITERSALTED_S2K &&
    fields.get(Tag.COUNT)?.length === COUNT_LENGTH &&
    [...fields].every(([tag, value]) => !isSalt(tag) || (value.length > 0 && value.length <= MAX_SALT_LENGTH)) &&
    [...fields.keys()].every((tag) => tag >= Tag.ALGORITHM && tag <= Tag.INITIAL_PW3) &&
    fields.has(Tag.SALT_PW1);
  if (!isWellFormed || hashLength === undefined) throw new StatusError(StatusWord.WRONG_DATA);
  if (initialPw1?.length !== hashLength || initialPw3?.length !== hashLength) {
    throw new StatusError(StatusWord.WRONG_DATA);
  }
  return { hashLength, initialPw1, initialPw3 };
}

function isSalt(tag: number): boolean {
  return tag >= Tag.SALT_PW1 && tag < Tag.INITIAL_PW1;
}
