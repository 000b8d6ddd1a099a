// What a card application is to the dispatcher.
import type { Transport } from "../transport.ts";
import type { CommandApdu } from "./apdu.ts";

/** An applet returns the data of a 9000 or throws StatusError; it never sees chaining or the transport's limits. */
export interface Applet {
  readonly name: string;
  /** The full application identifier; SELECT finds the applet by it or by a right-truncated part of it. */
  readonly aid: Uint8Array;
  select(apdu: CommandApdu, transport: Transport): Promise<Uint8Array>;
  process(apdu: CommandApdu, transport: Transport): Promise<Uint8Array>;
  /** Forgets verified PINs and half-done sequences: another applet was selected, or the power went. */
  deselect(): void;
}
