// `latchkey watch`: shows what is asked of a running key, for whom, and how it ends, as it happens.
import type { WatchLine } from "../control/messages.ts";
import { describePrompt } from "../presence/describe.ts";
import { chooseRunningKey } from "./choose-key.ts";
import type { Print } from "./output.ts";

export interface WatchOptions {
  readonly control?: string;
  readonly json: boolean;
}

/** Resolves when the key ends or `signal` aborts. */
export async function watch(
  { control, json }: WatchOptions,
  env: NodeJS.ProcessEnv,
  print: Print,
  signal: AbortSignal,
): Promise<void> {
  const key = await chooseRunningKey(control, env);
  await key.watch((line) => {
    if (json) print(JSON.stringify(line));
    else for (const text of describe(line)) print(`${line.time.slice(11, 19)}  ${text}`);
  }, signal);
}

function describe(line: WatchLine): string[] {
  switch (line.event) {
    case "watching": {
      const { serial, attachedTo, waiting } = line.status;
      const where = attachedTo === null ? "attached to no host" : `attached to ${attachedTo}`;
      return [
        `key ${serial}, ${where}`,
        ...waiting.map((touch) => `${describePrompt(touch)}: waits, touch ${touch.id}`),
      ];
    }
    case "asked":
      return [`${describePrompt(line.touch)}: asked, touch ${line.touch.id}`];
    case "settled":
      return [`${describePrompt(line.touch)}: ${line.outcome}`];
    case "attached":
      return [`${line.peer} attached ${line.busid}`];
    case "detached":
      return [`${line.peer} detached ${line.busid}`];
  }
}
