// `latchkey status`: the keys that run, who has them, and the touches that they wait for.
import { ControlClient } from "../control/client.ts";
import type { KeyStatus } from "../control/messages.ts";
import { findRunningKeys, type RunningKey } from "../control/running-keys.ts";
import { describePrompt } from "../presence/describe.ts";
import { formatRemote } from "./options.ts";
import type { Print } from "./output.ts";

export interface StatusOptions {
  readonly control?: string;
  readonly json: boolean;
}

/** Prints every key of this user, or the one behind --control. That there is none is no failure. */
export async function status(options: StatusOptions, env: NodeJS.ProcessEnv, print: Print): Promise<void> {
  const { control, json } = options;
  const keys: readonly RunningKey[] =
    control === undefined
      ? await findRunningKeys(env)
      : [{ path: control, status: await new ControlClient(control).status() }];
  if (json) {
    print(JSON.stringify({ keys: keys.map((key) => ({ control: key.path, ...(key.status ?? { answers: false }) })) }));
    return;
  }
  if (keys.length === 0) print("No key is running.");
  for (const key of keys) for (const line of describeKey(key)) print(line);
}

function describeKey({ path, status: key }: RunningKey): string[] {
  if (key === undefined) return [`${path} does not answer as a key does.`];
  return [
    `Key ${key.serial}, USB id ${key.usbId}, process ${key.pid}, Latchkey ${key.version}`,
    `  listens on ${formatRemote(key.address)}, control socket ${path}`,
    `  state: ${key.store ?? "in memory"}`,
    `  touch: ${key.touch}${key.uv === "off" ? "" : `, user verification: ${key.uv}`}`,
    key.attachedTo === null ? "  attached to no host" : `  attached to ${key.attachedTo}, as device ${key.busid}`,
    ...(key.card === "out" ? ["  its card is ejected"] : []),
    ...waitingLines(key),
  ];
}

function waitingLines({ waiting }: KeyStatus): string[] {
  return waiting.map((touch) => `  waits for touch ${touch.id}: ${describePrompt(touch)}`);
}
