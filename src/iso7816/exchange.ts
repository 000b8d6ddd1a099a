// One command APDU in, one response APDU out: the one place where StatusError becomes a status word, and a store that
// fails one of its own. ISO/IEC 7816-4 §5.1, §5.6
import { concat } from "../bytes/concat.ts";
import { encodeU16be } from "../bytes/integer.ts";
import type { Logger } from "../log.ts";
import type { Transport } from "../transport.ts";
import { type CommandApdu, parseCommandApdu } from "./apdu.ts";
import { StatusError, StatusWord } from "./status-word.ts";

/** Handles a parsed command: the data of a 9000, or StatusError. */
export type ApduHandler = (apdu: CommandApdu, transport: Transport) => Promise<Uint8Array>;

export interface ResponseApdu {
  readonly data: Uint8Array;
  readonly statusWord: number;
}

/**
 * Parses `message`, hands it to `handle` and encodes the answer, whole, whatever Le says: what is too long for the
 * transport is the dispatcher's business. Never rejects: an error that is not a StatusError is logged, and answered
 * with 6A84 or 6581 when the store could not be written to, else with 6F00.
 */
export async function exchangeApdu(
  name: string,
  handle: ApduHandler,
  message: Uint8Array,
  transport: Transport,
  log: Logger,
): Promise<Uint8Array> {
  const response = await answerApdu(name, async () => handle(parseCommandApdu(message), transport), log);
  log.traffic(() => describeExchange(name, message, response));
  return encodeResponseApdu(response);
}

/** What `handle` returned or threw, as a response. Never rejects. */
export async function answerApdu(name: string, handle: () => Promise<Uint8Array>, log: Logger): Promise<ResponseApdu> {
  try {
    return { data: await handle(), statusWord: StatusWord.SUCCESS };
  } catch (error) {
    if (error instanceof StatusError) return error;
    log.error(`${name} failed`, error);
    return { data: new Uint8Array(0), statusWord: diagnose(error) };
  }
}

/** KeyStoreError is the keystore's, which is known here by its face alone; anything else is our fault. */
function diagnose(error: unknown): StatusWord {
  if (!(error instanceof Error && error.name === "KeyStoreError")) return StatusWord.NO_PRECISE_DIAGNOSIS;
  const isFull = "code" in error && error.code === "no-space";
  return isFull ? StatusWord.NOT_ENOUGH_MEMORY : StatusWord.MEMORY_FAILURE;
}

export function encodeResponseApdu({ data, statusWord }: ResponseApdu): Uint8Array {
  return concat(data, encodeU16be(statusWord));
}

/** Header, lengths and status word; never the data. */
export function describeExchange(name: string, message: Uint8Array, response: ResponseApdu): string {
  const header = Buffer.from(message.subarray(0, 4)).toString("hex");
  const { statusWord, data } = response;
  return `${name} ${header}, ${message.length} bytes: ${statusWord.toString(16)}, ${data.length} bytes`;
}
