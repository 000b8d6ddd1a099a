// `latchkey touch`: gives the touch that a running key waits for, or refuses it; types an OTP slot when none is waited for.
import type { TouchRequest } from "../control/messages.ts";
import { describePrompt } from "../presence/describe.ts";
import { chooseRunningKey } from "./choose-key.ts";
import type { Print } from "./output.ts";

export interface TouchOptions {
  readonly control?: string;
  /** Which one; the oldest unless given. */
  readonly id?: number;
  readonly deny: boolean;
  readonly long: boolean;
  readonly verify: boolean;
  /** Seconds to wait for one to be asked for. */
  readonly wait?: number;
  readonly json: boolean;
}

export async function touch(options: TouchOptions, env: NodeJS.ProcessEnv, print: Print): Promise<void> {
  const { control, id, deny, long, verify, wait = 0, json } = options;
  const key = await chooseRunningKey(control, env);
  const request: TouchRequest = { granted: !deny, long, verified: verify, waitMs: wait * 1000 };
  const answer = await key.touch(id === undefined ? request : { ...request, id });
  if (json) print(JSON.stringify(answer));
  else if ("typed" in answer) print(`Typed OTP slot ${answer.typed}.`);
  else print(`${answer.granted ? "Granted" : "Denied"}: ${describePrompt(answer.touch)}.`);
}
