// Frames of 70 bytes in feature reports of 8: what a host writes, put together, and what it reads, cut up. ykdef.h, struct
// frame_st; ykcore.c
//
//   frame    payload 64 | slot | crc 2, of the payload | filler 3
//   written  7 bytes of the frame | 80 + number, 0 to 9; parts of zeros in the middle may be left out
//   read     7 bytes of the answer | 40 + number; an answer ends with its complemented CRC, and then a report with 40 alone
import { concat } from "../bytes/concat.ts";
import { appendCrc16, crc16 } from "../bytes/crc16.ts";
import { bytes, struct, u8, u16le } from "../bytes/struct.ts";
import { wipe } from "../bytes/wipe.ts";

export const REPORT_SIZE = 8;
const DATA_SIZE = REPORT_SIZE - 1;

const Report = struct({ data: bytes(DATA_SIZE), status: u8 });

/** The last byte of a report. */
export const ReportStatus = {
  /** Host: a part of a frame. Device: that part is not dealt with yet. */
  SLOT_WRITE: 0x80,
  RESP_PENDING: 0x40,
  /** Device: somebody has to touch; the seconds that are left stand in the lower bits. */
  RESP_TIMEOUT_WAIT: 0x20,
} as const;

export const TIMEOUT_MASK = 0x1f;
const SEQUENCE_MASK = 0x1f;

const Frame = struct({ payload: bytes(64), slot: u8, crc: u16le, filler: bytes(3) });
const LAST_PART = Frame.size / DATA_SIZE - 1;

export interface SlotFrame {
  readonly slot: number;
  readonly payload: Uint8Array;
}

/** What a written report comes to. */
export type Received =
  /** A part of a frame, or nothing at all. */
  | "part"
  /** The dummy write: the host wants the status, and no answer any more. */
  | "reset"
  /** A frame whose CRC does not fit. */
  | "damaged"
  | SlotFrame;

export class FrameReceiver {
  readonly #frame = new Uint8Array(Frame.size);

  /** Takes a report of 8 bytes. */
  receive(report: Uint8Array): Received {
    const { data, status } = Report.parse(report);
    if ((status & ReportStatus.SLOT_WRITE) === 0) return "part";
    const part = status & SEQUENCE_MASK;
    // 8F, "invalid sequence = update only"; yubikit writes FF.
    if (part > LAST_PART) {
      this.reset();
      return "reset";
    }
    if (part === 0) this.reset();
    this.#frame.set(data, part * DATA_SIZE);
    if (part < LAST_PART) return "part";
    const { payload, slot, crc } = Frame.parse(Uint8Array.from(this.#frame));
    this.reset();
    return crc16(payload) === crc ? { slot, payload } : "damaged";
  }

  /** Frames hold keys. */
  reset(): void {
    wipe(this.#frame);
  }
}

/** The reports of an answer, in the order in which they are read. */
export function encodeAnswer(answer: Uint8Array): Uint8Array[] {
  const body = appendCrc16(answer);
  const reports: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += DATA_SIZE) {
    const status = ReportStatus.RESP_PENDING | reports.length;
    reports.push(Report.encode({ data: body.subarray(at, at + DATA_SIZE), status }));
  }
  const end = Report.encode({ data: new Uint8Array(0), status: ReportStatus.RESP_PENDING });
  return [...reports, end];
}

/** The report that says nothing but `status`. */
export function encodeWait(status: number): Uint8Array {
  return Report.encode({ data: new Uint8Array(0), status });
}

/** An idle report: a byte that means nothing, and the six of the status. */
export function encodeIdle(status: Uint8Array): Uint8Array {
  return Report.encode({ data: concat(Uint8Array.of(0), status), status: 0 });
}
