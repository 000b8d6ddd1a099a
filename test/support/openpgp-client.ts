// An OpenPGP card behind the dispatcher, and a client that sends it short commands.
import { OpenPgpApplet } from "../../applets/openpgp/applet.ts";
import type { OpenPgpOptions } from "../../applets/openpgp/context.ts";
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { encodeCommandApdu } from "../../src/iso7816/apdu.ts";
import { ApduDispatcher } from "../../src/iso7816/dispatcher.ts";
import { encodeTlv, findTlv, parseTlv, parseTlvs } from "../../src/iso7816/tlv.ts";
import type { Platform } from "../../src/platform.ts";
import { createTestPlatform, createTestTransport, type TestPlatform, type TestTransport } from "./platform.ts";

export const AID = fromHex("d27600012401");

/** C1, C2 and C3: what kind of key comes next. */
const ALGORITHM_ATTRIBUTES = { sig: 0xc1, dec: 0xc2, aut: 0xc3 } as const;

/** Control reference templates. */
export const Key = {
  sig: fromHex("b600"),
  dec: fromHex("b800"),
  aut: fromHex("a400"),
  att: fromHex("b603840181"),
} as const;

export interface Response {
  readonly data: Uint8Array;
  /** Four hexadecimal digits. */
  readonly sw: string;
}

export class OpenPgpCard<P extends Platform = TestPlatform> {
  readonly platform: P;
  readonly applet: OpenPgpApplet;
  readonly dispatcher: ApduDispatcher;
  /** Of the next commands. */
  transport: TestTransport = createTestTransport();

  constructor(platform: P, options: Partial<OpenPgpOptions> = {}) {
    this.platform = platform;
    this.applet = new OpenPgpApplet(platform, options);
    this.dispatcher = new ApduDispatcher(() => [this.applet], platform.log);
  }

  exchange(command: Uint8Array): Promise<Uint8Array> {
    return this.dispatcher.exchange(command, this.transport);
  }

  async send(
    ins: number,
    p1: number,
    p2: number,
    data: Uint8Array | string = "",
    more: { readonly cla?: number; readonly le?: number } = {},
  ): Promise<Response> {
    const bytes = typeof data === "string" ? fromHex(data) : data;
    // Extended, so that nothing is cut: how answers are chained is the dispatcher's business, and its tests'.
    const apdu = { ins, p1, p2, data: bytes, extended: true, le: 65_536, ...more };
    const answer = await this.exchange(encodeCommandApdu(apdu));
    return { data: answer.subarray(0, -2), sw: toHex(answer.subarray(-2)) };
  }

  /** Throws unless the answer is 9000. */
  async expect(...command: Parameters<OpenPgpCard["send"]>): Promise<Uint8Array> {
    const { data, sw } = await this.send(...command);
    if (sw !== "9000") throw new Error(`${command[0].toString(16)} was answered ${sw}`);
    return data;
  }

  async select(): Promise<void> {
    await this.expect(0xa4, 0x04, 0x00, AID);
  }

  async verify(reference: 0x81 | 0x82 | 0x83, password: string | Uint8Array): Promise<string> {
    const bytes = typeof password === "string" ? Buffer.from(password) : password;
    return (await this.send(0x20, 0x00, reference, bytes)).sw;
  }

  async getData(tag: number): Promise<Uint8Array> {
    return this.expect(0xca, tag >>> 8, tag & 0xff);
  }

  async putData(tag: number, value: Uint8Array | string): Promise<string> {
    return (await this.send(0xda, tag >>> 8, tag & 0xff, value)).sw;
  }

  /** `attributes`: in hexadecimal. Returns the status. */
  setAlgorithm(slot: keyof typeof ALGORITHM_ATTRIBUTES, attributes: string): Promise<string> {
    return this.putData(ALGORITHM_ATTRIBUTES[slot], attributes);
  }

  /** Makes a key and returns what is in 7F49: modulus and exponent, or the point. */
  async generate(key: Uint8Array, mode: 0x80 | 0x81 = 0x80): Promise<ReadonlyMap<number, Uint8Array>> {
    return parsePublicKey(await this.expect(0x47, mode, 0x00, key));
  }

  /** `parts`: tag and value of each. */
  async importKey(key: Uint8Array, parts: readonly (readonly [number, Uint8Array])[]): Promise<string> {
    const heads = parts.map(([tag, value]) => encodeTlv(tag, value).subarray(0, -value.length || undefined));
    const values = parts.map(([, value]) => value);
    const list = encodeTlv(0x4d, key, encodeTlv(0x7f48, ...heads), encodeTlv(0x5f48, ...values));
    return (await this.send(0xdb, 0x3f, 0xff, list)).sw;
  }

  sign(data: Uint8Array): Promise<Response> {
    return this.send(0x2a, 0x9e, 0x9a, data);
  }

  /** With the key for signatures, or the one for authentication. */
  signWith(slot: "sig" | "aut", data: Uint8Array): Promise<Response> {
    return slot === "sig" ? this.sign(data) : this.authenticate(data);
  }

  decipher(data: Uint8Array): Promise<Response> {
    return this.send(0x2a, 0x80, 0x86, data);
  }

  authenticate(data: Uint8Array): Promise<Response> {
    return this.send(0x88, 0x00, 0x00, data);
  }
}

/** A selected card, with the passwords that it has when new verified where they are asked for. */
export async function openCard(
  options: {
    readonly verified?: readonly (0x81 | 0x82 | 0x83)[];
    readonly platform?: TestPlatform;
    readonly openpgp?: Partial<OpenPgpOptions>;
  } = {},
): Promise<OpenPgpCard> {
  const card = new OpenPgpCard(options.platform ?? createTestPlatform(), options.openpgp);
  await card.select();
  for (const reference of options.verified ?? []) {
    const sw = await card.verify(reference, reference === 0x83 ? "12345678" : "123456");
    if (sw !== "9000") throw new Error(`VERIFY ${reference.toString(16)} was answered ${sw}`);
  }
  return card;
}

export function parsePublicKey(object: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const { tag, value } = parseTlv(object);
  if (tag !== 0x7f49) throw new Error("no public key");
  return new Map(parseTlvs(value).map((part) => [part.tag, part.value]));
}

/** A6 { 7F49 { 86 point } }. */
export function externalPublicKey(point: Uint8Array): Uint8Array {
  return encodeTlv(0xa6, encodeTlv(0x7f49, encodeTlv(0x86, point)));
}

/** What is found under those tags, one in the other. */
export function inside(object: Uint8Array, ...path: readonly number[]): Uint8Array {
  return path.reduce((value, tag) => {
    const found = findTlv(parseTlvs(value), tag);
    if (found === undefined) throw new Error(`no ${tag.toString(16)}`);
    return found;
  }, object);
}

const DIGEST_INFO_SHA256 = fromHex("3031300d060960864801650304020105000420");

export function digestInfo(digest: Uint8Array): Uint8Array {
  return concat(DIGEST_INFO_SHA256, digest);
}
