// `latchkey power-cycle`: takes a running key's power away, as unplugging it does.
import { chooseRunningKey } from "./choose-key.ts";
import type { Print } from "./output.ts";

export interface PowerCycleOptions {
  readonly control?: string;
  readonly json: boolean;
}

export async function powerCycle(
  { control, json }: PowerCycleOptions,
  env: NodeJS.ProcessEnv,
  print: Print,
): Promise<void> {
  const key = await chooseRunningKey(control, env);
  const answer = await key.powerCycle();
  if (json) print(JSON.stringify(answer));
  else if (answer.detachedFrom === null) print("The key had no host; it has forgotten what it forgets without power.");
  else print(`The key was unplugged from ${answer.detachedFrom}: attach it again to go on.`);
}
