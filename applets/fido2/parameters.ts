// The parameters of a request: canonical CBOR into exact types, each mismatch with CTAP's own status. Unknown members
// are ignored, as the specification says of every map. CTAP 2.3 §6.1.1, §6.2.1, §8; WebAuthn §5.4, §5.8
import { CborError, type CborMap, type CborValue, decodeCbor, isCborMap } from "../../src/cbor.ts";
import { CtapError, CtapStatus } from "./status.ts";

type Key = number | string;

/** One map of a request. A getter throws CBOR_UNEXPECTED_TYPE for another type, MISSING_PARAMETER for no member. */
export class Parameters {
  readonly #map: CborMap;

  constructor(map: CborMap) {
    this.#map = map;
  }

  /** The map after the command byte. Throws INVALID_CBOR, or CBOR_UNEXPECTED_TYPE for anything but a map. */
  static parse(bytes: Uint8Array): Parameters {
    try {
      return Parameters.#of(decodeCbor(bytes), "the request");
    } catch (error) {
      if (error instanceof CborError) throw new CtapError(CtapStatus.CTAP2_ERR_INVALID_CBOR, error.message);
      throw error;
    }
  }

  static #of(value: CborValue, what: Key): Parameters {
    if (!isCborMap(value)) throw unexpectedType(what, "a map");
    return new Parameters(value);
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  optionalBytes(key: Key): Uint8Array | undefined {
    const value = this.#map.get(key);
    if (value === undefined || value instanceof Uint8Array) return this.#present(key, value);
    throw unexpectedType(key, "a byte string");
  }

  optionalText(key: Key): string | undefined {
    const value = this.#map.get(key);
    if (value === undefined || typeof value === "string") return this.#present(key, value);
    throw unexpectedType(key, "a text string");
  }

  /** Of either sign; beyond 2^53 inexact, which is beyond any value that CTAP defines. */
  optionalInteger(key: Key): number | undefined {
    const value = this.#map.get(key);
    if (typeof value === "bigint") return Number(value);
    if (value === undefined || typeof value === "number") return this.#present(key, value);
    throw unexpectedType(key, "an integer");
  }

  optionalBoolean(key: Key): boolean | undefined {
    const value = this.#map.get(key);
    if (value === undefined || typeof value === "boolean") return this.#present(key, value);
    throw unexpectedType(key, "a boolean");
  }

  optionalMap(key: Key): Parameters | undefined {
    const value = this.#present(key, this.#map.get(key));
    return value === undefined ? undefined : Parameters.#of(value, key);
  }

  /** An array of maps, which is what every array that CTAP defines in a request is. */
  optionalMaps(key: Key): readonly Parameters[] | undefined {
    return this.#optionalArray(key)?.map((element) => Parameters.#of(element, key));
  }

  optionalTexts(key: Key): readonly string[] | undefined {
    return this.#optionalArray(key)?.map((element) => {
      if (typeof element === "string") return element;
      throw unexpectedType(key, "an array of text strings");
    });
  }

  /** The texts of an array whose other elements mean nothing. */
  optionalTextsAmongOthers(key: Key): readonly string[] | undefined {
    return this.#optionalArray(key)?.filter((element) => typeof element === "string");
  }

  bytes(key: Key): Uint8Array {
    return required(key, this.optionalBytes(key));
  }

  text(key: Key): string {
    return required(key, this.optionalText(key));
  }

  integer(key: Key): number {
    return required(key, this.optionalInteger(key));
  }

  map(key: Key): Parameters {
    return required(key, this.optionalMap(key));
  }

  maps(key: Key): readonly Parameters[] {
    return required(key, this.optionalMaps(key));
  }

  #optionalArray(key: Key): readonly CborValue[] | undefined {
    const value = this.#present(key, this.#map.get(key));
    if (value === undefined || Array.isArray(value)) return value;
    throw unexpectedType(key, "an array");
  }

  /** CBOR's own "undefined" is a value of the wrong type, not an absent member. */
  #present<T>(key: Key, value: T): T {
    if (value === undefined && this.#map.has(key)) throw unexpectedType(key, "a value");
    return value;
  }
}

function required<T>(key: Key, value: T | undefined): T {
  if (value === undefined) throw new CtapError(CtapStatus.CTAP2_ERR_MISSING_PARAMETER, `${key}`);
  return value;
}

/**
 * What a structure must hold, in contrast to what a command must be given: "if structures in messages from the host are
 * missing required members", that is CBOR_UNEXPECTED_TYPE. CTAP 2.3 §8
 */
function member<T>(key: Key, value: T | undefined): T {
  if (value === undefined) throw unexpectedType(key, "there");
  return value;
}

function unexpectedType(what: Key, wanted: string): CtapError {
  return new CtapError(CtapStatus.CTAP2_ERR_CBOR_UNEXPECTED_TYPE, `${what} is not ${wanted}`);
}

/** PublicKeyCredentialRpEntity. */
export interface RelyingParty {
  readonly id: string;
  readonly name: string | undefined;
}

/** PublicKeyCredentialUserEntity; `id` is the user handle, 1 to 64 bytes. */
export interface User {
  readonly id: Uint8Array;
  readonly name: string | undefined;
  readonly displayName: string | undefined;
}

const MAX_USER_ID_LENGTH = 64;
const CLIENT_DATA_HASH_LENGTH = 32;
const PUBLIC_KEY = "public-key";

export function parseClientDataHash(clientDataHash: Uint8Array): Uint8Array {
  if (clientDataHash.length !== CLIENT_DATA_HASH_LENGTH) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_LENGTH, "clientDataHash is a SHA-256 hash");
  }
  return clientDataHash;
}

/** Longer names are cut, so that every answer fits into a message. WebAuthn §6.4.1: authenticators keep at least 64 bytes. */
const MAX_NAME_LENGTH = 256;

/** The beginning of a text: at most 256 bytes of UTF-8, and no half of a character. WebAuthn §6.4.1.1 */
function truncateName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const kept = new Uint8Array(MAX_NAME_LENGTH);
  const { read } = new TextEncoder().encodeInto(name, kept);
  return name.slice(0, read);
}

/** An "icon", which WebAuthn has given up, is a text if it is there at all; nobody sees it. CTAP 2.3 §6.1 */
function checkIcon(entity: Parameters): void {
  entity.optionalText("icon");
}

export function parseRelyingParty(rp: Parameters): RelyingParty {
  checkIcon(rp);
  return { id: member("rp.id", rp.optionalText("id")), name: truncateName(rp.optionalText("name")) };
}

export function parseUser(user: Parameters): User {
  checkIcon(user);
  const id = member("user.id", user.optionalBytes("id"));
  if (id.length < 1 || id.length > MAX_USER_ID_LENGTH) {
    throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_LENGTH, `user.id has 1 to ${MAX_USER_ID_LENGTH} bytes`);
  }
  const name = truncateName(user.optionalText("name"));
  return { id, name, displayName: truncateName(user.optionalText("displayName")) };
}

/**
 * The COSE algorithms of pubKeyCredParams in the client's order. Every element is checked, supported or not; one of
 * another type than "public-key" is passed over. CTAP 2.3 §6.1.2 step 3, which leaves open with what error a member is
 * missing ("for example CTAP2_ERR_INVALID_CBOR"); SoloKeys' fido2-tests want MISSING_PARAMETER.
 */
export function parsePubKeyCredParams(elements: readonly Parameters[]): number[] {
  return elements.flatMap((element) => {
    const algorithm = element.optionalInteger("alg");
    return element.text("type") === PUBLIC_KEY ? [required("alg", algorithm)] : [];
  });
}

/** The id of one PublicKeyCredentialDescriptor, as authenticatorCredentialManagement names a credential. */
export function parseCredentialId(descriptor: Parameters): Uint8Array {
  const { type, id } = parseDescriptor(descriptor);
  if (type !== PUBLIC_KEY) throw new CtapError(CtapStatus.CTAP2_ERR_NO_CREDENTIALS, "type");
  return id;
}

/** The ids of a list of PublicKeyCredentialDescriptors, without those of other types than "public-key". */
export function parseCredentialIds(descriptors: readonly Parameters[]): Uint8Array[] {
  return descriptors.flatMap((descriptor) => {
    const { type, id } = parseDescriptor(descriptor);
    return type === PUBLIC_KEY ? [id] : [];
  });
}

function parseDescriptor(descriptor: Parameters): { readonly type: string; readonly id: Uint8Array } {
  const type = member("type", descriptor.optionalText("type"));
  return { type, id: member("id", descriptor.optionalBytes("id")) };
}

/** The option keys that every command must understand. CTAP 2.3 §6.1.2 step 5: any other is treated as absent. */
export interface RequestOptions {
  readonly rk: boolean | undefined;
  readonly up: boolean | undefined;
  readonly uv: boolean | undefined;
}

export function parseOptions(options: Parameters | undefined): RequestOptions {
  return {
    rk: options?.optionalBoolean("rk"),
    up: options?.optionalBoolean("up"),
    uv: options?.optionalBoolean("uv"),
  };
}

export function encodeDescriptor(credentialId: Uint8Array): CborMap {
  return new Map<CborValue, CborValue>([
    ["id", credentialId],
    ["type", PUBLIC_KEY],
  ]);
}

/** For commands that take none: a byte more than the command is refused. */
export function requireNoParameters(data: Uint8Array): void {
  if (data.length > 0) throw new CtapError(CtapStatus.CTAP1_ERR_INVALID_LENGTH, "this command has no parameters");
}
