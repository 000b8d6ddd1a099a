// Timing one operation again and again, and what is said about it.

export interface Case {
  /** "group.operation.variant"; `--only` takes a beginning of it. */
  readonly name: string;
  /** Rounds, where the usual number would take too long. */
  readonly rounds?: number;
  /** What has to be there before the first round. */
  readonly prepare?: () => Promise<void>;
  /** One round: resolves to a check of its answer, which is made outside the timing and throws when the answer is wrong. */
  readonly run: () => Promise<() => void>;
}

/** Times are in µs. */
export interface Measurement {
  readonly name: string;
  readonly rounds: number;
  readonly p50: number;
  readonly p95: number;
  readonly min: number;
}

const WARM_UP_ROUNDS = 50;

/** Runs a case after a warm-up. Rejects with what the operation or its check throws. */
export async function measure({ name, run, prepare, ...options }: Case, usualRounds: number): Promise<Measurement> {
  const rounds = Math.min(options.rounds ?? usualRounds, usualRounds);
  await prepare?.();
  for (let round = 0; round < Math.min(WARM_UP_ROUNDS, rounds); round++) (await run())();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    const check = await run();
    times.push(Number(process.hrtime.bigint() - start) / 1000);
    check();
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { name, rounds, p50: at(0.5), p95: at(0.95), min: at(0) };
}
