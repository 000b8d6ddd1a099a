// A client of PIV: what yubikit's PivSession does, command by command, in extended APDUs. Errors are status words.
import { createCipheriv, createDecipheriv, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { P256, P384 } from "../../src/crypto/curves.ts";
import { importEcPublicKey } from "../../src/crypto/ec-key.ts";
import { importRsaPublicKey } from "../../src/crypto/rsa.ts";
import { encodeCommandApdu } from "../../src/iso7816/apdu.ts";
import { encodeTlv, findTlv, parseTlv, parseTlvs } from "../../src/iso7816/tlv.ts";

export const Algorithm = {
  TDES: 0x03,
  RSA3072: 0x05,
  RSA1024: 0x06,
  RSA2048: 0x07,
  AES128: 0x08,
  AES192: 0x0a,
  AES256: 0x0c,
  P256: 0x11,
  P384: 0x14,
  RSA4096: 0x16,
  ED25519: 0xe0,
  X25519: 0xe1,
} as const;

const DEFAULT_MANAGEMENT_KEY = fromHex("010203040506070801020304050607080102030405060708");
const DEFAULT_PIN = "123456";
export const DEFAULT_PUK = "12345678";

const CIPHER_NAMES: Readonly<Record<number, string>> = {
  [Algorithm.TDES]: "des-ede3",
  [Algorithm.AES128]: "aes-128-ecb",
  [Algorithm.AES192]: "aes-192-ecb",
  [Algorithm.AES256]: "aes-256-ecb",
};

export interface Policies {
  readonly pin?: number;
  readonly touch?: number;
}

/** The status word of an answer that was not 9000. */
export class PivStatus extends Error {
  readonly statusWord: number;

  constructor(statusWord: number) {
    super(statusWord.toString(16).padStart(4, "0"));
    this.statusWord = statusWord;
  }
}

export class PivClient {
  readonly #exchange: (command: Uint8Array) => Promise<Uint8Array>;

  constructor(exchange: (command: Uint8Array) => Promise<Uint8Array>) {
    this.#exchange = exchange;
  }

  /** The data of a 9000; rejects with PivStatus. */
  async send(ins: number, p1: number, p2: number, data: Uint8Array = new Uint8Array(0)): Promise<Uint8Array> {
    const answer = await this.#exchange(encodeCommandApdu({ ins, p1, p2, data, le: 65_536, extended: true }));
    const statusWord = Number.parseInt(toHex(answer.subarray(-2)), 16);
    if (statusWord !== 0x9000) throw new PivStatus(statusWord);
    return answer.subarray(0, -2);
  }

  select(): Promise<Uint8Array> {
    return this.send(0xa4, 0x04, 0x00, fromHex("a000000308"));
  }

  verifyPin(pin = DEFAULT_PIN): Promise<Uint8Array> {
    return this.send(0x20, 0x00, 0x80, padPin(pin));
  }

  changePin(old: string, pin: string): Promise<Uint8Array> {
    return this.send(0x24, 0x00, 0x80, concat(padPin(old), padPin(pin)));
  }

  changePuk(old: string, puk: string): Promise<Uint8Array> {
    return this.send(0x24, 0x00, 0x81, concat(padPin(old), padPin(puk)));
  }

  unblockPin(puk: string, pin: string): Promise<Uint8Array> {
    return this.send(0x2c, 0x00, 0x80, concat(padPin(puk), padPin(pin)));
  }

  /** Both sides prove that they have the key. */
  async authenticate(algorithm: number = Algorithm.AES192, key = DEFAULT_MANAGEMENT_KEY): Promise<void> {
    const name = CIPHER_NAMES[algorithm] ?? "";
    const decipher = createDecipheriv(name, key, null).setAutoPadding(false);
    const cipher = createCipheriv(name, key, null).setAutoPadding(false);
    const sent = await this.send(0x87, algorithm, 0x9b, encodeTlv(0x7c, encodeTlv(0x80)));
    const witness = decipher.update(open(sent, 0x7c, 0x80));
    const challenge = randomBytes(witness.length);
    const proof = encodeTlv(0x7c, encodeTlv(0x80, witness), encodeTlv(0x81, challenge));
    const answer = open(await this.send(0x87, algorithm, 0x9b, proof), 0x7c, 0x82);
    if (!cipher.update(challenge).equals(answer)) throw new Error("the card does not have the management key");
  }

  setManagementKey(algorithm: number, key: Uint8Array, p2 = 0xff): Promise<Uint8Array> {
    return this.send(0xff, 0xff, p2, concat(Uint8Array.of(algorithm), encodeTlv(0x9b, key)));
  }

  /** The public key, as OpenSSL has it. */
  async generate(slot: number, algorithm: number, policies: Policies = {}): Promise<KeyObject> {
    const template = encodeTlv(0xac, encodeTlv(0x80, Uint8Array.of(algorithm)), encodePolicies(policies));
    return parsePublicKey(algorithm, open(await this.send(0x47, 0x00, slot, template), 0x7f49));
  }

  importKey(slot: number, algorithm: number, parts: Uint8Array, policies: Policies = {}): Promise<Uint8Array> {
    return this.send(0xfe, algorithm, slot, concat(parts, encodePolicies(policies)));
  }

  /** Tag 81: a padded block for RSA, a digest for ECDSA, a message for Ed25519. */
  async sign(slot: number, algorithm: number, input: Uint8Array): Promise<Uint8Array> {
    const template = encodeTlv(0x7c, encodeTlv(0x82), encodeTlv(0x81, input));
    return open(await this.send(0x87, algorithm, slot, template), 0x7c, 0x82);
  }

  /** Tag 85. */
  async agree(slot: number, algorithm: number, peerPublicKey: Uint8Array): Promise<Uint8Array> {
    const template = encodeTlv(0x7c, encodeTlv(0x82), encodeTlv(0x85, peerPublicKey));
    return open(await this.send(0x87, algorithm, slot, template), 0x7c, 0x82);
  }

  attest(slot: number): Promise<Uint8Array> {
    return this.send(0xf9, slot, 0x00);
  }

  /** The content of tag 53. */
  async getObject(id: number): Promise<Uint8Array> {
    return open(await this.send(0xcb, 0x3f, 0xff, encodeTlv(0x5c, encodeId(id))), 0x53);
  }

  putObject(id: number, content: Uint8Array): Promise<Uint8Array> {
    return this.send(0xdb, 0x3f, 0xff, concat(encodeTlv(0x5c, encodeId(id)), encodeTlv(0x53, content)));
  }

  /** Tag → value in hexadecimal. */
  async metadata(reference: number): Promise<Readonly<Record<number, string>>> {
    const objects = parseTlvs(await this.send(0xf7, 0x00, reference));
    return Object.fromEntries(objects.map(({ tag, value }) => [tag, toHex(value)]));
  }

  moveKey(from: number, to: number): Promise<Uint8Array> {
    return this.send(0xf6, to, from);
  }

  setPinRetries(pin: number, puk: number): Promise<Uint8Array> {
    return this.send(0xfa, pin, puk);
  }

  /** What yubikit does: blocks the PIN and the PUK, and resets. */
  async reset(): Promise<void> {
    for (let i = 0; i < 255 && (await statusOf(this.verifyPin(""))) !== 0x6983; i++);
    for (let i = 0; i < 255 && (await statusOf(this.unblockPin("", ""))) !== 0x6983; i++);
    await this.send(0xfb, 0x00, 0x00);
  }
}

/** The status word that a command ended with. */
export async function statusOf(answer: Promise<unknown>): Promise<number> {
  try {
    await answer;
    return 0x9000;
  } catch (error) {
    if (error instanceof PivStatus) return error.statusWord;
    throw error;
  }
}

export function padPin(pin: string): Uint8Array {
  return Buffer.alloc(8, 0xff).fill(pin, 0, Math.min(8, pin.length), "utf8");
}

/** 00 01 FF … 00 DigestInfo, as long as the modulus. RFC 8017 §9.2 */
export function padPkcs1(digestInfo: Uint8Array, length: number): Uint8Array {
  const filling = new Uint8Array(length - digestInfo.length - 3).fill(0xff);
  return concat(Uint8Array.of(0, 1), filling, Uint8Array.of(0), digestInfo);
}

function parsePublicKey(algorithm: number, template: Uint8Array): KeyObject {
  const parts = parseTlvs(template);
  const point = findTlv(parts, 0x86) ?? new Uint8Array(0);
  const x = Buffer.from(point).toString("base64url");
  switch (algorithm) {
    case Algorithm.P256:
      return importEcPublicKey(P256, point);
    case Algorithm.P384:
      return importEcPublicKey(P384, point);
    case Algorithm.ED25519:
      return createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
    case Algorithm.X25519:
      return createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "X25519", x } });
    default:
      return importRsaPublicKey(findTlv(parts, 0x81) ?? point, findTlv(parts, 0x82) ?? point);
  }
}

function encodePolicies({ pin, touch }: Policies): Uint8Array {
  const encode = (tag: number, policy: number | undefined) =>
    policy === undefined ? new Uint8Array(0) : encodeTlv(tag, Uint8Array.of(policy));
  return concat(encode(0xaa, pin), encode(0xab, touch));
}

function encodeId(id: number): Uint8Array {
  return fromHex(id.toString(16));
}

/** What is in nested data objects. */
function open(data: Uint8Array, ...tags: readonly number[]): Uint8Array {
  return tags.reduce((inner, tag) => {
    const found = parseTlv(inner);
    if (found.tag !== tag) throw new Error(`tag ${found.tag.toString(16)} instead of ${tag.toString(16)}`);
    return found.value;
  }, data);
}
