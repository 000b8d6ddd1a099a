// APDUs longer than one message: the parts of a command as wLevelParameter marks them, and those of a response as
// bChainParameter does. USB CCID 1.1 §6.1.4, §6.2.1
import { concat } from "../bytes/concat.ts";
import { MAX_BLOCK_LENGTH } from "./descriptor.ts";
import { CcidError, SlotError } from "./message.ts";

/** wLevelParameter */
export const Level = { WHOLE: 0x0000, BEGINS: 0x0001, ENDS: 0x0002, CONTINUES: 0x0003, ASKS: 0x0010 } as const;

/** bChainParameter */
export const Chain = { WHOLE: 0x00, BEGINS: 0x01, ENDS: 0x02, CONTINUES: 0x03, NEXT_WANTED: 0x10 } as const;

/** An extended command with 65,535 bytes of data and an Le: no APDU is longer. ISO/IEC 7816-4 §5.2 */
const MAX_APDU_LENGTH = 65_544;

const NOTHING = new Uint8Array(0);

/** One message's share of an APDU in answer. */
export interface Block {
  readonly bChainParameter: number;
  readonly abData: Uint8Array;
}

/** What a block of the host amounts to: a whole command to carry out, or an answer at once. */
export type Step = { readonly apdu: Uint8Array } | { readonly block: Block };

export class BlockChain {
  #command: Uint8Array[] = [];
  #commandLength = 0;
  #response: Uint8Array | undefined;

  /** Takes a block of the host's. Throws CcidError for one that does not go on from the one before. */
  take(wLevelParameter: number, abData: Uint8Array): Step {
    const isBegun = this.#command.length > 0;
    switch (wLevelParameter) {
      case Level.WHOLE:
        this.reset();
        if (abData.length === 0) throw new CcidError(SlotError.BAD_LENGTH);
        return { apdu: abData };
      case Level.BEGINS:
        this.reset();
        return this.#add(abData);
      case Level.CONTINUES:
        if (!isBegun) break;
        return this.#add(abData);
      case Level.ENDS: {
        if (!isBegun) break;
        this.#add(abData);
        const apdu = concat(...this.#command);
        this.reset();
        return { apdu };
      }
      case Level.ASKS: {
        const response = this.#response;
        if (response === undefined) break;
        if (abData.length > 0) throw new CcidError(SlotError.BAD_LENGTH);
        return { block: this.#cut(response, Chain.CONTINUES, Chain.ENDS) };
      }
    }
    this.reset();
    throw new CcidError(SlotError.BAD_LEVEL_PARAMETER);
  }

  /** The first block of a response; the host asks for the others. */
  give(response: Uint8Array): Block {
    return this.#cut(response, Chain.BEGINS, Chain.WHOLE);
  }

  reset(): void {
    this.#command = [];
    this.#commandLength = 0;
    this.#response = undefined;
  }

  #add(abData: Uint8Array): Step {
    this.#commandLength += abData.length;
    if (abData.length === 0 || this.#commandLength > MAX_APDU_LENGTH) {
      this.reset();
      throw new CcidError(abData.length === 0 ? SlotError.BAD_LENGTH : SlotError.XFR_OVERRUN);
    }
    this.#command.push(abData);
    return { block: { bChainParameter: Chain.NEXT_WANTED, abData: NOTHING } };
  }

  #cut(response: Uint8Array, more: number, last: number): Block {
    const rest = response.subarray(MAX_BLOCK_LENGTH);
    this.#response = rest.length > 0 ? rest : undefined;
    return { bChainParameter: rest.length > 0 ? more : last, abData: response.subarray(0, MAX_BLOCK_LENGTH) };
  }
}
