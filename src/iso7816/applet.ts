// What a card application is to the dispatcher.
import type { Transport } from "../transport.ts";
import type { CommandApdu } from "./apdu.ts";
import type { StatusWord } from "./status-word.ts";

/** An applet returns the data of a 9000 or throws StatusError; it never sees chaining or the transport's limits. */
export interface Applet {
  readonly name: string;
  /** The full application identifier; SELECT finds the applet by it or by a right-truncated part of it. */
  readonly aid: Uint8Array;
  /** INS of the command that fetches the rest of a long answer; GET RESPONSE (C0) unless given. */
  readonly getResponseInstruction?: number;
  /** Its specification's word for a class that it is not asked about, such as another logical channel's; ISO's unless given. */
  readonly wrongClass?: StatusWord;
  /** Selected, perhaps again while it was selected already: what that does to verified PINs is its specification's word. */
  select(apdu: CommandApdu, transport: Transport): Promise<Uint8Array>;
  /** Every other command, whole: `data` is that of the chain, `cla` is without the chaining bit. */
  process(apdu: CommandApdu, transport: Transport): Promise<Uint8Array>;
  /** Forgets verified PINs and half-done sequences: another applet was selected, or the power went. */
  deselect(): void;
}
