// Status words, and the one way an applet reports anything but success. ISO/IEC 7816-4 §5.6, tables 5 and 6

export const StatusWord = {
  SUCCESS: 0x9000,
  /** 61xx: xx more bytes wait for GET RESPONSE (00 means 256 or more). */
  MORE_DATA: 0x6100,
  /** 63Cx: x tries left. */
  COUNTER: 0x63c0,
  WARNING_STATE_UNCHANGED: 0x6200,
  TERMINATION_STATE: 0x6285,
  EXECUTION_ERROR: 0x6400,
  MEMORY_FAILURE: 0x6581,
  SECURITY_RELATED: 0x6600,
  WRONG_LENGTH: 0x6700,
  LOGICAL_CHANNEL_NOT_SUPPORTED: 0x6881,
  SECURE_MESSAGING_NOT_SUPPORTED: 0x6882,
  LAST_COMMAND_OF_CHAIN_EXPECTED: 0x6883,
  COMMAND_CHAINING_NOT_SUPPORTED: 0x6884,
  SECURITY_STATUS_NOT_SATISFIED: 0x6982,
  AUTHENTICATION_METHOD_BLOCKED: 0x6983,
  REFERENCE_DATA_NOT_USABLE: 0x6984,
  CONDITIONS_NOT_SATISFIED: 0x6985,
  COMMAND_NOT_ALLOWED: 0x6986,
  WRONG_DATA: 0x6a80,
  FUNCTION_NOT_SUPPORTED: 0x6a81,
  FILE_OR_APPLICATION_NOT_FOUND: 0x6a82,
  RECORD_NOT_FOUND: 0x6a83,
  NOT_ENOUGH_MEMORY: 0x6a84,
  INCORRECT_P1_P2: 0x6a86,
  REFERENCED_DATA_NOT_FOUND: 0x6a88,
  WRONG_P1_P2: 0x6b00,
  INS_NOT_SUPPORTED: 0x6d00,
  CLA_NOT_SUPPORTED: 0x6e00,
  NO_PRECISE_DIAGNOSIS: 0x6f00,
} as const;
export type StatusWord = (typeof StatusWord)[keyof typeof StatusWord];

/** Thrown by an applet to answer with a status word other than 9000; caught by the dispatcher alone. */
export class StatusError extends Error {
  override name = "StatusError";
  /** 0x0000–0xffff; not always one of `StatusWord`: 63Cx carries a number. */
  readonly statusWord: number;
  /** Data that goes out before the status word; nearly always empty. */
  readonly data: Uint8Array;

  constructor(statusWord: number, data: Uint8Array = new Uint8Array(0)) {
    super(statusWord.toString(16).padStart(4, "0"));
    this.statusWord = statusWord;
    this.data = data;
  }
}

/** 63Cx has room for 15 tries: more are shown as that many. */
const MAX_SHOWN_TRIES = 15;

/** What says how many tries are left. ISO/IEC 7816-4 §5.6 */
export function triesLeftError(tries: number): StatusError {
  return new StatusError(StatusWord.COUNTER | Math.min(tries, MAX_SHOWN_TRIES));
}
