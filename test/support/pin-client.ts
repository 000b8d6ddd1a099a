// The platform's side of the PIN/UV auth protocols, written against the specification and node:crypto, with nothing of
// the authenticator's own code but CBOR. CTAP 2.3 §6.5.4 to §6.5.8
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
} from "node:crypto";
import type { Fido2Authenticator } from "../../applets/fido2/authenticator.ts";
import { type CborMap, type CborValue, encodeCbor } from "../../src/cbor.ts";
import type { Transport } from "../../src/transport.ts";
import { bytesOf, type Reply, send } from "./fido-client.ts";
import { createTestTransport } from "./platform.ts";

export const CLIENT_PIN = 0x06;
export const CREDENTIAL_MANAGEMENT = 0x0a;
export const CONFIG = 0x0d;

export const Permission = { MC: 0x01, GA: 0x02, CM: 0x04, BE: 0x08, LBW: 0x10, ACFG: 0x20, PCMR: 0x40 } as const;

export type Version = 1 | 2;

/** A token as a platform holds it. */
export interface Token {
  readonly version: Version;
  readonly value: Uint8Array;
}

export function authenticate(version: Version, key: Uint8Array, message: Uint8Array): Uint8Array {
  const mac = createHmac("sha256", key.subarray(0, 32)).update(message).digest();
  return version === 1 ? mac.subarray(0, 16) : mac;
}

export function hashPin(pin: string): Uint8Array {
  return createHash("sha256").update(pin, "utf8").digest().subarray(0, 16);
}

export function padPin(pin: string | Uint8Array, length = 64): Uint8Array {
  const padded = Buffer.alloc(length);
  padded.set(typeof pin === "string" ? Buffer.from(pin, "utf8") : pin);
  return padded;
}

/** One agreed key. */
export class Agreement {
  readonly version: Version;
  readonly keyAgreement: CborMap;
  readonly #key: Uint8Array;

  constructor(version: Version, peer: CborMap) {
    this.version = version;
    const ecdh = createECDH("prime256v1");
    const own = ecdh.generateKeys();
    const point = Buffer.concat([Buffer.of(4), bytesOf(peer.get(-2)), bytesOf(peer.get(-3))]);
    const z = ecdh.computeSecret(point);
    const derive = (info: string) => Buffer.from(hkdfSync("sha256", z, Buffer.alloc(32), info, 32));
    this.#key =
      version === 1
        ? createHash("sha256").update(z).digest()
        : Buffer.concat([derive("CTAP2 HMAC key"), derive("CTAP2 AES key")]);
    this.keyAgreement = new Map<CborValue, CborValue>([
      [1, 2],
      [3, -25],
      [-1, 1],
      [-2, own.subarray(1, 33)],
      [-3, own.subarray(33)],
    ]);
  }

  encrypt(plaintext: Uint8Array): Uint8Array {
    const iv = this.version === 1 ? Buffer.alloc(16) : randomBytes(16);
    const cipher = createCipheriv("aes-256-cbc", this.#key.subarray(-32), iv).setAutoPadding(false);
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return this.version === 1 ? ciphertext : Buffer.concat([iv, ciphertext]);
  }

  decrypt(ciphertext: Uint8Array): Uint8Array {
    const iv = this.version === 1 ? Buffer.alloc(16) : ciphertext.subarray(0, 16);
    const rest = this.version === 1 ? ciphertext : ciphertext.subarray(16);
    const decipher = createDecipheriv("aes-256-cbc", this.#key.subarray(-32), iv).setAutoPadding(false);
    return Buffer.concat([decipher.update(rest), decipher.final()]);
  }

  authenticate(message: Uint8Array): Uint8Array {
    return authenticate(this.version, this.#key, message);
  }
}

export type TokenReply = Reply & { readonly token: Token | undefined };

export type Members = Readonly<Record<number, CborValue>>;

export class PinClient {
  readonly authenticator: Fido2Authenticator;
  readonly version: Version;
  readonly transport: Transport;

  constructor(authenticator: Fido2Authenticator, version: Version = 2, transport: Transport = createTestTransport()) {
    this.authenticator = authenticator;
    this.version = version;
    this.transport = transport;
  }

  /** authenticatorClientPIN; a member of undefined is left out. */
  send(subCommand: number, members: Members = {}): Promise<Reply> {
    return this.command(CLIENT_PIN, { 1: this.version, 2: subCommand, ...members });
  }

  command(command: number, members: Members): Promise<Reply> {
    const entries = Object.entries(members).filter(([, value]) => value !== undefined);
    const map = new Map<CborValue, CborValue>(entries.map(([key, value]) => [Number(key), value]));
    return send(this.authenticator, command, map, this.transport);
  }

  async agree(): Promise<Agreement> {
    const { status, map } = await this.send(0x02);
    const peer = map.get(1);
    if (status !== 0 || !(peer instanceof Map)) throw new Error(`getKeyAgreement answered ${status}`);
    return new Agreement(this.version, peer);
  }

  async setPin(pin: string | Uint8Array, changes: Members = {}): Promise<Reply> {
    const agreed = await this.agree();
    const newPinEnc = agreed.encrypt(padPin(pin));
    const param = agreed.authenticate(newPinEnc);
    return this.send(0x03, { 3: agreed.keyAgreement, 4: param, 5: newPinEnc, ...changes });
  }

  async changePin(current: string, pin: string, changes: Members = {}): Promise<Reply> {
    const agreed = await this.agree();
    const newPinEnc = agreed.encrypt(padPin(pin));
    const pinHashEnc = agreed.encrypt(hashPin(current));
    const param = agreed.authenticate(Buffer.concat([newPinEnc, pinHashEnc]));
    return this.send(0x04, { 3: agreed.keyAgreement, 4: param, 5: newPinEnc, 6: pinHashEnc, ...changes });
  }

  /** getPinUvAuthTokenUsingPinWithPermissions: the reply, and its token when there is one. */
  requestToken(pin: string, permissions: number, rpId?: string, changes: Members = {}): Promise<TokenReply> {
    return this.#requestToken(0x09, pin, { 9: permissions, 10: rpId, ...changes });
  }

  /** getPinToken. */
  requestLegacyToken(pin: string, changes: Members = {}): Promise<TokenReply> {
    return this.#requestToken(0x05, pin, changes);
  }

  /** getPinUvAuthTokenUsingUvWithPermissions. */
  requestTokenByUv(permissions: number, rpId?: string, changes: Members = {}): Promise<TokenReply> {
    return this.#requestToken(0x06, undefined, { 9: permissions, 10: rpId, ...changes });
  }

  async #requestToken(subCommand: number, pin: string | undefined, members: Members): Promise<TokenReply> {
    const agreed = await this.agree();
    const pinHashEnc = pin === undefined ? undefined : agreed.encrypt(hashPin(pin));
    const reply = await this.send(subCommand, { 3: agreed.keyAgreement, 6: pinHashEnc, ...members });
    const encrypted = reply.map.get(2);
    if (encrypted === undefined) return { ...reply, token: undefined };
    return { ...reply, token: { version: this.version, value: agreed.decrypt(bytesOf(encrypted)) } };
  }

  /** A token for sure. */
  async getToken(pin: string, permissions: number, rpId?: string): Promise<Token> {
    const { status, token } = await this.requestToken(pin, permissions, rpId);
    if (token === undefined) throw new Error(`no token: ${status.toString(16)}`);
    return token;
  }

  /** authenticatorCredentialManagement; without a token the request has no pinUvAuthParam. */
  manage(subCommand: number, params?: CborMap, token?: Token, command = CREDENTIAL_MANAGEMENT): Promise<Reply> {
    const encoded = params === undefined ? [] : encodeCbor(params);
    const message = Uint8Array.of(subCommand, ...encoded);
    return this.command(command, { 1: subCommand, 2: params, ...proof(token, message, 3, 4) });
  }

  /** authenticatorConfig. */
  configure(subCommand: number, params?: CborMap, token?: Token): Promise<Reply> {
    const encoded = params === undefined ? [] : encodeCbor(params);
    const message = Buffer.concat([Buffer.alloc(32, 0xff), Buffer.of(CONFIG, subCommand), Buffer.from(encoded)]);
    return this.command(CONFIG, { 1: subCommand, 2: params, ...proof(token, message, 3, 4) });
  }
}

/** The two members that prove a message with a token. */
export function proof(token: Token | undefined, message: Uint8Array, protocolKey: number, paramKey: number): Members {
  if (token === undefined) return {};
  return { [protocolKey]: token.version, [paramKey]: authenticate(token.version, token.value, message) };
}
