// What the cases of the card's applets share: commands over the reader, answers taken apart.
import { concat } from "../../src/bytes/concat.ts";
import { fromHex, toHex } from "../../src/bytes/hex.ts";
import { encodeCommandApdu } from "../../src/iso7816/apdu.ts";
import { findTlv, parseTlv, parseTlvs } from "../../src/iso7816/tlv.ts";
import type { CcidClient } from "../support/ccid-client.ts";

export interface CardCommand {
  readonly ins: number;
  readonly p1?: number;
  readonly p2?: number;
  readonly data?: Uint8Array | string;
}

export class BenchCard {
  readonly #reader: CcidClient;

  constructor(reader: CcidClient) {
    this.#reader = reader;
  }

  /** The whole response, by an extended APDU. */
  async exchange({ data = "", ...command }: CardCommand): Promise<Uint8Array> {
    const bytes = typeof data === "string" ? fromHex(data) : data;
    return this.#reader.transmit(encodeCommandApdu({ ...command, data: bytes, le: 65_536, extended: true }));
  }

  /** The data of a 9000. */
  async send(command: CardCommand): Promise<Uint8Array> {
    const response = await this.exchange(command);
    const statusWord = toHex(response.subarray(-2));
    if (statusWord !== "9000") throw new Error(`${command.ins.toString(16)} was answered ${statusWord}`);
    return response.subarray(0, -2);
  }

  select(aid: string): Promise<Uint8Array> {
    return this.send({ ins: 0xa4, p1: 0x04, data: aid });
  }

  /** Sends raw bytes, for clients of test/support. */
  transmit(apdu: Uint8Array): Promise<Uint8Array> {
    return this.#reader.transmit(apdu);
  }
}

/** What is in nested data objects: each tag in what the one before it held. */
export function inside(bytes: Uint8Array, ...tags: readonly number[]): Uint8Array {
  return tags.reduce((value, tag) => {
    const found = findTlv(parseTlvs(value), tag);
    if (found === undefined) throw new Error(`no ${tag.toString(16)}`);
    return found;
  }, bytes);
}

export function expectTag(bytes: Uint8Array, tag: number): void {
  if (parseTlv(bytes).tag !== tag) throw new Error(`no ${tag.toString(16)} but ${toHex(bytes.subarray(0, 2))}`);
}

/** An EMSA-PKCS1-v1_5 DigestInfo of a SHA-256. RFC 8017 §9.2 */
export function digestInfo(digest: Uint8Array): Uint8Array {
  return concat(fromHex("3031300d060960864801650304020105000420"), digest);
}

/** The check of an answer that has none. */
export function nothing(): () => void {
  return () => {};
}
