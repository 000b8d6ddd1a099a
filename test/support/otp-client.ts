// The host's side of the OTP protocol over feature reports, over anything that carries them: as yubikit/core/otp.py and
// ykcore.c go about it, with code of its own.

export interface FeaturePipe {
  get(): Promise<Uint8Array>;
  set(report: Uint8Array): Promise<void>;
}

export interface OtpStatus {
  readonly version: string;
  readonly pgmSeq: number;
  readonly touchLevel: number;
  /** The last byte of the report. */
  readonly flags: number;
}

const POLLS = 1_000;

export function crc(data: Uint8Array): number {
  let value = 0xffff;
  for (const byte of data) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >> 1) ^ 0x8408 : value >> 1;
  }
  return value;
}

/** The ten reports of a frame; `skipZeros`: without those of zeros in the middle, as both clients do. */
export function cutFrame(slot: number, data: Uint8Array, skipZeros = true): Buffer[] {
  const frame = Buffer.alloc(70);
  frame.set(data);
  frame.writeUInt8(slot, 64);
  frame.writeUInt16LE(crc(frame.subarray(0, 64)), 65);
  const reports = Array.from({ length: 10 }, (_, part) =>
    Buffer.concat([frame.subarray(7 * part, 7 * part + 7), Buffer.of(0x80 | part)]),
  );
  return reports.filter(
    (report, part) => !skipZeros || part === 0 || part === 9 || report.subarray(0, 7).some((byte) => byte !== 0),
  );
}

export class OtpClient {
  readonly #pipe: FeaturePipe;

  constructor(pipe: FeaturePipe) {
    this.#pipe = pipe;
  }

  async status(): Promise<OtpStatus> {
    const report = Buffer.from(await this.#pipe.get());
    if (report.length !== 8) throw new Error(`a report of ${report.length} bytes`);
    return {
      version: [...report.subarray(1, 4)].join("."),
      pgmSeq: report.readUInt8(4),
      touchLevel: report.readUInt16LE(5),
      flags: report.readUInt8(7),
    };
  }

  async send(slot: number, data: Uint8Array): Promise<void> {
    for (const report of cutFrame(slot, data)) {
      if (((await this.status()).flags & 0x80) !== 0) throw new Error("the last report is not dealt with");
      await this.#pipe.set(report);
    }
  }

  /** The answer to what was sent: `length` bytes whose CRC fits; undefined when the key is idle without one. */
  async receive(length: number, waiting: (flags: number) => void = () => {}): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = [];
    for (let poll = 0; poll < POLLS; poll++) {
      const report = Buffer.from(await this.#pipe.get());
      const flags = report.readUInt8(7);
      if ((flags & 0x40) !== 0) {
        if ((flags & 0x1f) === parts.length) {
          parts.push(report.subarray(0, 7));
          continue;
        }
        if ((flags & 0x1f) !== 0) throw new Error(`part ${flags & 0x1f} of an answer after ${parts.length}`);
        await this.reset();
        const answer = Buffer.concat(parts);
        if (crc(answer.subarray(0, length + 2)) !== 0xf0b8) throw new Error("the CRC of an answer");
        return answer.subarray(0, length);
      }
      if (flags === 0) return undefined;
      waiting(flags);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    throw new Error("no answer");
  }

  async command(slot: number, data: Uint8Array, length: number): Promise<Buffer | undefined> {
    await this.send(slot, data);
    return this.receive(length);
  }

  /** The dummy write. */
  reset(): Promise<void> {
    return this.#pipe.set(Buffer.from("000000000000008f", "hex"));
  }
}
