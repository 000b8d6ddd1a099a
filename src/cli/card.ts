// `latchkey card eject` and `latchkey card insert`: takes the card out of a running key's reader, which stays plugged in,
// and puts it back.
import { chooseRunningKey } from "./choose-key.ts";
import type { Print } from "./output.ts";

export interface CardOptions {
  readonly control?: string;
  readonly json: boolean;
}

export async function moveCard(
  where: "in" | "out",
  { control, json }: CardOptions,
  env: NodeJS.ProcessEnv,
  print: Print,
): Promise<void> {
  const key = await chooseRunningKey(control, env);
  const answer = await key.moveCard(where);
  if (json) print(JSON.stringify(answer));
  else if (!answer.moved) print(where === "in" ? "The card is in its reader already." : "The card is out already.");
  else if (where === "in") print("The card is in its reader.");
  else print('The card is out: "latchkey card insert" puts it back.');
}
