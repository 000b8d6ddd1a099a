// A FIDO2 platform for tests: encodes requests, takes responses apart, and verifies them with nothing of the
// authenticator's own code but CBOR. CTAP 2.3 §6, WebAuthn §6.1, §6.5
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { ml_dsa44, ml_dsa65, ml_dsa87 } from "@noble/post-quantum/ml-dsa.js";
import { Decoder } from "cbor-x";
import type { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { type CborMap, type CborValue, decodeCborMap, encodeCbor } from "../../src/cbor.ts";
import type { Transport } from "../../src/transport.ts";
import { createTestTransport } from "./platform.ts";

export const Command = {
  MAKE_CREDENTIAL: 0x01,
  GET_ASSERTION: 0x02,
  GET_INFO: 0x04,
  RESET: 0x07,
  GET_NEXT_ASSERTION: 0x08,
  SELECTION: 0x0b,
  LARGE_BLOBS: 0x0c,
} as const;

/** Any map, from an object (text keys) or from pairs. */
export function cborMap(entries: Readonly<Record<string, CborValue>> | readonly (readonly [CborValue, CborValue])[]) {
  return new Map<CborValue, CborValue>(Array.isArray(entries) ? entries : Object.entries(entries));
}

export const clientDataHash = sha256("client data");

export function sha256(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Parameters of a sound authenticatorMakeCredential; `changes` replaces members, and undefined removes one. */
export function makeCredentialParameters(changes: Readonly<Record<number, CborValue>> = {}): CborMap {
  const sound = new Map<CborValue, CborValue>([
    [1, clientDataHash],
    [2, cborMap({ id: "example.com", name: "Example" })],
    [3, cborMap({ id: Buffer.from("user 1"), name: "alice", displayName: "Alice" })],
    [4, [credentialParameter(-7)]],
  ]);
  return change(sound, changes);
}

/** Parameters of a sound authenticatorGetAssertion. */
export function getAssertionParameters(changes: Readonly<Record<number, CborValue>> = {}): CborMap {
  const sound = new Map<CborValue, CborValue>([
    [1, "example.com"],
    [2, clientDataHash],
  ]);
  return change(sound, changes);
}

function change(map: Map<CborValue, CborValue>, changes: Readonly<Record<number, CborValue>>): CborMap {
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) map.delete(Number(key));
    else map.set(Number(key), value);
  }
  return map;
}

export function credentialParameter(alg: number): CborMap {
  return cborMap({ alg, type: "public-key" });
}

export function descriptor(id: Uint8Array): CborMap {
  return cborMap({ id, type: "public-key" });
}

export function encodeRequest(command: number, parameters?: CborMap): Uint8Array {
  const encoded = parameters === undefined ? [] : encodeCbor(parameters);
  return Uint8Array.of(command, ...encoded);
}

export interface Reply {
  readonly status: number;
  /** Empty when the authenticator sent no map. */
  readonly map: CborMap;
}

export function parseReply(bytes: Uint8Array): Reply {
  const [status] = bytes;
  if (status === undefined) throw new Error("an empty reply");
  return { status, map: bytes.length > 1 ? decodeCborMap(bytes.subarray(1)) : new Map() };
}

export async function send(
  authenticator: Fido2Authenticator,
  command: number,
  parameters?: CborMap,
  transport: Transport = createTestTransport(),
): Promise<Reply> {
  return parseReply(await authenticator.process(encodeRequest(command, parameters), transport));
}

export interface ParsedAuthenticatorData {
  readonly rpIdHash: Uint8Array;
  readonly flags: number;
  readonly signCount: number;
  readonly aaguid?: string;
  readonly credentialId?: Uint8Array;
  readonly publicKey?: CborMap;
  /** Empty when ED is not set. */
  readonly extensions: CborMap;
}

const sequenceDecoder = new Decoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });

/** As many maps one after another as the flags promise, canonical, and nothing behind them. */
function parseMaps(bytes: Uint8Array, count: number): CborMap[] {
  if (bytes.length === 0 && count === 0) return [];
  const maps = sequenceDecoder.decodeMultiple(Uint8Array.from(bytes)) as CborMap[];
  if (maps.length !== count) throw new Error(`${maps.length} CBOR values in authenticator data instead of ${count}`);
  if (!Buffer.concat(maps.map((map) => encodeCbor(map))).equals(bytes)) throw new Error("CBOR that is not canonical");
  return maps;
}

export function parseAuthenticatorData(bytes: Uint8Array): ParsedAuthenticatorData {
  const data = Buffer.from(bytes);
  const head = { rpIdHash: data.subarray(0, 32), flags: data.readUInt8(32), signCount: data.readUInt32BE(33) };
  const hasExtensions = (head.flags & 0x80) !== 0;
  if ((head.flags & 0x40) === 0) {
    const [extensions = new Map()] = parseMaps(data.subarray(37), hasExtensions ? 1 : 0);
    return { ...head, extensions };
  }
  const idEnd = 55 + data.readUInt16BE(53);
  const [publicKey, extensions = new Map()] = parseMaps(data.subarray(idEnd), hasExtensions ? 2 : 1);
  if (publicKey === undefined) throw new Error("no public key");
  const credentialId = Uint8Array.from(data.subarray(55, idEnd));
  return { ...head, aaguid: data.toString("hex", 37, 53), credentialId, publicKey, extensions };
}

/** How node:crypto verifies each algorithm: the JWK curve, and the hash of ECDSA. */
const algorithms: Readonly<
  Record<number, { readonly curve: string; readonly crv: number; readonly hash: string | null }>
> = {
  [-7]: { curve: "P-256", crv: 1, hash: "sha256" },
  [-8]: { curve: "Ed25519", crv: 6, hash: null },
  [-9]: { curve: "P-256", crv: 1, hash: "sha256" },
  [-19]: { curve: "Ed25519", crv: 6, hash: null },
  [-35]: { curve: "P-384", crv: 2, hash: "sha384" },
  [-36]: { curve: "P-521", crv: 3, hash: "sha512" },
  [-47]: { curve: "secp256k1", crv: 8, hash: "sha256" },
  [-51]: { curve: "P-384", crv: 2, hash: "sha384" },
  [-52]: { curve: "P-521", crv: 3, hash: "sha512" },
  [-53]: { curve: "Ed448", crv: 7, hash: null },
};
const mlDsa: Readonly<Record<number, typeof ml_dsa44>> = { [-48]: ml_dsa44, [-49]: ml_dsa65, [-50]: ml_dsa87 };

function algorithmOf(key: CborMap) {
  const row = algorithms[Number(key.get(3))];
  if (row === undefined) throw new Error(`no algorithm ${String(key.get(3))}`);
  return row;
}

/** A COSE_Key as what node:crypto verifies with; throws unless key type and curve are those of its algorithm. */
function importCoseKey(key: CborMap): KeyObject {
  const { curve, crv, hash } = algorithmOf(key);
  const isEdwards = hash === null;
  if (key.get(1) !== (isEdwards ? 1 : 2) || key.get(-1) !== crv) throw new Error("not a key of its algorithm");
  const base64url = (label: number) => Buffer.from(bytesOf(key.get(label))).toString("base64url");
  const x = base64url(-2);
  const jwk = isEdwards ? { kty: "OKP", crv: curve, x } : { kty: "EC", crv: curve, x, y: base64url(-3) };
  return createPublicKey({ format: "jwk", key: jwk });
}

export function isSignature(key: CborMap, message: Uint8Array, signature: Uint8Array): boolean {
  const scheme = mlDsa[Number(key.get(3))];
  if (scheme === undefined) return verify(algorithmOf(key).hash, message, importCoseKey(key), signature);
  if (key.get(1) !== 7) throw new Error("not an AKP key");
  return scheme.verify(signature, message, bytesOf(key.get(-1)));
}

export interface Registration {
  readonly credentialId: Uint8Array;
  readonly publicKey: CborMap;
  readonly authData: ParsedAuthenticatorData;
}

/** Takes an OK reply of authenticatorMakeCredential apart, and throws unless its self-attestation verifies. */
export function verifyRegistration({ status, map }: Reply): Registration {
  if (status !== 0) throw new Error(`makeCredential answered ${status.toString(16)}`);
  const rawAuthData = bytesOf(map.get(2));
  const authData = parseAuthenticatorData(rawAuthData);
  const { credentialId, publicKey } = authData;
  const attStmt = map.get(3);
  if (credentialId === undefined || publicKey === undefined) throw new Error("no attested credential");
  if (map.get(1) !== "packed" || !(attStmt instanceof Map)) throw new Error("not packed");
  if (attStmt.get("alg") !== publicKey.get(3) || attStmt.has("x5c")) throw new Error("not self-attestation");
  const signed = Buffer.concat([rawAuthData, clientDataHash]);
  if (!isSignature(publicKey, signed, bytesOf(attStmt.get("sig")))) throw new Error("the attestation is not valid");
  return { credentialId, publicKey, authData };
}

export interface Assertion {
  readonly credentialId: Uint8Array;
  readonly authData: ParsedAuthenticatorData;
  readonly user: CborMap | undefined;
  readonly numberOfCredentials: CborValue;
}

/** Takes an OK reply of authenticatorGetAssertion apart, and throws unless `publicKey` signed it. */
export function verifyAssertion({ status, map }: Reply, publicKey: CborMap): Assertion {
  if (status !== 0) throw new Error(`getAssertion answered ${status.toString(16)}`);
  const rawAuthData = bytesOf(map.get(2));
  const credential = map.get(1);
  const user = map.get(4);
  if (!(credential instanceof Map)) throw new Error("no credential");
  const signed = Buffer.concat([rawAuthData, clientDataHash]);
  if (!isSignature(publicKey, signed, bytesOf(map.get(3)))) throw new Error("the signature is not valid");
  return {
    credentialId: Uint8Array.from(bytesOf(credential.get("id"))),
    authData: parseAuthenticatorData(rawAuthData),
    user: user instanceof Map ? user : undefined,
    numberOfCredentials: map.get(5),
  };
}

export function bytesOf(value: CborValue): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new Error("not a byte string");
  return value;
}
