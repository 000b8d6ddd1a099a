// One command APDU in, one response APDU out, for one applet: the one place where StatusError becomes a status word.
// ISO/IEC 7816-4 §5.1, §5.6
import { concat } from "../bytes/concat.ts";
import { encodeU16be } from "../bytes/integer.ts";
import type { Logger } from "../log.ts";
import type { Transport } from "../transport.ts";
import { type CommandApdu, parseCommandApdu } from "./apdu.ts";
import { StatusError, StatusWord } from "./status-word.ts";

/** Handles a parsed command: the data of a 9000, or StatusError. */
export type ApduHandler = (apdu: CommandApdu, transport: Transport) => Promise<Uint8Array>;

/**
 * Parses `message`, hands it to `handle` and encodes the answer, whole, whatever Le says: what is too long for the
 * transport is the dispatcher's business. Never rejects: an error that is not a StatusError is logged, and answered
 * with 6F00.
 */
export async function exchangeApdu(
  name: string,
  handle: ApduHandler,
  message: Uint8Array,
  transport: Transport,
  log: Logger,
): Promise<Uint8Array> {
  const { data, statusWord } = await answer(name, handle, message, transport, log);
  log.traffic(() => {
    const header = Buffer.from(message.subarray(0, 4)).toString("hex");
    return `${name} ${header}, ${message.length} bytes: ${statusWord.toString(16)}, ${data.length} bytes`;
  });
  return concat(data, encodeU16be(statusWord));
}

async function answer(
  name: string,
  handle: ApduHandler,
  message: Uint8Array,
  transport: Transport,
  log: Logger,
): Promise<{ readonly data: Uint8Array; readonly statusWord: number }> {
  try {
    return { data: await handle(parseCommandApdu(message), transport), statusWord: StatusWord.SUCCESS };
  } catch (error) {
    if (error instanceof StatusError) return error;
    log.error(`${name} failed`, error);
    return { data: new Uint8Array(0), statusWord: StatusWord.NO_PRECISE_DIAGNOSIS };
  }
}
