// The state behind the feature reports: idle, busy with a frame, or being read out. The host polls; nothing here waits.
// ykcore.c, yubikit/core/otp.py
//
//   idle      the status
//   busy      80: wait; or 20 and the seconds that are left, once somebody has to touch
//   answered  the reports of the answer, one at each poll, and then idle
import type { Logger } from "../log.ts";
import type { KeepaliveStatus, Transport } from "../transport.ts";
import { Turns } from "../turns.ts";
import {
  encodeAnswer,
  encodeIdle,
  encodeWait,
  FrameReceiver,
  ReportStatus,
  type SlotFrame,
  TIMEOUT_MASK,
} from "./frame.ts";

/** What answers frames: the OTP applet. */
export interface SlotApplication {
  /** Six bytes. */
  status(): Uint8Array;
  /** What a slot command answers; undefined when the status does. Rejects when it is refused. */
  execute(slot: number, payload: Uint8Array, transport: Transport): Promise<Uint8Array | undefined>;
}

/** "The YubiKey will wait for the user to press the key (within 15 seconds)": and ykchalresp waits no longer. */
const TOUCH_MS = 15_000;

/**
 * A host that has not polled for this long is not there any more (Ctrl-C in ykchalresp): the next one shall find neither
 * its prompt nor its answer. ykcore polls at least each 500 ms, yubikit each 200 ms.
 */
const POLL_GAP_MS = 2_000;

/** What yk_read_response_from_key and yubikit take for "not done yet". */
const BUSY = ReportStatus.SLOT_WRITE;

interface Busy {
  readonly cancellation: AbortController;
  /** On performance's clock: when the touch is too late. Stays when it was given: ykcore takes anything else for a time-out. */
  touchUntil: number | undefined;
  timer: NodeJS.Timeout | undefined;
}

export class FrameProtocol {
  readonly #application: SlotApplication;
  readonly #log: Logger;
  readonly #receiver = new FrameReceiver();
  #busy: Busy | undefined;
  #answer: Uint8Array[] = [];
  readonly #work = new Turns();
  #pollGap: NodeJS.Timeout | undefined;

  constructor(application: SlotApplication, log: Logger) {
    this.#application = application;
    this.#log = log;
  }

  /** SET_REPORT: takes 8 bytes. */
  write(report: Uint8Array): void {
    const received = this.#receiver.receive(report);
    if (received === "part") return;
    // The next command, like the dummy write, takes the place of one that still waits for its touch.
    this.#stop();
    if (received === "damaged") this.#log.debug("keyboard: a frame with a wrong CRC");
    else if (received !== "reset") this.#start(received);
  }

  /** GET_REPORT: gives 8 bytes. */
  read(): Uint8Array {
    const next = this.#answer.shift();
    this.#watchPolls();
    if (next !== undefined) return next;
    return this.#busy === undefined ? encodeIdle(this.#application.status()) : encodeWait(waitStatus(this.#busy));
  }

  reset(): void {
    this.#stop();
    this.#receiver.reset();
  }

  #stop(): void {
    const busy = this.#busy;
    this.#busy = undefined;
    this.#answer = [];
    clearTimeout(this.#pollGap);
    clearTimeout(busy?.timer);
    busy?.cancellation.abort();
  }

  #watchPolls(): void {
    clearTimeout(this.#pollGap);
    if (this.#busy?.touchUntil === undefined && this.#answer.length === 0) return;
    this.#pollGap = setTimeout(() => this.#stop(), POLL_GAP_MS).unref();
  }

  #start({ slot, payload }: SlotFrame): void {
    const cancellation = new AbortController();
    const busy: Busy = { cancellation, touchUntil: undefined, timer: undefined };
    this.#busy = busy;
    const transport: Transport = {
      name: "keyboard",
      channel: 0,
      signal: cancellation.signal,
      keepalive: (status) => this.#keepalive(busy, status),
    };
    // A command that was given up may still be writing.
    void this.#work.take(() => this.#run(busy, slot, payload, transport));
  }

  #keepalive(busy: Busy, status: KeepaliveStatus): void {
    if (status !== "upneeded" || busy !== this.#busy) return;
    busy.touchUntil = performance.now() + TOUCH_MS;
    busy.timer = setTimeout(() => busy.cancellation.abort(), TOUCH_MS).unref();
    this.#watchPolls();
  }

  async #run(busy: Busy, slot: number, payload: Uint8Array, transport: Transport): Promise<void> {
    let answer: Uint8Array | undefined;
    let outcome = "refused";
    try {
      if (busy !== this.#busy) return;
      answer = await this.#application.execute(slot, payload, transport);
      outcome = answer === undefined ? "done" : `${answer.length} bytes`;
    } catch (error) {
      // Nobody is told why: the host sees from the status that nothing was written.
      if (!(error instanceof Error && error.name === "StatusError")) this.#log.error("keyboard", error);
    } finally {
      payload.fill(0);
      clearTimeout(busy.timer);
    }
    this.#log.traffic(() => `keyboard: slot command ${slot.toString(16)}: ${outcome}`);
    if (busy !== this.#busy) return;
    this.#busy = undefined;
    if (answer !== undefined) this.#answer = encodeAnswer(answer);
    this.#watchPolls();
  }
}

function waitStatus({ touchUntil }: Busy): number {
  if (touchUntil === undefined) return BUSY;
  const seconds = Math.ceil((touchUntil - performance.now()) / 1000);
  return ReportStatus.RESP_TIMEOUT_WAIT | Math.min(Math.max(seconds, 0), TIMEOUT_MASK);
}
