// A cursor over bytes, for everything that is not a fixed layout: its calls stand in the order of the spec's figure.
// It never copies: `bytes` and `rest` are views. Every read past the end throws ReaderError, which the caller's
// protocol turns into its own error.

/** The input was shorter or longer than what was read from it. */
export class ReaderError extends Error {
  override name = "ReaderError";
}

export class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many bytes have been read. */
  get offset(): number {
    return this.#offset;
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  #take(length: number): number {
    if (length < 0 || length > this.remaining) {
      throw new ReaderError(`${length} bytes wanted at offset ${this.#offset}, ${this.remaining} left`);
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16be(): number {
    const b = this.#bytes;
    const at = this.#take(2);
    return ((b[at] as number) << 8) | (b[at + 1] as number);
  }

  u32be(): number {
    return this.u16be() * 0x1_0000 + this.u16be();
  }

  u16le(): number {
    const b = this.#bytes;
    const at = this.#take(2);
    return ((b[at + 1] as number) << 8) | (b[at] as number);
  }

  u32le(): number {
    const low = this.u16le();
    return this.u16le() * 0x1_0000 + low;
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  /** A view of all that is left. */
  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** The next byte, without moving. */
  peek(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw new ReaderError(`1 byte wanted at offset ${this.#offset}, none left`);
    return byte;
  }

  /** Throws unless everything has been read. */
  end(): void {
    if (this.remaining !== 0) throw new ReaderError(`${this.remaining} bytes left over at offset ${this.#offset}`);
  }
}
