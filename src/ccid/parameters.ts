// The parameters of the protocol T=1, which a reader keeps for its card. USB CCID 1.1 §6.1.7; ISO 7816-3 §11
import { struct, u8 } from "../bytes/struct.ts";

/** bProtocolNum. */
export const PROTOCOL_T1 = 1;

/** abProtocolDataStructure for T=1. */
export const T1Parameters = struct({
  bmFindexDindex: u8,
  bmTCCKST1: u8,
  bGuardTimeT1: u8,
  bmWaitingIntegersT1: u8,
  bClockStop: u8,
  bIFSC: u8,
  bNadValue: u8,
});

/** What the ATR says: default speed, checksum by LRC, BWI 1 and CWI 5, no clock stop, blocks of 254 bytes, NAD 0. */
export const DEFAULT_PARAMETERS = T1Parameters.encode({
  bmFindexDindex: 0x11,
  bmTCCKST1: 0x10,
  bGuardTimeT1: 0x00,
  bmWaitingIntegersT1: 0x15,
  bClockStop: 0x00,
  bIFSC: 0xfe,
  bNadValue: 0x00,
});
