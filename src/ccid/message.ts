// CCID's messages on the bulk and interrupt pipes, as tables. USB CCID 1.1 §6.1 (PC_to_RDR), §6.2 (RDR_to_PC), §6.3
//
//   bMessageType 1 · dwLength 4 · bSlot 1 · bSeq 1 · 3 bytes of the message's own · abData, dwLength bytes
import { bytes, type Infer, struct, u8, u16le, u32le } from "../bytes/struct.ts";

/** bMessageType of what the host sends on the bulk OUT pipe. §6.1, table 6.1-1 */
export const Command = {
  SET_PARAMETERS: 0x61,
  ICC_POWER_ON: 0x62,
  ICC_POWER_OFF: 0x63,
  GET_SLOT_STATUS: 0x65,
  SECURE: 0x69,
  T0_APDU: 0x6a,
  ESCAPE: 0x6b,
  GET_PARAMETERS: 0x6c,
  RESET_PARAMETERS: 0x6d,
  ICC_CLOCK: 0x6e,
  XFR_BLOCK: 0x6f,
  MECHANICAL: 0x71,
  ABORT: 0x72,
  SET_DATA_RATE_AND_CLOCK_FREQUENCY: 0x73,
} as const;

/** bMessageType of what the reader sends on the bulk IN pipe. §6.2 */
export const Response = {
  DATA_BLOCK: 0x80,
  SLOT_STATUS: 0x81,
  PARAMETERS: 0x82,
  ESCAPE: 0x83,
  DATA_RATE_AND_CLOCK_FREQUENCY: 0x84,
} as const;
export type Response = (typeof Response)[keyof typeof Response];

/** bMessageType of what the reader sends on the interrupt pipe. §6.3 */
export const Notification = { NOTIFY_SLOT_CHANGE: 0x50 } as const;

/** What answers each command, whether it goes well or not; RDR_to_PC_SlotStatus answers what is no command. §6.1, §6.2 */
const responses = new Map<number, Response>([
  [Command.SET_PARAMETERS, Response.PARAMETERS],
  [Command.ICC_POWER_ON, Response.DATA_BLOCK],
  [Command.SECURE, Response.DATA_BLOCK],
  [Command.ESCAPE, Response.ESCAPE],
  [Command.GET_PARAMETERS, Response.PARAMETERS],
  [Command.RESET_PARAMETERS, Response.PARAMETERS],
  [Command.XFR_BLOCK, Response.DATA_BLOCK],
  [Command.SET_DATA_RATE_AND_CLOCK_FREQUENCY, Response.DATA_RATE_AND_CLOCK_FREQUENCY],
]);

export function responseTo(bMessageType: number): Response {
  return responses.get(bMessageType) ?? Response.SLOT_STATUS;
}

/** bmICCStatus, the low bits of bStatus. §6.2.6, table 6.2-3 */
export const IccStatus = { ACTIVE: 0, INACTIVE: 1, ABSENT: 2 } as const;
export type IccStatus = (typeof IccStatus)[keyof typeof IccStatus];

/** bmCommandStatus, where it stands in bStatus. §6.2.6, table 6.2-3 */
export const CommandStatus = { PROCESSED: 0x00, FAILED: 0x40, TIME_EXTENSION: 0x80 } as const;
export type CommandStatus = (typeof CommandStatus)[keyof typeof CommandStatus];

/**
 * bError of a failed command. §6.2.6, table 6.2-2. From 01 to 7F it is the offset of the field that is wrong: those
 * that occur have names here.
 */
export const SlotError = {
  CMD_NOT_SUPPORTED: 0x00,
  BAD_LENGTH: 0x01,
  BAD_SLOT: 0x05,
  BAD_POWER_SELECT: 0x07,
  BAD_PROTOCOL_NUM: 0x07,
  BAD_LEVEL_PARAMETER: 0x08,
  CMD_SLOT_BUSY: 0xe0,
  HW_ERROR: 0xfb,
  XFR_OVERRUN: 0xfc,
  ICC_MUTE: 0xfe,
  CMD_ABORTED: 0xff,
} as const;
export type SlotError = (typeof SlotError)[keyof typeof SlotError];

/** The command is answered with bmCommandStatus "failed" and this bError. */
export class CcidError extends Error {
  override name = "CcidError";
  readonly bError: SlotError;

  constructor(bError: SlotError) {
    super(`bError ${bError.toString(16).padStart(2, "0")}`);
    this.bError = bError;
  }
}

export const CommandHeader = struct({ bMessageType: u8, dwLength: u32le, bSlot: u8, bSeq: u8, specific: bytes(3) });
export type CommandHeader = Infer<typeof CommandHeader>;
export const HEADER_SIZE = CommandHeader.size;

/** The last byte is bChainParameter, bClockStatus or bProtocolNum, or 0: §6.2.1 to §6.2.5. */
export const ResponseHeader = struct({
  bMessageType: u8,
  dwLength: u32le,
  bSlot: u8,
  bSeq: u8,
  bStatus: u8,
  bError: u8,
  bSpecific: u8,
});

/** The bytes of PC_to_RDR_XfrBlock's own. §6.1.4 */
export const XfrBlockFields = struct({ bBWI: u8, wLevelParameter: u16le });

/** A whole command; `abData` is as long as dwLength says. */
export interface CommandMessage {
  readonly header: CommandHeader;
  readonly abData: Uint8Array;
}

const NAMES = new Map<number, string>(
  Object.entries({ ...Command, ...Response }).map(([name, number]) => [number, name]),
);

/** "XFR_BLOCK"; "0x99" for numbers without a name. */
export function messageName(bMessageType: number): string {
  return NAMES.get(bMessageType) ?? `0x${bMessageType.toString(16).padStart(2, "0")}`;
}
