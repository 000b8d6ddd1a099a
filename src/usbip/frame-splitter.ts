// Cuts a TCP byte stream into frames. A frame that lies whole in one chunk is a view of it; one that does not is
// gathered into a buffer of its own size. So every byte is copied at most twice whatever sizes the chunks have, and
// no more than one frame is ever held.
import { concat } from "../bytes/concat.ts";

export interface Framing {
  /** How many bytes tell a frame's length. */
  readonly headLength: number;
  /** The whole length of the frame that starts with `head`, at least headLength. Throws to refuse the frame. */
  frameLength(head: Uint8Array): number;
}

const NOTHING = new Uint8Array(0);

export class FrameSplitter {
  #chunk: Uint8Array = NOTHING;
  #gathering: Uint8Array | undefined;
  #gathered = 0;

  /**
   * Adds what the socket read. The chunk is used until `next` returns undefined. Frames are plain arrays: Node's Buffer
   * has a `slice` that copies nothing, and who copies a frame to keep it would keep the socket's memory.
   */
  feed(chunk: Uint8Array): void {
    const plain = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#chunk = this.#chunk.length === 0 ? plain : concat(this.#chunk, plain);
  }

  /** The next whole frame, or undefined until more is fed. Throws what `framing` throws. */
  next(framing: Framing): Uint8Array | undefined {
    if (this.#gathering !== undefined) return this.#gather(this.#gathering, framing);
    if (this.#chunk.length === 0) return undefined;
    const isHeadWhole = this.#chunk.length >= framing.headLength;
    const length = isHeadWhole ? framing.frameLength(this.#chunk) : framing.headLength;
    return this.#chunk.length >= length ? this.#take(length) : this.#gather(new Uint8Array(length), framing);
  }

  /** Fills `buffer`, which is as long as a head or as the whole frame, and goes on until that is the frame. */
  #gather(buffer: Uint8Array, framing: Framing): Uint8Array | undefined {
    const part = this.#take(buffer.length - this.#gathered);
    buffer.set(part, this.#gathered);
    this.#gathered += part.length;
    if (this.#gathered < buffer.length) {
      this.#gathering = buffer;
      return undefined;
    }
    const length = framing.frameLength(buffer);
    if (length > buffer.length) {
      const longer = new Uint8Array(length);
      longer.set(buffer);
      return this.#gather(longer, framing);
    }
    this.#gathering = undefined;
    this.#gathered = 0;
    return buffer;
  }

  #take(most: number): Uint8Array {
    const part = this.#chunk.subarray(0, most);
    this.#chunk = this.#chunk.subarray(most);
    return part;
  }
}
