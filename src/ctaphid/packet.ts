// CTAPHID packets: how a message of up to 7,609 bytes is cut into 64-byte HID reports, and what the numbers in them
// mean. CTAP 2.3 §11.2.4 (packet structure), §11.2.9 (commands)
import { bytes, struct, u8, u16be, u32be } from "../bytes/struct.ts";

/** Every packet fills one HID report; unused bytes are zero. CTAP 2.3 §11.2.4 */
export const PACKET_SIZE = 64;

/** The channel that a client has before it has one: INIT only. CTAP 2.3 §11.2.3 */
export const BROADCAST_CHANNEL = 0xffff_ffff;

/** Opens a message. CMD has its top bit set, which SEQ never has. */
const InitializationPacket = struct({ CID: u32be, CMD: u8, BCNT: u16be, DATA: bytes(57) });
/** Carries on: SEQ counts from 0. */
const ContinuationPacket = struct({ CID: u32be, SEQ: u8, DATA: bytes(59) });

const INITIALIZATION_DATA = 57;
const CONTINUATION_DATA = 59;
const CONTINUATION_PACKETS = 0x80;

/** The longest message: 57 + 128 × 59. CTAP 2.3 §11.2.4 */
export const MAX_MESSAGE_LENGTH = INITIALIZATION_DATA + CONTINUATION_PACKETS * CONTINUATION_DATA;

/** Set in the fifth byte of initialization packets. */
const INITIALIZATION = 0x80;

/** CMD without its top bit. CTAP 2.3 §11.2.9.1, §11.2.9.2 */
export const CtapHidCommand = {
  PING: 0x01,
  MSG: 0x03,
  LOCK: 0x04,
  INIT: 0x06,
  WINK: 0x08,
  CBOR: 0x10,
  CANCEL: 0x11,
  KEEPALIVE: 0x3b,
  ERROR: 0x3f,
} as const;
export type CtapHidCommand = (typeof CtapHidCommand)[keyof typeof CtapHidCommand];

/** The one byte of CTAPHID_ERROR. CTAP 2.3 §11.2.9.1.6 */
export const CtapHidErrorCode = {
  ERR_INVALID_CMD: 0x01,
  ERR_INVALID_PAR: 0x02,
  ERR_INVALID_LEN: 0x03,
  ERR_INVALID_SEQ: 0x04,
  ERR_MSG_TIMEOUT: 0x05,
  ERR_CHANNEL_BUSY: 0x06,
  ERR_LOCK_REQUIRED: 0x0a,
  ERR_INVALID_CHANNEL: 0x0b,
  ERR_OTHER: 0x7f,
} as const;
export type CtapHidErrorCode = (typeof CtapHidErrorCode)[keyof typeof CtapHidErrorCode];

const ERROR_NAMES = new Map<number, string>(Object.entries(CtapHidErrorCode).map(([name, code]) => [code, name]));
const COMMAND_NAMES = new Map<number, string>(Object.entries(CtapHidCommand).map(([name, code]) => [code, name]));

/** "CBOR"; "0x51" for numbers without a name. */
export function commandName(command: number): string {
  return COMMAND_NAMES.get(command) ?? `0x${command.toString(16).padStart(2, "0")}`;
}

/** The request is answered with CTAPHID_ERROR and this code. */
export class CtapHidError extends Error {
  override name = "CtapHidError";
  readonly code: CtapHidErrorCode;

  constructor(code: CtapHidErrorCode) {
    super(`${ERROR_NAMES.get(code)} (0x${code.toString(16).padStart(2, "0")})`);
    this.code = code;
  }
}

/** A whole message, in either direction. */
export interface Message {
  readonly channel: number;
  /** CMD without its top bit. */
  readonly command: number;
  readonly data: Uint8Array;
}

/** `data` is as long as the packet has room for: it ends with padding where the message ends before it. */
export type Packet =
  | {
      readonly type: "initialization";
      readonly channel: number;
      readonly command: number;
      /** BCNT: bytes of the whole message, of which this packet may hold only the first 57. */
      readonly length: number;
      readonly data: Uint8Array;
    }
  | {
      readonly type: "continuation";
      readonly channel: number;
      readonly sequence: number;
      readonly data: Uint8Array;
    };

/**
 * Parses one HID report. Undefined for any other length than 64: the host always sends the full size
 * (CTAP 2.3 §11.2.4), so what is shorter or longer is no packet. `data` is a view.
 */
export function parsePacket(report: Uint8Array): Packet | undefined {
  if (report.length !== PACKET_SIZE) return undefined;
  const { CID, SEQ, DATA } = ContinuationPacket.parse(report);
  if (SEQ < INITIALIZATION) return { type: "continuation", channel: CID, sequence: SEQ, data: DATA };
  const initialization = InitializationPacket.parse(report);
  return {
    type: "initialization",
    channel: CID,
    command: initialization.CMD & ~INITIALIZATION,
    length: initialization.BCNT,
    data: initialization.DATA,
  };
}

/** Cuts a message into its reports. Throws RangeError above 7,609 bytes. */
export function encodePackets({ channel, command, data }: Message): Uint8Array[] {
  if (data.length > MAX_MESSAGE_LENGTH) throw new RangeError(`a message of ${data.length} bytes`);
  const packets = [
    InitializationPacket.encode({
      CID: channel,
      CMD: INITIALIZATION | command,
      BCNT: data.length,
      DATA: data.subarray(0, INITIALIZATION_DATA),
    }),
  ];
  for (let sent = INITIALIZATION_DATA; sent < data.length; sent += CONTINUATION_DATA) {
    packets.push(
      ContinuationPacket.encode({
        CID: channel,
        SEQ: packets.length - 1,
        DATA: data.subarray(sent, sent + CONTINUATION_DATA),
      }),
    );
  }
  return packets;
}
