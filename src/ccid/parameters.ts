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

/** Where T0 of an ATR says that TA1 follows: FI and DI. Without it they are 1 and 1. ISO 7816-3 §8.2, §8.3 */
const TA1_FOLLOWS = 0x10;
const DEFAULT_SPEED = 0x11;

/**
 * What the ATR says: FI and DI, checksum by LRC, and as every ATR here has it BWI 1 and CWI 5, no clock stop, blocks of 254
 * bytes, NAD 0.
 */
export function parametersOf(atr: Uint8Array): Uint8Array {
  const [, t0 = 0, ta1 = DEFAULT_SPEED] = atr;
  return T1Parameters.encode({
    bmFindexDindex: (t0 & TA1_FOLLOWS) === 0 ? DEFAULT_SPEED : ta1,
    bmTCCKST1: 0x10,
    bGuardTimeT1: 0x00,
    bmWaitingIntegersT1: 0x15,
    bClockStop: 0x00,
    bIFSC: 0xfe,
    bNadValue: 0x00,
  });
}
