// How long a CTAPHID_PING takes: what the rest of the key is measured against when it is busy.
import type { CtapHidClient } from "./ctaphid-client.ts";

/** In milliseconds, of a message of one packet. */
export async function pingMs(channel: CtapHidClient): Promise<number> {
  const before = performance.now();
  await channel.ping(new Uint8Array(57));
  return performance.now() - before;
}

/** Of a key that does nothing else, and has done this for a while. */
export async function idlePings(channel: CtapHidClient): Promise<number[]> {
  for (let round = 0; round < 100; round++) await pingMs(channel);
  const idle: number[] = [];
  for (let round = 0; round < 200; round++) idle.push(await pingMs(channel));
  return idle;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
