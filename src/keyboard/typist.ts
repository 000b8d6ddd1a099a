// Key presses as reports of a boot keyboard, at a pace that hosts follow, and the end of them when nobody reads.
// HID 1.11 appendix B.1, F.5
import { type Pacing, PacketQueue } from "../usb/packet-queue.ts";

/** How typing ended. */
export type TypingOutcome = "typed" | "unread" | "busy";

/** modifiers | reserved | six keys */
const RELEASED = new Uint8Array(8);
const LEFT_SHIFT = 0x02;
/** Where a scan code says that Shift is held. */
const SHIFT_BIT = 0x80;

/** Between two reports. A program that polls its input each 8 ms sees each of them. */
const REPORT_MS = 5;

/**
 * How long the next report may wait for somebody to fetch it. A host that has nothing open would otherwise get a password
 * whenever it next looks, wherever the cursor is then.
 */
const UNREAD_MS = 1_000;

interface Typing {
  left: number;
  timer: NodeJS.Timeout | undefined;
  readonly finish: (outcome: TypingOutcome) => void;
}

export class Typist {
  readonly queue: PacketQueue;
  readonly #pacing: { -readonly [K in keyof Pacing]: Pacing[K] } = { burst: 0, intervalMs: REPORT_MS };
  #typing: Typing | undefined;

  constructor() {
    this.queue = new PacketQueue(this.#pacing);
  }

  /**
   * Presses and releases each key. `codes`: usages of the keyboard page, with bit 7 where Shift is held; `pacingMs`:
   * between two keys, on top of the usual.
   */
  type(codes: readonly number[], pacingMs: number): Promise<TypingOutcome> {
    if (this.#typing !== undefined) return Promise.resolve("busy");
    if (codes.length === 0) return Promise.resolve("typed");
    this.#pacing.intervalMs = REPORT_MS + pacingMs / 2;
    return new Promise((resolve) => {
      const finish = (outcome: TypingOutcome) => {
        clearTimeout(typing.timer);
        this.#typing = undefined;
        resolve(outcome);
      };
      const typing: Typing = { left: 2 * codes.length, timer: undefined, finish };
      this.#typing = typing;
      for (const code of codes) {
        this.queue.push(pressed(code));
        this.queue.push(Uint8Array.from(RELEASED));
      }
      this.#watch(typing);
    });
  }

  /** The host is gone, and with it what it has not read. */
  reset(): void {
    this.queue.clear();
    this.#typing?.finish("unread");
  }

  /** Ends the typing when all has been read, or when nobody has read for a while. */
  #watch(typing: Typing): void {
    const look = (since: number) => {
      if (this.#typing !== typing) return;
      const now = performance.now();
      const { length } = this.queue;
      if (length === 0) {
        typing.finish("typed");
        return;
      }
      const last = length < typing.left ? now : since;
      typing.left = length;
      if (now - last < UNREAD_MS) {
        typing.timer = setTimeout(() => look(last), REPORT_MS);
        return;
      }
      this.queue.clear();
      // A key that was pressed must not stay so.
      this.queue.push(Uint8Array.from(RELEASED));
      typing.finish("unread");
    };
    look(performance.now());
  }
}

function pressed(code: number): Uint8Array {
  const report = Uint8Array.from(RELEASED);
  report[0] = (code & SHIFT_BIT) === 0 ? 0 : LEFT_SHIFT;
  report[2] = code & ~SHIFT_BIT;
  return report;
}
