// What is wrong with the data field of a command, as a status word.
import { ReaderError } from "../../src/bytes/reader.ts";
import { StatusError, StatusWord } from "../../src/iso7816/status-word.ts";

/** Runs what reads the data field: what it cannot read (ReaderError, RangeError) is answered 6A80. */
export function parsing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ReaderError || error instanceof RangeError) throw new StatusError(StatusWord.WRONG_DATA);
    throw error;
  }
}
