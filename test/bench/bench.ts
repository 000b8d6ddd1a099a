// `npm run bench [-- --only PREFIX] [--rounds N] [--json FILE]`: how long a host waits for each operation of a key in
// another process, over USB/IP on the loopback. Pin it to one processor (`taskset -c 0`) for figures that hold still.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { AttachedKey } from "./attached-key.ts";
import { floorCases, keyCases } from "./cases.ts";
import { type Child, startEcho, startKey } from "./child.ts";
import { EchoClient } from "./echo-client.ts";
import { type Case, type Measurement, measure } from "./measure.ts";
import { PEER_NAME, peerFigures } from "./peer.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "500" },
    json: { type: "string" },
  },
});

const FLOOR = "floor.echo";
const columns = [28, 7, 9, 9, 9, 9, 12, 9] as const;

function line(...cells: readonly string[]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(columns[0]) : cell.padStart(columns[index] ?? 0)))
    .join("");
}

function row({ name, rounds, p50, p95, min }: Measurement, floor: number): string {
  const times = [p50, p95, min].map((time) => time.toFixed(0));
  const peer = peerFigures[name];
  const peerFloor = peerFigures[FLOOR];
  if (peer === undefined || peerFloor === undefined) return line(name, `${rounds}`, ...times, (p50 / floor).toFixed(1));
  return line(
    name,
    `${rounds}`,
    ...times,
    (p50 / floor).toFixed(1),
    `${peer.best.toFixed(0)}/${peer.median.toFixed(0)}`,
    (peer.median / peerFloor.median).toFixed(1),
  );
}

/** Measures the cases that --only asks for; the floor always, since the others are told in it. */
async function measureAll(cases: readonly Case[], rounds: number): Promise<Measurement[]> {
  const results: Measurement[] = [];
  for (const each of cases) {
    if (each.name !== FLOOR && !each.name.startsWith(options.only)) continue;
    results.push(await measure(each, rounds));
  }
  return results;
}

async function run(): Promise<Measurement[]> {
  const rounds = Number(options.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds takes a number from 1");
  const children: Child[] = [];
  try {
    const echoServer = await startEcho();
    children.push(echoServer);
    const echo = await EchoClient.connect(echoServer.port);
    const results = await measureAll(floorCases(echo), 4 * rounds);
    echo.close();
    const keyServer = await startKey();
    children.push(keyServer);
    const key = await AttachedKey.attach(keyServer.port);
    results.push(...(await measureAll(await keyCases(key), rounds)));
    await key.detach();
    return results;
  } finally {
    for (const child of children) await child.stop();
  }
}

const results = await run();
const floor = results.find(({ name }) => name === FLOOR)?.p50 ?? Number.NaN;
console.log(line("µs", "rounds", "p50", "p95", "min", "× floor", "peer's p50", "× floor"));
for (const result of results) console.log(row(result, floor));
console.log(`Answers were verified outside the timing. Peer: ${PEER_NAME}, best/median run; its floor was its own.`);
if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify({ floor, peer: PEER_NAME, results }, null, 2)}\n`);
}
