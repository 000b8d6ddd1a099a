// Makes whole messages of bulk OUT transfers: a message ends where its dwLength says, over however many transfers the
// host's driver spreads it. USB CCID 1.1 §6.1
//
// A dwLength that lies costs its own message and nothing else: what is longer than any message may be is refused and
// skipped to the end of its transfer (a packet that is not full), and a host that begins anew after a pause is heard.
import { concat } from "../bytes/concat.ts";
import { MAX_BLOCK_LENGTH } from "./descriptor.ts";
import { CommandHeader, type CommandMessage, HEADER_SIZE } from "./message.ts";

/** Bulk packets of a high-speed device; a transfer ends with one that is shorter. USB 2.0 §5.8.3 */
export const MAX_PACKET_SIZE = 512;

/** A message whose next part takes longer is given up. A driver sends the parts back to back. */
const PART_TIMEOUT_MS = 1_000;

export interface AssemblerOptions {
  receive(message: CommandMessage): void;
  /** The length of the message with this header is not what dwLength says, or more than there may be. */
  refuse(header: CommandHeader): void;
  /** Milliseconds on a clock that never goes back. */
  now(): number;
}

export class CommandAssembler {
  readonly #options: AssemblerOptions;
  #parts: Uint8Array[] = [];
  #length = 0;
  #lastPartAt = 0;
  /** The rest of a refused message is on its way. */
  #isSkipping = false;

  constructor(options: AssemblerOptions) {
    this.#options = options;
  }

  /** Takes one transfer's data, never empty. */
  add(data: Uint8Array): void {
    const now = this.#options.now();
    if (now - this.#lastPartAt > PART_TIMEOUT_MS) this.#giveUp();
    this.#lastPartAt = now;
    if (this.#isSkipping) {
      this.#isSkipping = data.length % MAX_PACKET_SIZE === 0;
      return;
    }
    this.#parts.push(data);
    this.#length += data.length;
    if (this.#length < HEADER_SIZE) return;
    const bytes = this.#parts.length === 1 ? data : concat(...this.#parts);
    this.#parts = [bytes];
    const header = CommandHeader.parse(bytes);
    const missing = header.dwLength - (this.#length - HEADER_SIZE);
    if (header.dwLength > MAX_BLOCK_LENGTH || missing < 0) {
      this.reset();
      this.#isSkipping = data.length % MAX_PACKET_SIZE === 0;
      this.#options.refuse(header);
    } else if (missing === 0) {
      this.reset();
      this.#options.receive({ header, abData: bytes.subarray(HEADER_SIZE) });
    }
  }

  reset(): void {
    this.#parts = [];
    this.#length = 0;
    this.#isSkipping = false;
  }

  #giveUp(): void {
    const [begun] = this.#parts;
    const isAnswerable = this.#length >= HEADER_SIZE && begun !== undefined;
    this.reset();
    if (isAnswerable) this.#options.refuse(CommandHeader.parse(begun));
  }
}
