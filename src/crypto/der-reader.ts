// Reading the distinguished encoding of ASN.1: one definite, shortest length per value, nothing left over. Tags of one
// byte only; certificates and keys have no others. ITU-T X.690 §8.1, §10.1
import { DerTag } from "./der.ts";

export interface DerValue {
  readonly tag: number;
  readonly contents: Uint8Array;
  /** The whole value: tag, length and contents. */
  readonly encoded: Uint8Array;
}

/** A cursor over encoded values that follow one another. Every method throws RangeError for what is not DER. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length;
  }

  /** The tag of the next value, which stays the next; undefined at the end. For what is OPTIONAL. */
  peekTag(): number | undefined {
    return this.#bytes[this.#position];
  }

  /** The next value, whatever it is, or of the tag that must be there. */
  value(tag?: number): DerValue {
    const start = this.#position;
    const found = this.#byte();
    if ((found & 0x1f) === 0x1f) throw new RangeError("a DER tag of several bytes");
    if (tag !== undefined && found !== tag) throw new RangeError(`DER tag ${found} instead of ${tag}`);
    const length = this.#length();
    const contentsStart = this.#position;
    if (length > this.#bytes.length - contentsStart) throw new RangeError("a DER value that is cut off");
    this.#position = contentsStart + length;
    return {
      tag: found,
      contents: this.#bytes.subarray(contentsStart, this.#position),
      encoded: this.#bytes.subarray(start, this.#position),
    };
  }

  /** A reader of what the next value holds. */
  nested(tag: number): DerReader {
    return new DerReader(this.value(tag).contents);
  }

  sequence(): DerReader {
    return this.nested(DerTag.SEQUENCE);
  }

  /** An integer that is not negative: big-endian, without leading zeros; zero is one zero byte. */
  unsignedInteger(): Uint8Array {
    const { contents } = this.value(DerTag.INTEGER);
    const [first, second] = contents;
    if (first === undefined || first >= 0x80) throw new RangeError("a DER integer that is empty or negative");
    if (first === 0 && second !== undefined) {
      if (second < 0x80) throw new RangeError("a DER integer longer than it need be");
      return contents.subarray(1);
    }
    return contents;
  }

  /** There must be nothing more. */
  end(): void {
    if (!this.isAtEnd) throw new RangeError("more after the end of a DER value");
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new RangeError("a DER length that is indefinite or too long");
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte();
    if (length < (count === 1 ? 0x80 : 256 ** (count - 1))) throw new RangeError("a DER length longer than it need be");
    return length;
  }

  #byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw new RangeError("a DER value that is cut off");
    this.#position++;
    return byte;
  }
}
